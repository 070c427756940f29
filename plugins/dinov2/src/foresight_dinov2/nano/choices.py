"""What the training of ``dinov2_nano`` is determined by, and its learning rates."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Choices:
    """What a training is determined by, its pictures apart."""

    seed: int = 0
    steps: int = 1200
    batch: int = 32
    rate: float = 2e-3
    warm_up: int = 60
    memory: float = 0.95
    decay: float = 0.05


def rate_at(step: int, choices: Choices) -> float:
    """Learning rate: a rise, then half a cosine down to nothing."""
    if step < choices.warm_up:
        return choices.rate * (step + 1) / choices.warm_up
    way = (step - choices.warm_up) / max(1, choices.steps - choices.warm_up)
    return choices.rate * (1 + math.cos(math.pi * min(1.0, way))) / 2
