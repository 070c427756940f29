"""What the nano encoder is trained on: training splits of built-in sets, drawn once; no label is read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from foresight_harness import DataRequest
from foresight_harness.parts.datasets.digits import Digits
from foresight_harness.parts.datasets.kinds import Kinds
from foresight_harness.parts.datasets.photos import Photos
from foresight_harness.parts.datasets.shapes import Shapes
from torch import Tensor

CANVAS_PX = 128
DATA_SEED = 20_029
"""Runs draw their pictures from seed 0 on."""
SOURCES: dict[str, tuple[Any, int]] = {
    "shapes": (Shapes, 1200),
    "kinds": (Kinds, 800),
    "photos": (Photos, 480),
    "digits": (Digits, 240),
}
"""Pictures by data set; ``photos`` are crops of photographs inside the wheels of scikit-image and scikit-learn."""


@dataclass(frozen=True)
class Pool:
    """Training pictures, as bytes."""

    pixels: Tensor
    """[N, 3, CANVAS_PX, CANVAS_PX] uint8"""
    fingerprints: dict[str, str]

    def draw(self, generator: torch.Generator, count: int) -> Tensor:
        """Pictures in [0, 1], all turned or mirrored by one of the eight symmetries. [count, 3, H_px, W_px]"""
        chosen = torch.randint(len(self.pixels), (count,), generator=generator)
        turned = int(torch.randint(8, (1,), generator=generator))
        pixels = self.pixels[chosen].float() / 255
        if turned & 4:
            pixels = pixels.transpose(2, 3)
        return pixels.flip([axis for axis in (2, 3) if turned & (axis - 1)])


def build_pool(share: float = 1.0) -> Pool:
    """Draw the training pictures; ``share`` below 1 takes fewer of each, for a trial.

    Raises:
        DataError: if an installed package ships without its pictures.
    """
    drawn, fingerprints = [], {}
    for name, (maker, count) in SOURCES.items():
        held = maker(DataRequest("train", max(2, round(count * share)), DATA_SEED, canvas_px=CANVAS_PX))
        drawn += [(held[index].clip[0] * 255).round().to(torch.uint8) for index in range(len(held))]
        fingerprints[name] = held.fingerprint
    return Pool(torch.stack(drawn), fingerprints)
