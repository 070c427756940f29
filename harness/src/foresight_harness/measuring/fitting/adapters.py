"""Adapters: the small map from conditioning grid to a decoder's latents."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from foresight_harness.contracts.batches import GridBatches
from foresight_harness.contracts.pairing import paired
from foresight_harness.contracts.specs import DecoderSpec, GridShape
from foresight_harness.contracts.token_grids import resample_tokens
from foresight_harness.measuring.fitting.budget_adapters import BudgetAdapter
from foresight_harness.parts.closed_form import RidgeFit, RidgeSums
from foresight_harness.parts.closed_form.ridge import ridge_dual


class Adapter(Protocol):
    """Conditioning on the latent grid -> latents."""

    params: int

    def __call__(self, grid: Tensor) -> Tensor:
        """[b, T', H', W', C] -> [b, T', H', W', channels]"""
        ...


def on_latent_grid(grid: Tensor, latent: tuple[int, int, int]) -> Tensor:
    """Bring a conditioning grid to the decoder's grid: rows and columns resampled, temporal slots by nearest.

    Args:
        grid: [b, T, H, W, C]
        latent: Latent frames, rows and columns.

    Returns:
        [b, T', H', W', C]
    """
    frames, rows, cols = latent
    if grid.shape[1] != frames:
        nearest = (torch.arange(frames, device=grid.device) * grid.shape[1] / frames).long()
        grid = grid[:, nearest]
    return resample_tokens(grid, (rows, cols))


def cells_joined(tokens: tuple[int, int], latent: tuple[int, int]) -> tuple[int, int]:
    """Rows and columns of tokens that are read side by side for one latent cell: as often as the latent side fits."""
    return max(1, tokens[0] // latent[0]), max(1, tokens[1] // latent[1])


def gathered(grid: Tensor, latent: tuple[int, int, int]) -> Tensor:
    """Bring a conditioning grid to the decoder's grid without losing what lies where within a latent cell.

    Tokens that share a latent cell become its channels, in raster order: averaged, they would say what is in a cell of
    32 px and no longer at which end of it. A side that is no multiple of the latents' is first resampled to the largest
    multiple that it holds; a side with fewer tokens is interpolated, as ``on_latent_grid`` does.

    Args:
        grid: [b, T, H, W, C]
        latent: Latent frames, rows and columns.

    Returns:
        [b, T', H', W', C * tokens of a cell]
    """
    frames, rows, cols = latent
    high, wide = cells_joined((grid.shape[2], grid.shape[3]), (rows, cols))
    fine = on_latent_grid(grid, (frames, rows * high, cols * wide))
    blocks = fine.reshape(fine.shape[0], frames, rows, high, cols, wide, fine.shape[-1])
    return blocks.permute(0, 1, 2, 4, 3, 5, 6).reshape(fine.shape[0], frames, rows, cols, -1)


PLACINGS: Mapping[str, Callable[[Tensor, tuple[int, int, int]], Tensor]] = {
    "gathered": gathered,
    "averaged": on_latent_grid,
}
"""How tokens come to a linear adapter's latent cells, by the name in ``DecoderSpec.adapter_cells``."""


def linear_width(spec: DecoderSpec, shape: GridShape, latent: tuple[int, int]) -> int:
    """Channels that a linear adapter reads for each latent cell."""
    if spec.adapter_cells == "averaged":
        return shape.width
    rows, cols = cells_joined((shape.rows, shape.cols), latent)
    return shape.width * rows * cols


class CellLinear(nn.Linear):
    """A linear layer over the tokens of a latent cell, as fast to train as over one token.

    A step of Adam moves every weight equally far, so what a layer answers moves by the number of its inputs: over 16
    tokens side by side the learning rate of a recipe would be 16 times too large. Tokens are divided by their number.
    """

    def __init__(self, width: int, channels: int, joined: int) -> None:
        super().__init__(width, channels)
        self.joined = joined

    def forward(self, tokens: Tensor) -> Tensor:
        """[..., C * joined] -> [..., channels]"""
        return super().forward(tokens / self.joined)


def build_adapter(spec: DecoderSpec, shape: GridShape, channels: int, latent: tuple[int, int]) -> nn.Module:
    """The trained adapter that a decoder asks for; under ``linear`` the layer that the closed form replaces.

    Args:
        spec: The decoder.
        shape: Of the conditioning grid.
        channels: Channels of the latents.
        latent: Latent rows and columns.

    Raises:
        FitError: where a budget is too small for the widths.
    """
    if spec.adapter_params is not None:
        return BudgetAdapter(shape.width, channels, latent, spec.adapter_params)
    if spec.adapter == "linear":
        width = linear_width(spec, shape, latent)
        return CellLinear(width, channels, width // shape.width)
    return ConvAdapter(shape.width, channels, latent)


class LinearAdapter:
    """A per-cell linear map, in closed form (experiment E1.2)."""

    def __init__(self, ridge: RidgeFit, cells: str) -> None:
        self.ridge, self.cells = ridge, cells
        self.params = ridge.params

    def __call__(self, grid: Tensor) -> Tensor:
        """What ``PLACINGS[cells]`` gives [b, T', H', W', C'] -> [b, T', H', W', channels]"""
        return self.ridge.predict(grid)


def fit_linear(conditioning: GridBatches, latents: GridBatches, cells: str = "gathered") -> LinearAdapter:
    """Fit the per-cell linear map from conditioning to latents, streamed, deterministic.

    Fewer cells than features take the dual form with exact leave-one-out.

    Args:
        conditioning: Conditioning grids of the training split.
        latents: The decoder's latents of the same pictures.
        cells: How tokens come to a latent cell, one of ``PLACINGS``.

    Raises:
        GridError: where the two are not of the same samples in the same order.
    """
    target, found = latents.shape, conditioning.shape
    size = (target.frames, target.rows, target.cols)
    high, wide = cells_joined((found.rows, found.cols), size[1:]) if cells == "gathered" else (1, 1)
    width = found.width * high * wide
    few = len(conditioning) * target.cells < width
    sums = RidgeSums(width, target.width)
    rows_x, rows_y = [], []
    for grid, latent in paired("fit of a linear adapter", conditioning, latents):
        x = PLACINGS[cells](grid, size).reshape(-1, width)
        y = latent.reshape(-1, target.width)
        if few:
            rows_x.append(x)
            rows_y.append(y)
        else:
            sums.update(x, y)
    ridge = ridge_dual(torch.cat(rows_x), torch.cat(rows_y)) if few else sums.solve()
    return LinearAdapter(ridge, cells)


class ConvAdapter(nn.Module):
    """A small convolutional network from conditioning to latents, upsampling in steps of two.

    Args:
        width_in: Channels of the conditioning grid.
        channels: Channels of the latents.
        latent: Latent rows and columns.
        hidden: Width inside.
    """

    def __init__(self, width_in: int, channels: int, latent: tuple[int, int], hidden: int = 64) -> None:
        super().__init__()
        self.latent = latent
        self.norm = nn.LayerNorm(width_in)
        self.enter = nn.Linear(width_in, hidden)
        self.blocks = nn.Sequential(
            nn.Conv2d(hidden, hidden, 3, padding=1), nn.GELU(), nn.Conv2d(hidden, hidden, 3, padding=1), nn.GELU()
        )
        self.leave = nn.Conv2d(hidden, channels, 3, padding=1)
        self.params = sum(parameter.numel() for parameter in self.parameters())

    def forward(self, grid: Tensor) -> Tensor:
        """[b, T', H, W, C] -> [b, T', H', W', channels]"""
        batch, frames = grid.shape[:2]
        hidden = self.enter(self.norm(grid)).flatten(0, 1).permute(0, 3, 1, 2)
        hidden = F.interpolate(hidden, self.latent, mode="bilinear", align_corners=False)
        out: Tensor = self.leave(hidden + self.blocks(hidden)).permute(0, 2, 3, 1)
        return out.reshape(batch, frames, *out.shape[1:])


class TrainedAdapter:
    """A trained adapter behind the placing of frames (and cells), so that every adapter is called alike.

    Args:
        network: A linear layer or one of the networks above.
        frames: Latent frames.
        cells: Of a linear layer: how tokens come to a latent cell, one of ``PLACINGS``.
    """

    def __init__(self, network: nn.Module, frames: int, cells: str | None = None) -> None:
        self.network, self.frames, self.cells = network, frames, cells
        self.params = sum(parameter.numel() for parameter in network.parameters())

    def __call__(self, grid: Tensor) -> Tensor:
        """[b, T, H, W, C] -> [b, T', H', W', channels]"""
        placed = on_latent_grid(grid, (self.frames, *grid.shape[2:4]))
        with torch.inference_mode():
            return self.network(placed.to(next(self.network.parameters()).device)).cpu()  # type: ignore[no-any-return]


def decode_latents(adapter: Adapter, grid: Tensor, latent: tuple[int, int, int]) -> Tensor:
    """Latents that the adapter predicts for conditioning grids. [b, T, H, W, C] -> [b, T', H', W', channels]"""
    cells = adapter.cells if isinstance(adapter, LinearAdapter | TrainedAdapter) else None
    return adapter(grid if cells is None else PLACINGS[cells](grid, latent))
