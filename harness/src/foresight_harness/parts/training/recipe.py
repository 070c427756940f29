"""Recipes: everything that decides how a part is trained, as data that enters the protocol. Free of torch."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Literal

from foresight_harness.contracts.errors import UsageError

Objective = Literal["places", "latents"]
"""What a fit is for: which cells objects cover, or a decoder's latents."""

PARTS = ("extractor", "enhancer", "fusion", "reader", "head")
"""What can be trained between encoder and decoder; the head is the adapter, or the localisation readout."""

DECODER = "decoder"
"""What a recipe may train besides: small parameters that change a decoder with an adapter of its own (LoRA)."""

OPTIMISERS = ("adamw", "sgd")
DEFAULT_RECIPE = "joint"
"""What a run fits by where nothing else is asked for."""

WARMUP_SHARE = 0.1
"""Of the steps, where a recipe names no warm-up of its own."""

LOOK_SHARE = 0.05
"""Of the steps, from one look at the held-out samples to the next, where a fit may stop early."""

SWEEP = "sweep"
"""What ``--learning-rate`` takes instead of a number: each fit tries a few rates."""
SWEPT = (0.25, 1.0, 4.0)
"""Rates that a sweep tries, as multiples of the recipe's own: enough to say on which side of it the best lies."""
SWEEP_SHARE = 0.25
"""Of the steps, that a sweep makes with each rate."""

HELD_OUT_RULE = "whole groups of training samples, least sha256 of their names first, until an eighth is reached"
"""Which samples a fit that may stop early, or the short fits of a sweep, are not trained on: never a test sample, and
the same ones in every fit."""

LossTerm = str | tuple[str, float]
"""A loss by name, with weight 1 where none is given."""


@dataclass(frozen=True)
class Phase:
    """One stretch of a fit: an objective, the parts that learn from it, its budget."""

    objective: Objective
    steps: int
    losses: tuple[LossTerm, ...]
    trains: tuple[str, ...] = PARTS
    """Parts whose parameters move; the others are frozen and cost no gradients."""

    def __post_init__(self) -> None:
        unknown = sorted(set(self.trains) - {*PARTS, DECODER})
        if unknown or not self.trains:
            found = f"unknown part {unknown[0]!r}" if unknown else "no part to train"
            raise UsageError(f"a phase of a recipe has {found}; there are {', '.join((*PARTS, DECODER))}")
        if self.steps < 1:
            raise UsageError(f"a phase of a recipe needs at least one step, got {self.steps}")

    def __str__(self) -> str:
        terms = " + ".join(f"{weight:g} {name}" for name, weight in weighted(self.losses).items())
        return f"{self.objective}: {self.steps} steps of {'+'.join(self.trains)} on {terms}"


@dataclass(frozen=True)
class Recipe:
    """A fixed training recipe. Budgets are in steps, so that a larger split does not mean a longer fit."""

    steps: int
    """Of the last phase, which is the fit's own objective."""
    batch: int
    losses: tuple[LossTerm, ...]
    """Loss terms of the last phase, by name as in ``fit.losses``, or as (name, weight)."""
    name: str = "custom"
    optimiser: str = "adamw"
    learning_rate: float = 2e-3
    weight_decay: float = 1e-2
    warmup_steps: int | None = None
    """Steps over which the learning rate rises; None is a tenth of each phase."""
    clip_norm: float = 1.0
    """Gradients are scaled down to this norm."""
    seed: int = 0
    """Added to the seed of the repeat (0, 1, ...)."""
    trains: tuple[str, ...] = PARTS
    """Parts that the last phase trains."""
    earlier: tuple[Phase, ...] = ()
    """Phases before the last, each with an optimiser and a schedule of its own."""
    patience: int | None = None
    """Looks at the held-out part of the training samples without a better one after which a phase stops, with the
    best that was seen; None is never: every sample is trained on, and every step is made."""
    sweep: tuple[float, ...] = ()
    """Learning rates that short fits try before each phase: the one with the least loss on held-out training samples is
    the phase's own. Empty is the rate above."""

    def __post_init__(self) -> None:
        if self.steps < 1 or self.batch < 1:
            raise UsageError(f"a recipe needs at least one step and one sample a batch, got {self.steps}, {self.batch}")
        if self.optimiser not in OPTIMISERS:
            raise UsageError(f"recipe optimiser {self.optimiser!r}: unknown; choose one of {', '.join(OPTIMISERS)}")
        if self.warmup_steps is not None and not 0 <= self.warmup_steps < self.steps:
            raise UsageError(f"a warm-up of {self.warmup_steps} steps does not fit into {self.steps} steps")
        if self.patience is not None and self.patience < 1:
            raise UsageError(f"a recipe's patience is at least one look, got {self.patience}")
        for rate in self.sweep:
            if not (rate > 0 and math.isfinite(rate)):
                raise UsageError(f"learning rates that a recipe sweeps over are above 0, got {rate:g}")
        weighted(self.losses)

    @property
    def weights(self) -> dict[str, float]:
        """Loss terms of the last phase with their weights."""
        return weighted(self.losses)

    @property
    def warmup(self) -> int:
        """Steps over which the learning rate of the last phase rises; at least one."""
        return max(1, round(WARMUP_SHARE * self.steps)) if self.warmup_steps is None else max(1, self.warmup_steps)

    @property
    def look_every(self) -> int:
        """Steps of the last phase from one look at the held-out samples to the next."""
        return max(1, round(LOOK_SHARE * self.steps))

    @property
    def sweep_steps(self) -> int:
        """Steps that a sweep makes with each rate."""
        return max(1, round(SWEEP_SHARE * self.steps))

    def trial(self, rate: float) -> Recipe:
        """The recipe of one short fit of a sweep: its own warm-up and schedule, all of its steps."""
        steps = self.sweep_steps
        warmup = None if self.warmup_steps is None else min(self.warmup_steps, steps - 1)
        return replace(self, steps=steps, learning_rate=rate, warmup_steps=warmup, patience=None, sweep=(), earlier=())

    def phases(self, objective: Objective) -> tuple[Phase, ...]:
        """Every phase of a fit for an objective, in order."""
        return (*self.earlier, Phase(objective, self.steps, self.losses, self.trains))

    def of(self, phase: Phase) -> Recipe:
        """The recipe of one phase alone."""
        warmup = None if self.warmup_steps is None else min(self.warmup_steps, phase.steps - 1)
        return replace(
            self, steps=phase.steps, losses=phase.losses, trains=phase.trains, warmup_steps=warmup, earlier=()
        )

    def choices(self) -> dict[str, Any]:
        """Flat mapping for the protocol: every field, what follows from None written out."""
        flat = {f"fit_{field.name}": getattr(self, field.name) for field in fields(self)}
        if flat.pop("fit_patience") is not None:  # absent where nothing is held out: protocols stay what they were
            flat |= {"fit_patience": self.patience, "fit_held_out": HELD_OUT_RULE, "fit_look_every": self.look_every}
        if flat.pop("fit_sweep"):
            flat |= {"fit_sweep": list(self.sweep), "fit_held_out": HELD_OUT_RULE, "fit_sweep_steps": self.sweep_steps}
            del flat["fit_learning_rate"]
        return flat | {
            "fit_losses": self.weights,
            "fit_warmup_steps": self.warmup,
            "fit_trains": list(self.trains),
            "fit_earlier": [str(phase) for phase in self.earlier],
        }

    def rate_at(self, step: int) -> float:
        """Factor on the learning rate: linear warm-up, then a cosine that is zero when the last step has been made."""
        if step < self.warmup:
            return (step + 1) / self.warmup
        return 0.5 * (1 + math.cos(math.pi * (step - self.warmup) / max(1, self.steps - self.warmup)))


def weighted(losses: Sequence[LossTerm]) -> dict[str, float]:
    """Names to weights. Raises: UsageError where a name comes twice or a weight is not positive."""
    found: dict[str, float] = {}
    for term in losses:
        name, weight = (term, 1.0) if isinstance(term, str) else term
        if name in found:
            raise UsageError(f"a recipe names the loss {name!r} twice; give it one weight")
        if not (weight > 0 and math.isfinite(weight)):
            raise UsageError(f"a recipe gives the loss {name!r} the weight {weight}; weights are positive")
        found[name] = float(weight)
    return found
