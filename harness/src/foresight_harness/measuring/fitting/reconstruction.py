"""The reconstruction objective: a decoder's latents, and the pictures that it makes of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from foresight_harness.contracts.devices import in_double
from foresight_harness.contracts.errors import UsageError
from foresight_harness.measuring.cache.grids import CachedGrids
from foresight_harness.measuring.extraction.splits import DecodedSplit
from foresight_harness.parts.metrics.trunks import LPIPS, LPIPS_RANDOM_TRUNK, LPIPS_VGG
from foresight_harness.parts.training import losses

PairLoss = Callable[[Tensor, Tensor], Tensor]

PICTURE_LOSSES: Mapping[str, PairLoss] = {"pixel_l1": losses.pixel_l1, "pixel_mse": losses.pixel_mse}
PERCEPTUAL = (LPIPS, LPIPS_VGG, LPIPS_RANDOM_TRUNK)
LATENT = "latent_mse"
KNOWN = (LATENT, *PICTURE_LOSSES, *PERCEPTUAL)


def needs_pictures(weights: Mapping[str, float]) -> bool:
    """Whether a loss term compares decoded pictures."""
    return any(name != LATENT for name in weights)


@dataclass(frozen=True)
class Pictures:
    """How predicted latents become pictures, and what they are compared with."""

    decode: Callable[[Tensor], Tensor]
    """[b, T', H', W', C] -> [b, T, 3, H_px, W_px] in [0, 1], with gradients."""
    split: DecodedSplit
    perceptual: Mapping[str, PairLoss] = field(default_factory=dict)
    """``lpips``, ``lpips_vgg`` or ``lpips_random_trunk``: the trunk decides the name."""


@dataclass(frozen=True)
class LatentTargets:
    """What an adapter is held to, and the loss against it."""

    latents: CachedGrids
    weights: Mapping[str, float]
    pictures: Pictures | None = None

    def __post_init__(self) -> None:
        unknown = [name for name in self.weights if name not in KNOWN]
        if unknown:
            raise UsageError(f"loss {unknown[0]!r} is none of reconstruction; there are {', '.join(KNOWN)}")
        if needs_pictures(self.weights) and self.pictures is None:
            raise UsageError("losses on pictures need the decoder and the training pictures")

    @property
    def size(self) -> tuple[int, int, int]:
        """Latent frames, rows and columns."""
        shape = self.latents.shape
        return shape.frames, shape.rows, shape.cols

    def constant(self) -> float | None:
        """Error of the mean latent of each channel, the best answer without features; None for other terms."""
        if set(self.weights) != {LATENT}:
            return None
        count, total, squares = 0, torch.zeros(()), torch.zeros(())
        for block in self.latents:
            rows = in_double(block.reshape(-1, block.shape[-1]))
            count, total, squares = count + len(rows), total + rows.sum(0), squares + rows.square().sum(0)
        return self.weights[LATENT] * float((squares / count - (total / count).square()).mean())

    def loss(self, predicted: Tensor, indices: Sequence[int]) -> Tensor:
        """Weighted sum of the terms. [b, T', H', W', C] -> []"""
        terms = []
        if LATENT in self.weights:
            target = self.latents.take(indices).to(predicted.device)
            terms.append(self.weights[LATENT] * losses.latent_mse(predicted, target))
        if self.pictures is not None and needs_pictures(self.weights):
            made = self.pictures.decode(predicted)
            true = self.pictures.split.take(indices).to(made.device)
            known = {**PICTURE_LOSSES, **self.pictures.perceptual}
            terms += [weight * known[name](made, true) for name, weight in self.weights.items() if name != LATENT]
        return torch.stack(terms).sum()
