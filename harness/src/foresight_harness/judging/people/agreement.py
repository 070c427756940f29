"""How far raters agree: Krippendorff's alpha over the questions, with a bootstrap over scenes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from foresight_harness.contracts.errors import UsageError
from foresight_harness.judging.gates.panel import LEAST_ALPHA
from foresight_harness.judging.people.hearing import Rater
from foresight_harness.judging.people.question import ASKS, Question
from foresight_harness.parts.statistics.bootstrap import LEVEL, resamples
from foresight_harness.parts.statistics.interval import percentile_ends

LEAST_SCENES = 10
"""Of fewer scenes an interval of alpha is not believed."""
RESAMPLES = 1000


@dataclass(frozen=True)
class Agreement:
    """Of the raters of one kind of question."""

    alpha: float | None
    """1 is perfect, 0 what chance gives; None where fewer than two answered, or every answer is the same one."""
    low: float | None
    high: float | None
    in_earnest: float | None
    """Share of the pairs of answers to questions that are no checks which are equal; None without any."""
    scenes: int
    raters: int

    @property
    def short(self) -> str:
        """Why answers do not count for a gate; empty where they do."""
        if self.raters < 2:
            return "one rater agrees with nobody; at least 2 are needed"
        if self.scenes < LEAST_SCENES:
            return f"{self.scenes} scenes say nothing of agreement; at least {LEAST_SCENES} are needed"
        if self.alpha is None or self.low is None or self.high is None:
            return "every answer is the same one, so that nothing is known of agreement"
        if self.low < LEAST_ALPHA:
            return (
                f"Krippendorff's alpha is {self.alpha:.2f} [{self.low:.2f}, {self.high:.2f}], its lower end must be "
                f"{LEAST_ALPHA} at least; ask more people or about more scenes"
            )
        return ""

    def as_json(self) -> dict[str, Any]:
        """For a file and a printed line."""
        return {
            **{"alpha": self.alpha, "low": self.low, "high": self.high, "equal_in_earnest": self.in_earnest},
            **{"scenes": self.scenes, "raters": self.raters, "least": LEAST_ALPHA, "short": self.short},
        }


def agreement(questions: Sequence[Question], raters: Sequence[Rater], resampled: int = RESAMPLES) -> Agreement:
    """How far raters agree on questions of one kind, checks included.

    Raises:
        UsageError: where the library is not installed.
    """
    counts = counted(questions, raters)
    answered = [place for place in range(len(questions)) if counts[place].sum() > 1]
    heard = sum(any(each.id in rater.answers for each in questions) for rater in raters)
    groups = [f"{questions[place].dataset}/{questions[place].group}" for place in answered]
    equal = [pair for place in answered if not questions[place].check for pair in _pairs(counts[place])]
    in_earnest = float(np.mean(equal)) if equal else None
    found = alpha_of(counts[answered])
    ends: tuple[float | None, float | None] = (None, None)
    if found is not None and len(set(groups)) > 1:
        drawn = resamples(groups, count=resampled)
        weights = drawn.weights().astype(int)
        again = [alpha_of(np.repeat(counts[answered], row, axis=0)) for row in weights]
        # A resample of one and the same answer holds no disagreement, and none that chance would make.
        ends = percentile_ends(np.array([1.0 if one is None else one for one in again]), LEVEL)
    return Agreement(found, *ends, in_earnest, len(set(groups)), heard)


def counted(questions: Sequence[Question], raters: Sequence[Rater]) -> np.ndarray[Any, np.dtype[np.int64]]:
    """How many raters gave each answer. [questions, answers]"""
    counts = np.zeros((len(questions), max((len(ASKS[each.ask]) for each in questions), default=0)), dtype=np.int64)
    for place, each in enumerate(questions):
        for rater in raters:
            if each.id in rater.answers:
                counts[place, ASKS[each.ask].index(rater.answers[each.id])] += 1
    return counts


def alpha_of(counts: np.ndarray[Any, np.dtype[np.int64]]) -> float | None:
    """Nominal alpha of counts [questions, answers]; None where it is undefined. Raises: UsageError."""
    pairable = counts[counts.sum(axis=1) > 1]
    if (pairable.sum(axis=0) > 0).sum() < 2:
        return None
    try:
        import krippendorff
    except ImportError as error:
        raise UsageError("agreement needs krippendorff: pip install 'foresight-harness[people]'") from error
    return float(krippendorff.alpha(value_counts=pairable, level_of_measurement="nominal"))


def _pairs(counts: np.ndarray[Any, np.dtype[np.int64]]) -> list[bool]:
    """Of each pair of answers to one question, whether they are equal."""
    total = int(counts.sum())
    equal = int((counts * (counts - 1) // 2).sum())
    return [True] * equal + [False] * (total * (total - 1) // 2 - equal)
