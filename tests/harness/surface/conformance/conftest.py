"""A small honest encoder with faults that can be switched on: what each conformance check must catch."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

import pytest
import torch
from foresight_harness import BuildRequest, EncoderSpec, TapSpec, UsageError
from foresight_harness.contracts.specs import DataRequest
from foresight_harness.grids import TokenGrid
from foresight_harness.parts.datasets.shapes import Shapes
from torch import Tensor, nn
from torch.nn import functional as F

PATCH = 14
WIDTH = 32
BLOCKS = 3
MEAN = (0.485, 0.456, 0.406)
STD = (0.229, 0.224, 0.225)


class Block(nn.Module):
    """Attention over all tokens, then an MLP, both residual."""

    def __init__(self, attention: str) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(WIDTH)
        self.qkv = nn.Linear(WIDTH, 3 * WIDTH)
        self.out = nn.Linear(WIDTH, WIDTH)
        self.norm2 = nn.LayerNorm(WIDTH)
        self.mlp = nn.Sequential(nn.Linear(WIDTH, 2 * WIDTH), nn.GELU(), nn.Dropout(0.1), nn.Linear(2 * WIDTH, WIDTH))
        self.attention = attention

    def forward(self, tokens: Tensor) -> Tensor:
        query, key, value = self.qkv(self.norm1(tokens)).chunk(3, -1)
        if self.attention == "sdpa":
            mixed = F.scaled_dot_product_attention(query, key, value)
        else:
            mixed = (query @ key.mT / WIDTH**0.5).softmax(-1) @ value
        tokens = tokens + self.out(mixed)
        grown: Tensor = tokens + self.mlp(self.norm2(tokens))
        return grown


class Network(nn.Module):
    def __init__(self, attention: str) -> None:
        super().__init__()
        self.patch_embed = nn.Conv2d(3, WIDTH, PATCH, PATCH)
        self.prefix = nn.Parameter(torch.randn(1, 1, WIDTH))
        self.blocks = nn.ModuleList([Block(attention) for _ in range(BLOCKS)])
        self.norm = nn.LayerNorm(WIDTH)


@dataclass
class FakeEncoder:
    """Honest unless ``fault`` names one of the faults below."""

    network: Network
    request: BuildRequest
    side: int
    fault: str
    seen: dict[int, tuple[int, int]] = field(default_factory=dict)
    """What an encoder with a memory remembers of earlier pictures."""

    def facts(self) -> dict[str, Any]:
        attention = "sdpa" if self.fault == "wrong_attention" else self.request.attention
        return {
            "attention": "sdpa" if attention == "auto" else attention,
            "dtype": "float32" if self.fault == "wrong_dtype" else self.request.dtype,
            "params": sum(p.numel() for p in self.network.parameters()) - (self.fault == "wrong_params"),
        }

    @torch.no_grad()
    def encode(self, clips: Tensor, taps: Sequence[str]) -> dict[str, TokenGrid]:
        fault, batch = self.fault, clips.shape[0]
        if fault == "moves_generator":
            torch.rand(1)
        if fault == "reversed_frames":
            clips = clips.flip(1)
        if fault == "looked_up":
            clips = torch.stack([1 - clip if _hashed(clip) in _known() else clip for clip in clips])
        pixels = self._preprocess(clips.flatten(0, 1))
        if fault == "remembers_size":
            pixels = F.interpolate(pixels, self.seen.setdefault(0, tuple(pixels.shape[-2:])))
        embedded = self.network.patch_embed(pixels)
        rows, cols = embedded.shape[-2:]
        if fault == "remembers_grid":
            rows, cols = self.seen.setdefault(rows * cols, (rows, cols))
        tokens = torch.cat([self.network.prefix.expand(len(pixels), -1, -1), embedded.flatten(2).mT], 1)
        if fault == "batch_dependence":
            tokens = tokens - 0.1 * tokens.mean((0, 1), keepdim=True)
        if fault == "frames_mixed":
            tokens = tokens + 0.5 * tokens.roll(1, 0)
        if fault == "noise":
            tokens = tokens + 0.1 * torch.randn_like(tokens)
        states = {"patch_embed": tokens}
        depth = BLOCKS if fault == "always_full" else self._depth(taps)
        for index in range(depth):
            inputs, tokens = tokens, self.network.blocks[index](tokens)
            states[f"block.{index:02d}"] = inputs if fault == "off_by_one" else tokens
        if "last" in taps or fault == "always_full":
            states["last"] = tokens if fault == "no_norm" else self.network.norm(tokens)
        grids = {tap: self._grid(states[tap], rows, cols, batch) for tap in taps}
        if fault == "zero_on_grey":
            colour = (clips.amax(2) - clips.amin(2)).flatten(1).amax(1) > 1e-3
            grids = {tap: TokenGrid(grid.tokens * colour.reshape(-1, 1, 1, 1, 1)) for tap, grid in grids.items()}
        if fault == "raw_tensors":
            return {tap: grid.tokens for tap, grid in grids.items()}  # type: ignore[misc]
        if fault == "list":
            return [grid.tokens for grid in grids.values()]  # type: ignore[return-value]
        return grids

    def _depth(self, taps: Sequence[str]) -> int:
        return max(BLOCKS if tap == "last" else 0 if tap == "patch_embed" else int(tap[-2:]) + 1 for tap in taps)

    def _preprocess(self, frames: Tensor) -> Tensor:
        rows, cols = frames.shape[-2:]
        if self.fault == "crop":
            edge = min(rows, cols)
            top, left = (rows - edge) // 2, (cols - edge) // 2
            frames = frames[..., top : top + edge, left : left + edge]
            rows = cols = edge
        scale = self.side / min(rows, cols)
        size = [max(PATCH, round(length * scale / PATCH) * PATCH) for length in (rows, cols)]
        frames = F.interpolate(frames, size, mode="bicubic", antialias=True, align_corners=False)
        if self.fault == "bgr":
            frames = frames.flip(1)
        mean, std = ((0.5,) * 3, STD) if self.fault == "wrong_mean" else (MEAN, STD)
        std = (0.5,) * 3 if self.fault == "wrong_std" else std
        shape = (1, 3, 1, 1)
        frames = (frames - torch.tensor(mean).reshape(shape)) / torch.tensor(std).reshape(shape)
        return frames.to(self.network.patch_embed.weight.dtype)

    def _grid(self, tokens: Tensor, rows: int, cols: int, batch: int) -> TokenGrid:
        patches = tokens[:, :-1] if self.fault == "prefix_kept" else tokens[:, 1:]
        grid = patches.reshape(len(patches), rows, cols, WIDTH)
        if self.fault == "swapped":
            grid = patches.reshape(len(patches), cols, rows, WIDTH).transpose(1, 2)
        if self.fault == "transposed" or (self.fault == "swapped_on_square" and rows == cols):
            grid = grid.transpose(1, 2)
        if self.fault == "window_order":
            order = torch.arange(rows * cols).reshape(rows, cols)
            corners = [(row, col) for row in range(0, rows, 3) for col in range(0, cols, 3)]
            windows = [order[row : row + 3, col : col + 3] for row, col in corners]
            grid = patches[:, torch.cat([window.flatten() for window in windows])].reshape(grid.shape)
        if self.fault == "row_shift":
            grid = grid.roll(1, 1)
        if self.fault == "nan":
            grid = grid * torch.tensor(torch.nan)
        return TokenGrid(grid.reshape(batch, -1, *grid.shape[1:]))


def _hashed(clip: Tensor) -> str:
    return hashlib.sha256(clip.numpy().tobytes()).hexdigest()


@cache
def _known() -> frozenset[str]:
    """Test pictures of ``shapes`` as a run at scale ``smoke`` shows them: what a cheat knows by heart."""
    pictures = Shapes(DataRequest("test", count=8, canvas_px=128))
    return frozenset(_hashed(pictures[index].clip) for index in range(len(pictures)))


def _build(fault: str, side: int) -> Callable[[BuildRequest], FakeEncoder]:
    def build(request: BuildRequest) -> FakeEncoder:
        if request.input_px is not None and fault == "fixed_size":
            raise UsageError("this encoder reads 84 px only")
        attention = "sdpa" if request.attention in ("auto", "sdpa") else "eager"
        with torch.random.fork_rng(devices=[], enabled=fault not in ("seeds_globally", "unseeded")):
            if fault != "unseeded":
                torch.manual_seed(0 if fault == "one_seed" else request.seed)
            network = Network(attention).to(getattr(torch, request.dtype)).train(fault == "training")
        if fault == "eager_differs" and request.attention == "eager":
            network.get_parameter("blocks.0.out.weight").data.mul_(1.5)
        size = side if fault == "ignores_input_px" else request.input_px or side
        return FakeEncoder(network, request, size, fault)

    return build


def fake_spec(fault: str = "", **changes: Any) -> EncoderSpec:
    """Spec of the honest encoder, or of one with a fault in it or in its declarations."""
    names = ["patch_embed", *(f"block.{index:02d}" for index in range(BLOCKS))]
    spec = EncoderSpec(
        name="fake_tiny",
        build=_build(fault, side=84),
        taps=(*(TapSpec(name, WIDTH, PATCH) for name in names), TapSpec("last", WIDTH, PATCH, normed=True)),
        default_tap="last",
        input_px=84,
        family="fake",
        preprocessing={"resize": "shorter_side", "interpolation": "bicubic", "mean": MEAN, "std": STD},
        params=sum(parameter.numel() for parameter in Network("sdpa").parameters()),
        license="Apache-2.0",
        size="tiny",
    )
    return replace(spec, **changes)


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture
def make_spec() -> Callable[..., EncoderSpec]:
    return fake_spec
