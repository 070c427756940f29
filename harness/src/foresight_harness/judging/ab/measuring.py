"""Rounds: base and head in turns, in random order, until the ratio of the two is known well enough."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from foresight_harness.judging.ab.resident import Resident
from foresight_harness.parts.statistics.order import median_interval

TURN_S = 0.02
"""A side's turn in a round: its fastest repeat is taken, so that a short pipeline is not judged by the scheduler."""
MOST_REPEATS = 10
EXTRA = 10
"""Times ``rounds`` at which measuring ends even where the ratio is not known well enough."""


@dataclass
class Timed:
    """One candidate on both sides."""

    candidate: str
    dataset: str
    base_s: list[float] = field(default_factory=list)
    """Seconds of the fastest repeat, one a round."""
    head_s: list[float] = field(default_factory=list)
    repeats: int = 0
    choices: dict[str, Any] = field(default_factory=dict)
    weights: dict[str, str] = field(default_factory=dict)
    """Kind by encoder."""
    params: dict[str, int] = field(default_factory=dict)
    """Parameters by side."""
    reason: str = ""
    """Why it was not timed; empty where it was."""


def measure(
    sides: tuple[Resident, Resident],
    candidate: str,
    dataset: str,
    *,
    rounds: int,
    tolerance: float,
    level: float,
    order: random.Random,
    advance: Callable[[int], None] = lambda done: None,
) -> Timed:
    """Time one candidate.

    Measuring ends after ``rounds`` where the interval of the median ratio reaches no further than half the tolerance
    from it, at the latest after ten times as many. Only its width decides, so the verdict is not biased by it.

    Raises:
        SideError: where a side is gone.
    """
    found = Timed(candidate, dataset)
    for side in sides:
        side.send("prepare", candidate=candidate, dataset=dataset)
    prepared = [side.answer() for side in sides]
    for name, answer in zip(("base", "head"), prepared, strict=True):
        if not answer["ok"]:
            found.reason = found.reason or f"the {name} cannot run it: {answer['error']}"
    if not found.reason:
        found.reason = difference(*(answer["choices"] | _weights(answer) for answer in prepared))
    if not found.reason:
        found.choices, found.weights = prepared[1]["choices"], prepared[1]["weights"]
        found.params = {"base": prepared[0]["params"], "head": prepared[1]["params"]}
        slower = max(answer["seconds"] for answer in prepared)
        found.repeats = max(1, min(MOST_REPEATS, round(TURN_S / max(slower, 1e-6))))
        while len(found.base_s) < rounds * EXTRA:
            _round(sides, found, order)
            advance(len(found.base_s))
            if len(found.base_s) >= rounds and known(found, tolerance, level):
                break
    for side in sides:
        side.ask("release")
    return found


def _round(sides: tuple[Resident, Resident], found: Timed, order: random.Random) -> None:
    turns = [0, 1]
    order.shuffle(turns)
    for turn in turns:
        seconds = min(sides[turn].ask("time", repeats=found.repeats)["seconds"])
        (found.base_s, found.head_s)[turn].append(seconds)


def known(found: Timed, tolerance: float, level: float) -> bool:
    """Whether the ratio is known to half the tolerance on either side."""
    ratios = np.log(found.head_s) - np.log(found.base_s)
    low, high = median_interval(ratios, level)
    middle = float(np.median(ratios))
    return bool(max(high - middle, middle - low) <= np.log1p(tolerance) / 2)


def _weights(answer: dict[str, Any]) -> dict[str, str]:
    return {f"weights of {name}": kind for name, kind in answer["weights"].items()}


def difference(base: dict[str, Any], head: dict[str, Any]) -> str:
    """The first choice in which two timings differ so that they are of unlike things; empty where none."""
    for name in sorted({*base, *head}):
        if base.get(name) != head.get(name):
            return f"other {name}: {base.get(name, 'not there')!s:.60} and {head.get(name, 'not there')!s:.60}"
    return ""
