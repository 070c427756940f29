"""Metrics of a whole corpus from what is kept of its samples: average precision, and how answers are told apart."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from foresight_harness.contracts.errors import DataError
from foresight_harness.parts.metrics.matches import PictureMatches, SortedMatches
from foresight_harness.parts.metrics.told_apart import STATISTICS, Answers, QuestionAnswers, Statistic

Floats = NDArray[np.float64]


def corpus_statistic(stats: Sequence[Mapping[str, Any]]) -> Callable[[Floats], Floats]:
    """The statistic that samples were kept for.

    Args:
        stats: Of the samples under one seed: ``QuestionAnswers.as_json``, which names its statistic, or
            ``PictureMatches.as_json``, which is average precision's. n

    Returns:
        From weights of the samples [R, n] to one value a row [R].

    Raises:
        DataError: where a statistic is damaged, unknown, or not the same in all samples.
    """
    named = {entry.get("of") for entry in stats}
    if named <= {None}:
        return SortedMatches.of([PictureMatches.from_json(entry) for entry in stats]).average_precision
    if len(named) > 1 or not named <= set(STATISTICS):
        raise DataError(f"statistics of samples are of {sorted(map(str, named))}; one of {', '.join(STATISTICS)}")
    of: Statistic = stats[0]["of"]
    return partial(Answers.of([QuestionAnswers.from_json(entry) for entry in stats]).statistic, of=of)
