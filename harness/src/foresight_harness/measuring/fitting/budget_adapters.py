"""Adapters that have a budget of parameters: as many convolutions as it pays for, and how wide they are."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from foresight_harness.contracts.errors import FitError
from foresight_harness.contracts.token_grids import resample_tokens


class BudgetAdapter(nn.Module):
    """An adapter of a given size: how much of a gap is only the adapter's capacity?

    Every token through a linear layer and GELU, averaged or interpolated to the latent grid, then a residual block of
    two 3x3 convolutions and a third to the latents' channels. The inner width is the one that comes nearest to the
    budget; nothing else changes with it. An Adam step moves a layer's output by more the wider its input is, so that
    one learning rate would favour small budgets: layers are written so that it does not.

    *Source*: claim 1 document, E1.6, "Adapter capacity: 1M, 5M, 10M, 50M params"; step sizes over widths,
    arXiv 2203.03466.

    Args:
        width_in: Channels of the conditioning grid.
        channels: Channels of the latents.
        latent: Latent rows and columns.
        budget: Parameters wanted; met within ``BUDGET_TOLERANCE``.

    Raises:
        FitError: where the widths leave no inner width that meets the budget.
    """

    def __init__(self, width_in: int, channels: int, latent: tuple[int, int], budget: int) -> None:
        super().__init__()
        hidden = budget_width(width_in, channels, budget)
        self.latent = latent
        self.norm = nn.LayerNorm(width_in)
        self.enter = _EvenSteps(nn.Linear(width_in, hidden), width_in)
        self.block = nn.Sequential(
            _EvenSteps(nn.Conv2d(hidden, hidden, 3, padding=1), hidden),
            nn.GELU(),
            _EvenSteps(nn.Conv2d(hidden, hidden, 3, padding=1), hidden),
        )
        self.leave = _EvenSteps(nn.Conv2d(hidden, channels, 3, padding=1), hidden)
        self.params = sum(parameter.numel() for parameter in self.parameters())

    def forward(self, grid: Tensor) -> Tensor:
        """[b, T', H, W, C] -> [b, T', H', W', channels]"""
        batch, frames = grid.shape[:2]
        tokens = resample_tokens(F.gelu(self.enter(self.norm(grid))), self.latent)
        hidden = tokens.flatten(0, 1).permute(0, 3, 1, 2)
        out: Tensor = self.leave(hidden + self.block(hidden)).permute(0, 2, 3, 1)
        return out.reshape(batch, frames, *out.shape[1:])


EVEN_STEPS_WIDTH = 64
"""Input channels up to which a layer takes the recipe's steps as they are: the width of ``ConvAdapter``."""


class _EvenSteps(nn.Module):
    """A layer whose steps move its output as much at any input width: the same function before training."""

    def __init__(self, layer: nn.Linear | nn.Conv2d, width: int) -> None:
        super().__init__()
        self.layer = layer
        self.factor = min(1.0, EVEN_STEPS_WIDTH / width)
        with torch.no_grad():
            for parameter in layer.parameters():
                parameter.div_(self.factor)

    def forward(self, x: Tensor) -> Tensor:
        """As the layer's."""
        out: Tensor = self.layer(x) * self.factor
        return out


BUDGET_TOLERANCE = 0.05
"""A budget is met within this share."""


def budget_width(width_in: int, channels: int, budget: int) -> int:
    """Inner width at which a ``BudgetAdapter`` comes nearest to its budget. Raises: FitError."""

    def count(hidden: int) -> int:
        enter = 2 * width_in + (width_in + 1) * hidden
        return enter + 2 * (9 * hidden + 1) * hidden + (9 * hidden + 1) * channels

    hidden = 1
    while count(2 * hidden) < budget:
        hidden *= 2
    nearest = min(range(hidden, 2 * hidden + 1), key=lambda width: abs(count(width) - budget))
    if abs(count(nearest) - budget) > BUDGET_TOLERANCE * budget:
        raise FitError(
            f"an adapter of {budget / 1e6:g}M parameters from {width_in} to {channels} channels is not to be had; the "
            f"nearest has {count(nearest) / 1e6:.2f}M. Use a larger budget."
        )
    return nearest
