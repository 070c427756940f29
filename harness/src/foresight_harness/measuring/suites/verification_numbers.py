"""Numbers of suite ``verification``: from likenesses of answers to AUC and rank correlation, and the best distance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from foresight_harness.contracts.outcomes import Measurement
from foresight_harness.parts.metrics.told_apart import (
    STATISTICS,
    Answers,
    Floats,
    QuestionAnswers,
    Statistic,
    shuffled_labels,
)
from foresight_harness.parts.metrics.trunks import LPIPS_RANDOM_TRUNK
from foresight_harness.parts.statistics.bootstrap import Estimate, resamples
from foresight_harness.parts.statistics.corpus import hierarchical_corpus

if TYPE_CHECKING:
    from foresight_harness.measuring.workshop.cell import Cell

FEATURES = "feature_distance"
Told = dict[str | None, Floats]
"""Likeness to the truth of the answers of each kind, None the right ones. kind -> [n]"""
RANGES: Mapping[Statistic, tuple[float, float]] = {"auc": (0.0, 1.0), "rank": (-1.0, 1.0)}
CHANCE: Mapping[Statistic, float] = {"auc": 0.5, "rank": 0.0}


def as_measurements(cell: Cell, told: Mapping[str, Sequence[Told]]) -> tuple[Measurement, ...]:
    """Both statistics of every distance that has values.

    Args:
        cell: That was measured.
        told: By distance, one a seed.
    """
    groups, count = cell.split("test").labels.groups, cell.scale.resamples
    found = []
    for name, by_seed in told.items():
        questions = [questions_of(one) for one in by_seed]
        if not any(answers.right for answers in questions[0]):
            continue  # no masks: nothing was looked for in the pictures
        for of in STATISTICS:
            kinds = {str(kind): _of_kind(by_seed, kind, of, groups, count) for kind in by_seed[0] if kind is not None}
            found.append(
                Measurement(
                    f"{name}_{of}",
                    unit="ratio",
                    direction="higher",
                    range=RANGES[of],
                    stats=[[answers.as_json(of) for answers in each] for each in questions],
                    seeds=cell.seeds,
                    gateable=name != LPIPS_RANDOM_TRUNK,
                    floor=CHANCE[of],
                    floor_by="chance",
                    null=_null(questions[0], of),
                    details={"by_kind": kinds, "undefined": sum(not answers.right for answers in questions[0])},
                )
            )
    return tuple(found)


def questions_of(told: Told, kinds: Sequence[str] | None = None) -> list[QuestionAnswers]:
    """The answers to each clip; none of a clip where one has no value, so that right and wrong are of the same clips.

    Args:
        told: Likenesses, by kind.
        kinds: Wrong answers that count; None is all.
    """
    wrong = [kind for kind in told if kind is not None and (kinds is None or kind in kinds)]
    table = np.stack([told[None], *(told[kind] for kind in wrong)], axis=1)
    return [
        QuestionAnswers((float(row[0]),), tuple(map(float, row[1:]))) if np.isfinite(row).all() else NOTHING
        for row in table
    ]


NOTHING = QuestionAnswers((), ())


def named_best(told: Mapping[str, Sequence[Told]], groups: Sequence[str], count: int) -> dict[str, Any]:
    """The distance of greatest AUC, and its lead over the next on the same resamples of clips. JSON types

    Args:
        told: As in ``as_measurements``.
        groups: Cluster of each clip. [n]
        count: Resamples.
    """
    drawn = resamples(groups, count=count)
    prepared = {name: [Answers.of(questions_of(one)) for one in by_seed] for name, by_seed in told.items()}
    known = {
        name: hierarchical_corpus([answers.auc for answers in by_seed], drawn).mean
        for name, by_seed in prepared.items()
    }
    order = sorted((name for name, value in known.items() if np.isfinite(value)), key=lambda name: -known[name])
    if not order:
        return {}
    best = {"distance": order[0], "auc": known[order[0]]}
    if len(order) > 1:
        pairs = zip(prepared[order[0]], prepared[order[1]], strict=True)
        lead = hierarchical_corpus([partial(_apart, one, other) for one, other in pairs], drawn)
        best |= {"next": order[1], "lead": _ends(lead)}
    return best


def _apart(first: Answers, second: Answers, weights: Floats) -> Floats:
    return first.auc(weights) - second.auc(weights)


def _of_kind(
    by_seed: Sequence[Told], kind: str, of: Statistic, groups: Sequence[str], count: int
) -> list[float | None]:
    """The statistic of right answers against one kind of wrong ones: value, low, high."""
    answers = [Answers.of(questions_of(told, [kind])) for told in by_seed]
    statistics = [partial(one.statistic, of=of) for one in answers]
    return _ends(hierarchical_corpus(statistics, resamples(groups, count=count)))


def _ends(found: Estimate) -> list[float | None]:
    ends = (found.interval.low, found.interval.high) if found.interval else (None, None)
    return [
        None if value is None or not np.isfinite(value) else round(float(value), 6) for value in (found.mean, *ends)
    ]


def _null(questions: Sequence[QuestionAnswers], of: Statistic) -> dict[str, float] | None:
    """What shuffled labels score; None where a constant measure has no correlation."""
    shuffled = shuffled_labels(questions, of)
    value = float(Answers.of(questions).statistic(np.ones((1, len(questions))), of)[0])
    if not np.isfinite(shuffled).all() or not np.isfinite(value):
        return None
    low, high = np.quantile(shuffled, [0.025, 0.975])
    return {
        "mean": float(shuffled.mean()),
        "p95": float(np.quantile(shuffled, 0.95)),
        "p025": float(low),
        "p975": float(high),
        "permutations": float(len(shuffled)),
        "p": float((1 + (shuffled >= value).sum()) / (1 + len(shuffled))),
    }
