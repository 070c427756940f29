"""What a search may cost: minutes, GPU hours, or a share of scoring the whole matrix; and what that pays for."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from foresight_harness.contracts.errors import UsageError
from foresight_harness.planning.search.rungs import CLOSED_FORM, LEAST, RACE, Rung

UNITS = {"s": 1.0, "min": 60.0, "h": 3600.0}
SHRINK = 0.95
"""How much less rungs keep, step by step, until the budget pays for them."""


@dataclass(frozen=True)
class Budget:
    """As written to ``--budget``."""

    text: str
    amount: float
    unit: str
    """``s``, ``gpu-h`` or ``%``."""

    def seconds(self, full_s: float, devices: int) -> float:
        """Seconds of the session that it pays for.

        Args:
            full_s: Predicted for the whole matrix in full.
            devices: GPUs that are held at once.
        """
        if self.unit == "%":
            return self.amount / 100 * full_s
        return self.amount * 3600 / devices if self.unit == "gpu-h" else self.amount


class RungCost(NamedTuple):
    """Predicted seconds of a rung."""

    fixed_s: float
    """Whoever enters it: features of the streams, controls, the session of its own."""
    each_s: float
    """For each stream on a closed-form rung, else for each candidate."""


class Afforded(NamedTuple):
    """Rungs that a budget pays for."""

    keeps: tuple[int | None, ...]
    """By rung; None for a race."""
    seconds: float
    """Predicted."""
    shortened: str
    """What is kept less than the rungs say; empty where nothing is."""


def parse_budget(text: str, device: str = "cpu") -> Budget:
    """``30min``, ``2h``, ``90s``, ``2gpu-h`` or ``10%``. Raises: UsageError in one line."""
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*(s|min|h|gpu-h|%)\s*", text)
    if match is None or float(match[1]) <= 0:
        raise UsageError(
            f"--budget {text!r}: write minutes (30min), hours (2h), GPU hours (2gpu-h) or a share of the whole matrix "
            "(10%)"
        )
    amount, unit = float(match[1]), match[2]
    if unit == "gpu-h" and not device.startswith("cuda"):
        raise UsageError(f"--budget {text}: --device {device} holds no GPU; write minutes, or name --device cuda")
    if unit in UNITS:
        return Budget(text.strip(), amount * UNITS[unit], "s")
    return Budget(text.strip(), amount, unit)


def predicted_s(
    rungs: Sequence[Rung], counts: tuple[int, int], costs: Sequence[RungCost], factor: float = 1.0
) -> float:
    """Seconds of rungs that keep so much of what they say. ``counts``: streams and candidates that enter the first."""
    return _walk(rungs, counts, costs, factor)[1]


def afford(
    rungs: Sequence[Rung], counts: tuple[int, int], costs: Sequence[RungCost], allowed_s: float
) -> Afforded | None:
    """How many each rung keeps so that all of them together are paid for; None where even the fewest are not.

    Rungs are shortened alike, and none below ``LEAST``: a search that drops rungs, or the race, is another search.
    """
    factor = 1.0
    while True:
        keeps, seconds = _walk(rungs, counts, costs, factor)
        if seconds <= allowed_s:
            fewest = next((keep for keep in reversed(keeps) if keep is not None), None)
            said = "" if factor == 1.0 else f"the budget pays for {fewest} in full, fewer than the rungs would keep"
            return Afforded(tuple(keeps), seconds, said)
        if all(keep is None or keep <= LEAST for keep in keeps):
            return None
        factor *= SHRINK


def _walk(
    rungs: Sequence[Rung], counts: tuple[int, int], costs: Sequence[RungCost], factor: float
) -> tuple[list[int | None], float]:
    """What each rung keeps, and the seconds of all. A race is taken to keep everybody."""
    streams, candidates = counts
    keeps: list[int | None] = []
    total = 0.0
    for rung, cost in zip(rungs, costs, strict=True):
        entering = streams if rung.kind == CLOSED_FORM else candidates
        if rung.kind == RACE or rung.keep is None:
            keeps.append(None)
            total += cost.fixed_s + cost.each_s * entering
            continue
        keep = min(entering, max(LEAST, int(factor * rung.keep.of(entering))))
        keeps.append(keep)
        if keep >= entering:
            continue
        total += cost.fixed_s + cost.each_s * entering
        if rung.kind == CLOSED_FORM:
            streams, candidates = keep, max(LEAST, round(candidates * keep / streams))
        else:
            candidates = keep
    return keeps, total
