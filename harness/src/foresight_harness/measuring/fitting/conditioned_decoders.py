"""Decoders that read the conditioning themselves: what their adapter is held to, and how they are sampled."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from foresight_harness.contracts.protocols import ConditionedDecoder, TunableDecoder
from foresight_harness.measuring.cache.grids import CachedGrids
from foresight_harness.planning.plugin_calls import calling

SAMPLED = 4
"""Samples that are drawn at once: a video transformer's memory, not speed, is the limit."""


@dataclass
class OwnTargets:
    """The decoder's own loss on its own latents, its noise seeded.

    Without gradients the first step's noise is drawn again: the loss of a batch before and after a fit is then compared
    under the same noise, or chance alone could pass for progress.
    """

    decoder: ConditionedDecoder
    latents: CachedGrids
    seed: int
    steps: int = 0
    """Steps made so far."""
    tuning: nn.Module | None = None
    """What changes the decoder, where the phase trains it."""

    def constant(self) -> None:
        """What can be had without features is not known."""
        return

    def loss(self, predicted: Tensor, indices: Sequence[int]) -> Tensor:
        """Mean over the batch. What the adapter made -> []"""
        step = self.steps if torch.is_grad_enabled() else 0
        self.steps += torch.is_grad_enabled()
        generator = torch.Generator().manual_seed(1_000_003 * self.seed + step)
        latents = self.latents.take(indices).to(predicted.device)
        with tuned(self.decoder, self.tuning), calling(self.decoder, "loss"):
            return self.decoder.loss(predicted, latents, generator).mean()


class OwnAdapter:
    """The fitted adapter and the frozen sampler behind it, called like every adapter.

    The noise of the i-th sample has the seed i, whatever the candidate and the seed of the fit: differences between
    candidates are none of the noise.
    """

    def __init__(
        self,
        network: nn.Module,
        decoder: ConditionedDecoder,
        size: tuple[int, int, int],
        tuning: nn.Module | None = None,
    ) -> None:
        self.network, self.decoder, self.size, self.tuning = network, decoder, size, tuning
        self.params = sum(parameter.numel() for parameter in network.parameters())

    def __call__(self, grid: Tensor) -> Tensor:
        """[b, T, H, W, C] -> [b, T', H', W', channels]"""
        device = next(self.network.parameters()).device
        parts = []
        for start in range(0, len(grid), SAMPLED):
            block = grid[start : start + SAMPLED].to(device)
            with torch.inference_mode():
                seeds = range(start, start + len(block))
                with tuned(self.decoder, self.tuning), calling(self.decoder, "sample"):
                    parts.append(self.decoder.sample(self.network(block), self.size, seeds).float().cpu())
        return torch.cat(parts)

    def facts(self) -> Mapping[str, Any]:
        """What the decoder says of this adapter, for ``details`` of a record."""
        return dict(self.decoder.adapter_facts(self.network))


@contextmanager
def tuned(decoder: ConditionedDecoder, tuning: nn.Module | None) -> Iterator[None]:
    """Within, the decoder is changed by what a fit learned of it; as it is where the fit left it alone."""
    if tuning is None:
        yield
        return
    assert isinstance(decoder, TunableDecoder)
    with decoder.tuned(tuning):
        yield
