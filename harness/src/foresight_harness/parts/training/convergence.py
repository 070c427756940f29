"""Whether a fit may be believed: its loss curve, its gradients, and when it is a failed cell instead of a number."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from foresight_harness.contracts.errors import FitError

CURVE_POINTS = 50
"""Points of the loss curve that a record keeps."""

PLATEAU = 0.02
"""More steps would change little where the last tenth is within this share of the tenth before it."""

AT_THE_CONSTANT = 1.05
"""A loss up to this times that of the best constant answer counts as having reached it."""

DIVERGED = 10.0
"""A loss that ends at more than this times where it began has diverged, finite or not."""


@dataclass(frozen=True)
class Convergence:
    """How a fit went."""

    loss: tuple[float, ...]
    """Loss curve, averaged to at most ``CURVE_POINTS`` points."""
    first: float
    """Mean loss of the first tenth of the steps."""
    last: float
    """Mean loss of the last tenth of the steps."""
    plateau: bool
    """Whether the last tenth is within 2 % of the tenth before it: more steps would change little."""
    grad_norm: float
    """Median gradient norm of the last tenth, before clipping."""
    steps: int
    grad_norms: Mapping[str, float] = field(default_factory=dict)
    """The same by part; 0 where a part had no gradient."""
    before: float | None = None
    after: float | None = None
    """Loss of the first batch before the first step and after the last: the same samples, so no noise between them."""
    constant: float | None = None
    """Loss of the best constant answer, where the objective knows one: what can be had without features."""
    phase: str = ""
    """Objective, budget, parts and losses, in words."""
    earlier: tuple[Convergence, ...] = ()
    """The phases before."""
    held_out: tuple[tuple[int, float], ...] = ()
    """Steps made and loss of the held-out samples, look by look, of a fit that may stop early."""
    kept_step: int | None = None
    """Steps after which the kept parameters stood, of a fit that may stop early."""
    rates: tuple[tuple[float, float | None], ...] = ()
    """Learning rates that a sweep tried, with the held-out loss of each; None where its fit failed."""
    learning_rate: float | None = None
    """The one that was chosen, of a fit with a sweep."""

    @property
    def ratio(self) -> float | None:
        """Final over initial loss; None where the fit began at zero."""
        return self.last / self.first if self.first else None

    def as_json(self) -> dict[str, Any]:
        """For ``details`` of a record."""
        early: dict[str, Any] = {}
        if self.held_out:
            early["held_out"] = [[step, round(loss, 6)] for step, loss in self.held_out]
            early["kept_step"] = self.kept_step
        if self.rates:
            early["rates"] = [[rate, None if loss is None else round(loss, 6)] for rate, loss in self.rates]
            early["learning_rate"] = self.learning_rate
        return {
            "loss": [round(value, 6) for value in self.loss],
            "loss_first": self.first,
            "loss_last": self.last,
            "loss_ratio": self.ratio,
            "first_batch_before": self.before,
            "first_batch_after": self.after,
            "loss_constant": self.constant,
            "plateau": self.plateau,
            "grad_norm": self.grad_norm,
            "grad_norms": dict(self.grad_norms),
            "steps": self.steps,
            "phase": self.phase or None,
            "earlier": [phase.as_json() for phase in self.earlier],
            **early,
        }


def summarise(
    losses: Sequence[float],
    norms: Sequence[float],
    after: float,
    *,
    by_part: Mapping[str, Sequence[float]] | None = None,
    constant: float | None = None,
    phase: str = "",
) -> Convergence:
    """Convergence of a finished fit.

    Args:
        losses: One a step.
        norms: Gradient norm of each step, before clipping.
        after: Loss of the first batch when the last step was made.
        by_part: The same by part, for the last steps at least.
        constant: Loss of the best constant answer.
        phase: What was done, in words.

    Raises:
        FitError: where it diverged or made no progress; ``require_progress`` says what that means.
    """
    tenth = max(1, len(losses) // 10)
    first, last = _mean(losses[:tenth]), _mean(losses[-tenth:])
    before = _mean(losses[-2 * tenth : -tenth]) if len(losses) >= 2 * tenth else first
    for name, values in (("loss", [*losses, after]), ("gradient norm", norms)):
        wrong = next((step for step, value in enumerate(values) if not math.isfinite(value)), None)
        if wrong is not None:
            raise FitError(f"the fit diverged: {name} {values[wrong]} at step {wrong} of {len(losses)}")
    require_progress(losses[0], after, len(losses), constant)
    width = max(1, -(-len(losses) // CURVE_POINTS))
    return Convergence(
        tuple(_mean(losses[start : start + width]) for start in range(0, len(losses), width)),
        first,
        last,
        plateau=abs(before - last) <= PLATEAU * abs(before),
        grad_norm=median(norms[-tenth:]),
        steps=len(losses),
        grad_norms={name: median(values[-tenth:]) for name, values in (by_part or {}).items()},
        before=losses[0],
        after=after,
        constant=constant,
        phase=phase,
    )


def require_progress(before: float, after: float, steps: int, constant: float | None) -> None:
    """Refuse a fit whose number would say more about the fit than about the features.

    A loss that did not fall is no failure by itself: features may hold nothing to be learned (the controls do not), and
    a later phase may begin where it ends. So a fit made *no progress* where the loss of its first batch is not lower
    after the last step than before the first, and still above what the best constant answer reaches without any
    features. Where that is not known, not to fall is enough. The same batch is compared because the noise between
    batches hides a fit that stands still.

    Args:
        before: Loss of the first batch before the first step.
        after: The same after the last.
        steps: Number of steps.
        constant: Loss of the best constant answer, where there is one.

    Raises:
        FitError: in one line with the figures.
    """
    reached = constant is not None and after <= AT_THE_CONSTANT * constant
    if after < before or reached:
        return
    known = "" if constant is None else f"; the best constant answer has {constant:.4g}"
    verb = "diverged" if after > DIVERGED * before else "made no progress"
    raise FitError(f"the fit {verb}: loss {before:.4g} at its start, {after:.4g} after {steps} steps{known}")


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
