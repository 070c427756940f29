"""Whether a distance tells right answers from wrong ones: its correlation with planted correctness."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.special import stdtrit

from foresight_harness.contracts.records import Record
from foresight_harness.judging.gates.verdict import Reading
from foresight_harness.judging.gates.vocabulary import REVERSED
from foresight_harness.parts.statistics.bootstrap import cluster_of
from foresight_harness.parts.statistics.interval import Floats
from foresight_harness.parts.statistics.mean_interval import TAILS
from foresight_harness.running.run_folder.run_data import RunData

LEAST_CLIPS = 3
EDGE = 1 - 1e-12
"""Of a correlation: Fisher's z has no value at 1."""


def verification_of(run: RunData, record: Record, contenders: int = 1) -> Reading | None:
    """Correlation of a distance with wrongness, over each clip as it was decoded (right) and backwards (wrong).

    Args:
        run: That the record is of.
        record: Of the distance of clips played backwards, such as ``lpips_reversed``.
        contenders: Candidates of which the best will count: tails are so many times smaller.

    Returns:
        None where the cell has no distance of the clips as they are, or too few clips.

    Raises:
        RunFolderError: where the samples are damaged.
    """
    beside = run.select(cell=record.cell, metric=record.metric.removesuffix(REVERSED), probe=record.probe)
    wrong, right = run.values(record), run.values(beside[0]) if beside else None
    if wrong is None or right is None or wrong.samples != right.samples:
        return None
    return correlation(right.mean_over_seeds, wrong.mean_over_seeds, wrong.groups, contenders)


def correlation(right: Floats, wrong: Floats, groups: Sequence[str], contenders: int = 1) -> Reading | None:
    """Point-biserial correlation of values with the half that they are of; interval by leaving each cluster out.

    Args:
        right: Values of right answers. [n]
        wrong: Of wrong ones to the same questions. [n]
        groups: Cluster of each question. [n]
        contenders: As in ``verification_of``.

    Source: Fisher's z with the jackknife's standard error: Efron and Tibshirani 1993, "An Introduction to the
        Bootstrap", chapter 11.
    """
    known = ~(np.isnan(right) | np.isnan(wrong))
    cluster = cluster_of([group for group, there in zip(groups, known.tolist(), strict=True) if there])
    clusters = int(cluster.max(initial=-1)) + 1
    if clusters < LEAST_CLIPS:
        return None
    parts = np.stack([np.ones(len(cluster)), right[known], wrong[known], right[known] ** 2 + wrong[known] ** 2], axis=1)
    sums = np.zeros((clusters, 4))
    np.add.at(sums, cluster, parts)
    whole, left = _of_sums(sums.sum(axis=0)), _of_sums(sums.sum(axis=0) - sums)
    if np.isnan(whole) or np.isnan(left).any():
        return None
    z, around = np.arctanh(whole), np.arctanh(left)
    error = float(np.sqrt((clusters - 1) / clusters * np.square(around - around.mean()).sum()))
    tail = TAILS[0] / max(1, contenders)
    away = -float(stdtrit(clusters - 1, tail)) * error
    chosen = "" if contenders < 2 else f", for the best of {contenders}"
    method = f"fisher-z-jackknife-{100 * (1 - 2 * tail):.4g}{chosen}"
    return Reading(float(whole), float(np.tanh(z - away)), float(np.tanh(z + away)), int(known.sum()), method, clusters)


def _of_sums(sums: Floats) -> Floats:
    """From number, sum of right ones, of wrong ones and of all squares [..., 4]; NaN where nothing varies. [...]"""
    count, right, wrong, squares = np.moveaxis(sums, -1, 0)
    middle = (right + wrong) / (2 * count)
    variance = squares / (2 * count) - middle**2
    with np.errstate(invalid="ignore", divide="ignore"):
        found = (wrong - right) / (2 * count) / np.sqrt(variance)
    return np.where(variance > 1e-15 * np.maximum(1.0, middle**2), np.clip(found, -EDGE, EDGE), np.nan)
