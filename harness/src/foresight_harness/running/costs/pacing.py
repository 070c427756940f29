"""How long the rest takes: what was predicted, corrected by what the cells before it took. Imports no torch."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

PRIOR_S = 5.0
"""Seconds of cells that came out as predicted: the weight of a prediction until more than this was measured."""
PRIOR_KIND_S = 2.0
"""The same for cells of one kind, whose prior is the factor of all."""

CellKey = tuple[str, str, str]


class Expected(NamedTuple):
    """What a cell is thought to take."""

    seconds: float
    kind: str
    """Cells whose predictions are wrong alike: of one suite, first or later, measured or guessed."""


@dataclass
class Pace:
    """Remaining seconds of the cells that are worked through one after another.

    A prediction is wrong by a factor: the machine is slower, a suite dearer than was guessed. The factor of what ended
    is that of what is left, first of its own kind, then of all. A cell that is over its time counts as if half of what
    it is over were still to come, unless the work it is in (``task_left_s``) knows better; so is the first cell that
    pays for the features of all.
    """

    left: dict[CellKey, Expected]
    now: Callable[[], float] = time.monotonic
    _took: dict[str, float] = field(default_factory=dict)
    _thought: dict[str, float] = field(default_factory=dict)
    _begun: tuple[CellKey, float] | None = None

    def begin(self, key: CellKey) -> None:
        """A cell is being worked on."""
        self._begun = (key, self.now())

    def end(self, key: CellKey, *, counts: bool = True) -> None:
        """A cell is through; one that failed early or was found finished says nothing about the others."""
        expected = self.left.pop(key, None)
        begun, self._begun = self._begun, None
        if expected is not None and begun is not None and begun[0] == key and counts:
            self._took[expected.kind] = self._took.get(expected.kind, 0.0) + self.now() - begun[1]
            self._thought[expected.kind] = self._thought.get(expected.kind, 0.0) + expected.seconds

    def left_s(self, task_left_s: float = 0.0) -> float:
        """Seconds until the last cell is through.

        Args:
            task_left_s: What the work within the current cell says of itself, such as pictures still to be encoded.
        """
        took, thought = dict(self._took), dict(self._thought)
        waiting, here = dict(self.left), 0.0
        expected = waiting.pop(self._begun[0], None) if self._begun is not None else None
        if expected is not None and self._begun is not None:
            spent = self.now() - self._begun[1]
            whole = expected.seconds * _factor(expected.kind, took, thought)
            here = max(whole - spent, task_left_s, spent - whole)
            if spent + here > whole:
                took[expected.kind] = took.get(expected.kind, 0.0) + spent + here
                thought[expected.kind] = thought.get(expected.kind, 0.0) + expected.seconds
        factors = {kind: _factor(kind, took, thought) for kind in {each.kind for each in waiting.values()}}
        return here + sum(each.seconds * factors[each.kind] for each in waiting.values())


def _factor(kind: str, took: Mapping[str, float], thought: Mapping[str, float]) -> float:
    """How much longer cells of a kind take than predicted."""
    every = (PRIOR_S + sum(took.values())) / (PRIOR_S + sum(thought.values()))
    return (PRIOR_KIND_S * every + took.get(kind, 0.0)) / (PRIOR_KIND_S + thought.get(kind, 0.0))
