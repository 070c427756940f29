"""What people's answers come to: shares of scenes recognised, preferences, and whether they count."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np

from foresight_harness.contracts.records import SCHEMA
from foresight_harness.judging.people.agreement import Agreement, agreement
from foresight_harness.judging.people.hearing import Rater
from foresight_harness.judging.people.question import ASKS, Asking, Question
from foresight_harness.parts.statistics.mean_interval import TAILS, mean_interval


@dataclass(frozen=True)
class Share:
    """Of one candidate, or of the first of two, on one data set: over scenes, each the mean over its raters."""

    ask: str
    candidates: tuple[str, ...]
    dataset: str
    value: float
    """Share of *yes*; of two candidates the share in which the first is nearer, *neither* counting half."""
    low: float | None
    high: float | None
    """Of 95 % with the others beside it: tails are divided by their number."""
    scenes: int
    answers: int
    method: str

    @property
    def told(self) -> bool:
        """Of two candidates, whether people tell them apart."""
        return self.low is not None and self.high is not None and not self.low <= 0.5 <= self.high

    def as_json(self) -> dict[str, Any]:
        """For a file and a table."""
        names = (
            {"candidate": self.candidates[0]}
            if len(self.candidates) == 1
            else {**{"first": self.candidates[0], "second": self.candidates[1], "told": self.told}}
        )
        return {
            **names,
            **{"dataset": self.dataset, "share": self.value, "low": self.low, "high": self.high},
            **{"scenes": self.scenes, "answers": self.answers, "method": self.method},
        }


@dataclass(frozen=True)
class Heard:
    """Everything that the raters of a page said."""

    asking: Asking
    raters: tuple[Rater, ...]
    left_out: tuple[Rater, ...]
    """Who got too many checks wrong."""
    agreements: Mapping[str, Agreement]
    """By what was asked."""
    shares: tuple[Share, ...]

    def as_json(self) -> dict[str, Any]:
        """What ``foresight-bench people read --json`` prints."""
        return {
            **{"schema": SCHEMA, "kind": "people", "run": self.asking.run, "page": self.asking.page},
            "raters": [self._of(rater) for rater in self.raters],
            "left_out": [self._of(rater) for rater in self.left_out],
            "agreement": {ask: found.as_json() for ask, found in self.agreements.items()},
            **{ask: [share.as_json() for share in self.shares if share.ask == ask] for ask in self.agreements},
        }

    def _of(self, rater: Rater) -> dict[str, Any]:
        right, known = rater.on_checks(self.asking)
        answered = {"answered": len(rater.answers), "checks_right": right, "checks": known}
        return {"name": rater.name, "when": rater.when, **answered}


def heard(asking: Asking, raters: Sequence[Rater]) -> Heard:
    """What raters say together; who got more than a quarter of the checks wrong is left out."""
    kept = tuple(rater for rater in raters if rater.passed(asking))
    left_out = tuple(rater for rater in raters if not rater.passed(asking))
    asks = [ask for ask in ASKS if asking.of(ask)]
    agreements = {ask: agreement(asking.of(ask), kept) for ask in asks}
    shares = [share for ask in asks for share in _shares(ask, asking.of(ask, checks=False), kept)]
    return Heard(asking, kept, left_out, agreements, tuple(shares))


def _shares(ask: str, questions: Sequence[Question], raters: Sequence[Rater]) -> list[Share]:
    """One a candidate or pair of them, and data set."""

    def key(each: Question) -> tuple[tuple[str, ...], str]:
        return tuple(sorted(each.candidates)), each.dataset

    by_key = [(about, list(some)) for about, some in groupby(sorted(questions, key=key), key)]
    found = []
    for (names, dataset), some in by_key:
        given = [
            [_credit(each, rater.answers[each.id], names) for rater in raters if each.id in rater.answers]
            for each in some
        ]
        values = [float(np.mean(one)) for one in given if one]
        if not values:
            continue
        groups = [each.group for each, one in zip(some, given, strict=True) if one]
        tails = (TAILS[0] / len(by_key), TAILS[1] / len(by_key))
        ends = mean_interval(values, groups, (0.0, 1.0), tails=tails)
        beside = f", {len(by_key)} beside" if len(by_key) > 1 else ""
        answers = sum(map(len, given))
        found.append(
            Share(ask, names, dataset, ends.value, ends.low, ends.high, ends.clusters, answers, ends.method + beside)
        )
    return found


def _credit(question: Question, answer: str, names: tuple[str, ...]) -> float:
    """What an answer says for the first of the names: 1, 0, or half."""
    if question.ask == "same":
        return float(answer == "yes")
    if answer == "neither":
        return 0.5
    return float(question.candidates[0 if answer == "left" else 1] == names[0])
