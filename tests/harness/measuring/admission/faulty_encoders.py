"""One small honest encoder, and every way that we know of to spoil it: what admission must find.

A plugin module too: put on the path under an entry point, ``foresight_encoders`` offers the faults that the environment
variable ``PLANTED`` names.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from foresight_harness import BuildRequest, EncoderSpec, TapSpec, hookimpl
from foresight_harness.grids import TokenGrid
from torch import Tensor, nn
from torch.nn import functional as F

PATCH, WIDTH, SIDE = 14, 48, 224
CELLS = SIDE // PATCH
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class Block(nn.Module):
    """Attention over all tokens, then an MLP, both residual."""

    def __init__(self) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.qkv, self.out = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH)
        self.mlp = nn.Sequential(nn.Linear(WIDTH, 2 * WIDTH), nn.GELU(), nn.Dropout(0.1), nn.Linear(2 * WIDTH, WIDTH))

    def forward(self, tokens: Tensor) -> Tensor:
        query, key, value = self.qkv(self.norm1(tokens)).chunk(3, -1)
        tokens = tokens + self.out(F.scaled_dot_product_attention(query, key, value))
        grown: Tensor = tokens + self.mlp(self.norm2(tokens))
        return grown


class Network(nn.Module):
    """A vision transformer with a class token and a batch norm behind its embedding."""

    def __init__(self) -> None:
        super().__init__()
        self.patch_embed = nn.Conv2d(3, WIDTH, PATCH, PATCH)
        self.norm = nn.BatchNorm2d(WIDTH)
        self.prefix = nn.Parameter(torch.randn(1, 4, WIDTH))
        self.places = nn.Parameter(0.3 * torch.randn(1, CELLS * CELLS, WIDTH))
        self.blocks = nn.ModuleList([Block(), Block()])

    def forward(self, pixels: Tensor) -> Tensor:
        """[N, 3, SIDE, SIDE] -> prefix and patch tokens [N, 4 + CELLS ** 2, WIDTH]"""
        embedded = self.norm(self.patch_embed(pixels)).flatten(2).mT + self.places
        tokens = torch.cat([self.prefix.expand(len(pixels), -1, -1), embedded], 1)
        for block in self.blocks:
            tokens = block(tokens)
        return tokens


class Honest:
    """Squashed to a square, normalised, read at its last block."""

    def __init__(self, request: BuildRequest) -> None:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(request.seed)
            self.network = Network().eval().requires_grad_(False)

    def pixels(self, clips: Tensor) -> Tensor:
        frames = F.interpolate(clips.flatten(0, 1), (SIDE, SIDE), mode="bilinear", align_corners=False, antialias=True)
        return (frames - torch.tensor(MEAN).reshape(1, 3, 1, 1)) / torch.tensor(STD).reshape(1, 3, 1, 1)

    def tokens(self, clips: Tensor) -> Tensor:
        return self.network(self.pixels(clips))

    def grid(self, tokens: Tensor) -> Tensor:
        return tokens[:, 4:].reshape(len(tokens), CELLS, CELLS, WIDTH)

    def encode(self, clips: Tensor, taps: Sequence[str]) -> dict[str, TokenGrid]:
        grid = self.grid(self.tokens(clips))
        return {tap: TokenGrid(grid.reshape(*clips.shape[:2], *grid.shape[1:])) for tap in taps}

    def facts(self) -> Mapping[str, Any]:
        return {"attention": "sdpa", "dtype": "float32", "params": PARAMS}


PARAMS = sum(parameter.numel() for parameter in Network().parameters())
SPEC = EncoderSpec(
    name="planted_tiny",
    build=Honest,
    taps=(TapSpec("last", WIDTH, PATCH),),
    default_tap="last",
    input_px=SIDE,
    family="planted",
    preprocessing={"resize": "squash", "mean": MEAN, "std": STD},
    params=PARAMS,
    weights=("random",),
    license="Apache-2.0",
    size="tiny",
)

Grids = Callable[[Honest, Tensor], Tensor]
FAULTS: dict[str, tuple[EncoderSpec, str]] = {}
"""Name -> spec, and what its refusal says."""


def _spoilt(change: Callable[[Honest], None], **declared: Any) -> EncoderSpec:
    def build(request: BuildRequest) -> Honest:
        encoder = Honest(request)
        change(encoder)
        return encoder

    return replace(SPEC, build=build, **declared)


def of_grid(name: str, said: str, change: Callable[[Tensor], Tensor], **declared: Any) -> None:
    """The grid [N, H, W, C] is changed."""

    def spoil(encoder: Honest) -> None:
        before = encoder.grid
        encoder.grid = lambda tokens: change(before(tokens))  # type: ignore[method-assign]

    FAULTS[name] = (_spoilt(spoil, **declared), said)


def of_clips(name: str, said: str, change: Callable[[Tensor], Tensor], **declared: Any) -> None:
    """The clips [B, T, 3, H, W] are changed before anything else."""

    def spoil(encoder: Honest) -> None:
        before = encoder.tokens
        encoder.tokens = lambda clips: before(change(clips))  # type: ignore[method-assign]

    FAULTS[name] = (_spoilt(spoil, **declared), said)


def of_tokens(name: str, said: str, change: Callable[[Tensor], Tensor]) -> None:
    """Tokens with their prefix [N, 4 + CELLS ** 2, C] are changed."""

    def spoil(encoder: Honest) -> None:
        before = encoder.tokens
        encoder.tokens = lambda clips: change(before(clips))  # type: ignore[method-assign]

    FAULTS[name] = (_spoilt(spoil), said)


def of_encode(name: str, said: str, change: Callable[[Any, Callable[..., Any], Tensor, Sequence[str]], Any]) -> None:
    """``change(memory, encode, clips, taps)`` answers in the place of ``encode``."""

    def spoil(encoder: Honest) -> None:
        before, memory = encoder.encode, {}
        encoder.encode = lambda clips, taps: change(memory, before, clips, taps)  # type: ignore[method-assign]

    FAULTS[name] = (_spoilt(spoil), said)


def _window_order(grid: Tensor) -> Tensor:
    cells = torch.arange(CELLS * CELLS).reshape(CELLS // 4, 4, CELLS // 4, 4).permute(0, 2, 1, 3).flatten()
    return grid.flatten(1, 2)[:, cells].reshape(grid.shape)


def _snake(grid: Tensor) -> Tensor:
    found = grid.clone()
    found[:, 1::2] = found[:, 1::2].flip(2)
    return found


def _kept(count: int) -> Callable[[Tensor], Tensor]:
    """Prefix tokens kept in front: everything moves by ``count`` places."""
    return lambda tokens: torch.cat([tokens[:, :4], tokens[:, 4 - count : -count]], 1)


ORDER = torch.randperm(CELLS * CELLS, generator=torch.Generator().manual_seed(0))


def _shuffled(grid: Tensor) -> Tensor:
    return grid.flatten(1, 2)[:, ORDER].reshape(grid.shape)


def _quarters_swapped(grid: Tensor) -> Tensor:
    half = CELLS // 2
    swapped = grid.clone()
    swapped[:, :half, :half], swapped[:, half:, half:] = grid[:, half:, half:], grid[:, :half, :half]
    return swapped


def _quarter_mirrored(grid: Tensor) -> Tensor:
    half = CELLS // 2
    mirrored = grid.clone()
    mirrored[:, :half, half:] = grid[:, :half, half:].flip(2)
    return mirrored


def _averaged(grid: Tensor) -> Tensor:
    return F.avg_pool2d(grid.permute(0, 3, 1, 2), 2).permute(0, 2, 3, 1)


def _enlarged(grid: Tensor) -> Tensor:
    return _averaged(grid).repeat_interleave(2, 1).repeat_interleave(2, 2)


def _crop(share: float) -> Callable[[Tensor], Tensor]:
    def crop(clips: Tensor) -> Tensor:
        cut = round(clips.shape[-1] * (1 - share) / 2)
        return clips[..., cut:-cut, cut:-cut]

    return crop


def _padded(clips: Tensor) -> Tensor:
    pad = clips.shape[-1] // 8
    return F.pad(clips, (pad, pad, pad, pad))


def _every(count: int) -> Callable[[Tensor], Tensor]:
    def zero(grid: Tensor) -> Tensor:
        found = grid.clone()
        found[count - 1 :: count] = 0
        return found

    return zero


def _grey_zeroed(clips: Tensor) -> Tensor:
    return (clips.amax(2, keepdim=True) - clips.amin(2, keepdim=True)).flatten(1).amax(1)


def _zero_on_grey(memory: Any, encode: Any, clips: Tensor, taps: Any) -> Any:
    kept = (_grey_zeroed(clips) > 1e-3).float().reshape(-1, 1, 1, 1, 1)
    return {tap: TokenGrid(grid.tokens * kept) for tap, grid in encode(clips, taps).items()}


def _previous(memory: Any, encode: Any, clips: Tensor, taps: Any) -> Any:
    shown = torch.cat([memory.get("last", clips[:1]), clips[:-1]]) if len(clips) else clips
    memory["last"] = clips[-1:].clone()
    return encode(shown, taps)


def _first_of_batch(memory: Any, encode: Any, clips: Tensor, taps: Any) -> Any:
    return encode(clips[:1].expand_as(clips), taps)


def _remembered(memory: Any, encode: Any, clips: Tensor, taps: Any) -> Any:
    key = tuple(clips.shape)
    return memory.setdefault(key, encode(clips, taps))


def _looked_up(memory: Any, encode: Any, clips: Tensor, taps: Any) -> Any:
    """Tokens drawn from a hash of the picture."""
    found = []
    for clip in clips:
        seed = int(hashlib.sha256(clip.numpy().tobytes()).hexdigest()[:8], 16)
        found.append(torch.randn(1, CELLS, CELLS, WIDTH, generator=torch.Generator().manual_seed(seed)))
    return {tap: TokenGrid(torch.stack(found)) for tap in taps}


def _noisy(memory: Any, encode: Any, clips: Tensor, taps: Any) -> Any:
    return {t: TokenGrid(g.tokens + 0.05 * torch.randn_like(g.tokens)) for t, g in encode(clips, taps).items()}


def _batch_mean(grid: Tensor) -> Tensor:
    return grid - grid.mean((0, 1, 2), keepdim=True)


def _counting(memory: Any, encode: Any, clips: Tensor, taps: Any) -> Any:
    memory["calls"] = memory.get("calls", 0) + 1
    return {tap: TokenGrid(grid.tokens * memory["calls"]) for tap, grid in encode(clips, taps).items()}


def _in_place(memory: Any, encode: Any, clips: Tensor, taps: Any) -> Any:
    clips.sub_(0.5)
    return encode(clips + 0.5, taps)


def _raises(memory: Any, encode: Any, clips: Tensor, taps: Any) -> Any:
    raise ValueError("no such\nlayer")


def _train(encoder: Honest) -> None:
    encoder.network.train()


def _only(kind: type[nn.Module]) -> Callable[[Honest], None]:
    def spoil(encoder: Honest) -> None:
        for module in encoder.network.modules():
            if isinstance(module, kind):
                module.train()

    return spoil


def _nan_on_black(memory: Any, encode: Any, clips: Tensor, taps: Any) -> Any:
    spread = clips.flatten(1).std(1).reshape(-1, 1, 1, 1, 1)
    return {tap: TokenGrid(grid.tokens * (spread / spread)) for tap, grid in encode(clips, taps).items()}


of_grid("axes_swapped", "rows and columns swapped", lambda grid: grid.transpose(1, 2))
of_grid("mirrored", "mirrored", lambda grid: grid.flip(2))
of_grid("upside_down", "upside down", lambda grid: grid.flip(1))
of_grid("turned", "turned by 180", lambda grid: grid.flip(1, 2))
of_grid("quarter_turn", "turned by", lambda grid: grid.rot90(1, (1, 2)))
of_grid("window_order", "agreement", _window_order)
of_grid("snake_order", "odd rows", _snake)
of_grid("roll_right", "1 tokens", lambda grid: grid.roll(1, 2))
of_grid("roll_down", "1 tokens", lambda grid: grid.roll(1, 1))
of_grid("roll_far", "5 tokens", lambda grid: grid.roll(5, 1))
of_grid("half_cell", "half a token off", lambda grid: (grid + grid.roll((1, 1), (1, 2))) / 2)
of_grid("half_cell_down", "0.5 tokens above", lambda grid: (grid + grid.roll(1, 1)) / 2)
of_grid("shuffled_places", "do not change", _shuffled)
of_grid("quarters_swapped", "quarter", _quarters_swapped)
of_grid("quarter_mirrored", "the upper right quarter", _quarter_mirrored)
of_grid("averaged_2x2", "8x8 tokens", _averaged)
of_grid("averaged_and_enlarged", "equal to the last bit", _enlarged)
of_grid("pooled_everywhere", "alike in every place", lambda grid: grid.mean((1, 2), keepdim=True).expand_as(grid))
of_grid("zeros", "every feature value is 0", torch.zeros_like)
of_grid("constant", "alike in every place", torch.ones_like)
of_grid("places_only", "same features", lambda grid: grid[:1].expand_as(grid))
of_grid("every_10th_zero", "are 0", _every(10))
of_grid("every_4th_zero", "are 0", _every(4))
of_grid("width", "width 96 is declared, 48 comes out", lambda grid: grid, taps=(TapSpec("last", 2 * WIDTH, PATCH),))
of_grid("stride", "stride_px=28 says 8", lambda grid: grid, taps=(TapSpec("last", WIDTH, 2 * PATCH),))
of_grid("not_finite", "not finite", lambda grid: grid * float("nan"))
of_grid("minus_batch_mean", "two batches", _batch_mean)
of_grid("batch_reversed", "do not change", lambda grid: grid.flip(0))
of_grid("row_dropped", "tokens", lambda grid: torch.cat([grid[:, 1:], grid[:, -1:]], 1))
of_grid("row_too_many", "never change", lambda grid: torch.cat([torch.zeros_like(grid[:, :1]), grid[:, :-1]], 1))
of_tokens("class_token_kept", "1 tokens", _kept(1))
of_tokens("register_tokens_kept", "4 tokens", _kept(4))
of_clips("crop_70", "only the middle 7", _crop(0.7))
of_clips("crop_90", "only the middle", _crop(0.9))
of_clips("padded", "with a border around it", _padded)
of_clips("shifted_half_a_patch", "0.5 tokens", lambda clips: clips.roll(clips.shape[-1] // 32, -1))
of_clips("bgr", "blue, green, red", lambda clips: clips.flip(2))
of_clips("rows_flipped_before", "upside down", lambda clips: clips.flip(-2))
of_clips("grey_only", "arrive otherwise", lambda clips: clips.mean(2, keepdim=True).expand_as(clips))
of_clips("out_of_255", "arrive otherwise", lambda clips: clips * 255)
of_clips("minus_one_to_one", "arrive otherwise", lambda clips: clips * 2 - 1)
of_clips("inverted", "arrive otherwise", lambda clips: 1 - clips)
OTHER = {"mean": (0.5,) * 3, "std": (0.5,) * 3}
of_clips("other_std_declared", "arrive otherwise", lambda clips: clips, preprocessing=OTHER)
of_clips("one_channel", "arrive otherwise", lambda clips: clips * torch.tensor([1.0, 0, 0]).reshape(3, 1, 1))
of_encode("zero_on_grey", "without colour are 0", _zero_on_grey)
of_encode("previous_picture", "same features", _previous)
of_encode("first_of_batch", "same features", _first_of_batch)
of_encode("remembers_shape", "not looked up", _remembered)
of_encode("looked_up", "do not change", _looked_up)
of_encode("noise", "root mean squares", _noisy)
of_encode("counts_calls", "differ by", _counting)
of_encode("in_place", "changes the clips", _in_place)
of_encode("raises", "ValueError: no such layer", _raises)
LISTED = "encode returned a list of 1, the first a tensor (16, 1, 16, 16, 48)"
of_encode("list", LISTED, lambda m, e, c, t: [grid.tokens for grid in e(c, t).values()])
RAW = "tap 'last' is a tensor (16, 1, 16, 16, 48) float32"
of_encode("raw_tensor", RAW, lambda m, e, c, t: {tap: grid.tokens for tap, grid in e(c, t).items()})
of_encode("another_tap", "tap 'last' was asked for", lambda m, e, c, t: {"block": e(c, t)["last"]})
of_encode("one_picture_short", "grids came back", lambda m, e, c, t: e(c[1:], t))
of_encode("nan_on_black", "it is a black picture", _nan_on_black)
FAULTS["training_mode"] = (_spoilt(_train), "eval()")
FAULTS["dropout"] = (_spoilt(_only(nn.Dropout)), "2 Dropout ran in training mode; call eval()")
FAULTS["batch_norm_training"] = (_spoilt(_only(nn.BatchNorm2d)), "BatchNorm2d ran in training mode; call eval()")


class Hidden(Honest):
    """Says that it has no parameters."""

    def facts(self) -> Mapping[str, Any]:
        return {"attention": "none", "dtype": "float32", "params": 0}


class Peeking(Honest):
    """Reads the true masks, as the oracle does."""

    def encode(self, clips: Tensor, taps: Sequence[str]) -> dict[str, TokenGrid]:
        cells = F.adaptive_avg_pool2d(clips.flatten(0, 1), (CELLS, CELLS)).permute(0, 2, 3, 1)
        return {tap: TokenGrid(cells.reshape(*clips.shape[:2], *cells.shape[1:])) for tap in taps}


FAULTS["params_0"] = (replace(SPEC, build=Hidden, params=0), "declares no parameters")
FAULTS["params_half"] = (replace(SPEC, params=PARAMS // 2), "declare what is built")
FAULTS["params_double"] = (replace(SPEC, params=2 * PARAMS), "declare what is built")
FAULTS["masks"] = (
    replace(SPEC, build=Peeking, inputs="masks", taps=(TapSpec("last", 4, PATCH),)),
    "reads the true masks",
)
FAULTS["masks_by_proxy"] = (replace(SPEC, inputs="grids", derives_from="oracle"), "is made of oracle")


@hookimpl
def foresight_encoders() -> list[EncoderSpec]:
    """The honest one, and the planted ones that ``PLANTED`` names."""
    wanted = [name for name in os.environ.get("PLANTED", "").split(",") if name]
    return [SPEC, *(replace(FAULTS[name][0], name=f"{name}_tiny") for name in wanted)]
