"""Recipes: everything that decides how a part is trained, as data that enters the protocol."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

from foresight_harness.errors import UsageError


@dataclass(frozen=True)
class Recipe:
    """A fixed training recipe. Budgets are in steps, so that a larger split does not mean a longer fit."""

    steps: int
    batch: int
    losses: tuple[str, ...]
    """Names of the loss terms, as in ``fit.losses``."""
    optimiser: str = "adamw"
    learning_rate: float = 2e-3
    weight_decay: float = 1e-2
    warmup: float = 0.1
    """Share of the steps over which the learning rate rises."""
    clip_norm: float = 1.0
    """Gradients are scaled down to this norm."""

    def __post_init__(self) -> None:
        if self.steps < 1 or self.batch < 1:
            raise UsageError(f"a recipe needs at least one step and one sample a batch, got {self.steps}, {self.batch}")

    def choices(self) -> dict[str, Any]:
        """Flat mapping for the protocol."""
        return {
            f"fit_{name}": list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()
        }

    def rate_at(self, step: int) -> float:
        """Factor on the learning rate: linear warm-up, then a cosine that reaches zero at the last step."""
        warm = max(1, round(self.warmup * self.steps))
        if step < warm:
            return (step + 1) / warm
        return 0.5 * (1 + math.cos(math.pi * (step - warm) / max(1, self.steps - warm)))
