"""The race: which candidates are told to be worse than another, picture by picture, in one family of comparisons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from foresight_harness.parts.statistics.board import judge_board
from foresight_harness.parts.statistics.evidence import DRAWS, mean_evidence
from foresight_harness.parts.statistics.interval import Floats
from foresight_harness.parts.statistics.mean_interval import Bounds
from foresight_harness.planning.search.rungs import RACE, Rung

ALPHA = 0.05
"""Chance that a race tells any two equal candidates apart, over all of its looks."""
DRAWN_PAIRS, LEAST_DRAWS = 40_000_000, 1000
"""Draws of all pairs that are held at once."""


@dataclass(frozen=True)
class RaceValues:
    """Values of candidates on the same test pictures."""

    names: tuple[str, ...]
    values: tuple[Floats, ...]
    """One row a seed. k x [S_i, n]"""
    groups: tuple[str, ...]
    """Cluster of each picture. [n]"""
    trained: tuple[bool, ...]
    """Whether another seed would give other values."""
    direction: Literal["higher", "lower"]
    bounds: Bounds = (None, None)


class Told(NamedTuple):
    """A candidate that is told to be worse than another."""

    by: str
    difference: float
    """Candidate minus the other one."""
    low: float
    high: float
    p_value: float
    """Corrected for the look's family."""


@dataclass(frozen=True)
class Race:
    """What one look shows."""

    best: tuple[str, ...]
    """Nothing is told to be better than these; best mean first."""
    worse: Mapping[str, Told]
    letters: Mapping[str, str]
    """Two candidates share a letter exactly where they are not told apart."""
    one_seed: tuple[str, ...]
    """Trained with one seed: told from nothing."""
    n: int
    method: str


def levels(rungs: Sequence[Rung], alpha: float = ALPHA) -> dict[int, float]:
    """The level of each look by the place of its rung: alpha is spent in proportion to the pictures that come anew.

    The levels add up to ``alpha``, so the chance of one mistake over all looks is at most that, however the looks hang
    together and whatever was left out in between.
    """
    found, before = {}, 0.0
    for place, rung in enumerate(rungs):
        if rung.kind == RACE:
            found[place] = alpha * (rung.pictures - before)
            before = rung.pictures
    return found


def race(values: RaceValues, level: float) -> Race:
    """One look: every candidate against every other one, by sign flips of whole clusters, corrected for all pairs.

    Raises:
        ValueError: where a candidate has no value, or shapes differ.
    """
    evidence = mean_evidence(values.values, values.groups, values.trained)
    count = len(values.names)
    pairs = count * (count - 1) // 2
    draws = max(min(DRAWS, DRAWN_PAIRS // max(pairs, 1)), LEAST_DRAWS)
    board = judge_board(evidence, values.direction, values.bounds, alpha=level, draws=draws)
    sign = 1.0 if values.direction == "higher" else -1.0
    worse: dict[str, Told] = {}
    for pair in board.pairs:
        if not pair.separated or pair.low is None or pair.high is None or pair.p_value is None:
            continue
        ours, other = (pair.first, pair.second) if sign * pair.difference < 0 else (pair.second, pair.first)
        turned = board.pair(ours, other)
        assert turned.low is not None
        assert turned.high is not None
        name = values.names[ours]
        told = Told(values.names[other], turned.difference, turned.low, turned.high, pair.p_value)
        if name not in worse or sign * told.difference < sign * worse[name].difference:
            worse[name] = told
    return Race(
        best=tuple(values.names[place] for place in board.best),
        worse=worse,
        letters={name: "".join(board.letters[place]) for place, name in enumerate(values.names)},
        one_seed=tuple(values.names[place] for place in sorted(evidence.seeds.unknown)),
        n=board.n,
        method=board.method,
    )
