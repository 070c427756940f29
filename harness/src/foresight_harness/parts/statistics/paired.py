"""Differences of two candidates on the same samples: an interval from the bootstrap, a p value from sign flips."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import ceil
from typing import NamedTuple

import numpy as np

from foresight_harness.parts.statistics.bootstrap import (
    LEVEL,
    RESAMPLES,
    Method,
    Resamples,
    bootstrap_means,
    cluster_sums,
    resamples,
)
from foresight_harness.parts.statistics.interval import Floats, Interval

ALPHA = 0.05
LEAST_FLIPS = 2000
FLIPS_PER_TEST = 20
"""Flips for each test and unit of 1 / alpha: with fewer, Holm's strictest level lies below the smallest possible p."""

BLOCK = 8192
"""Flips drawn at a time: 33 MB of signs for 500 clusters."""


class Paired(NamedTuple):
    """What two candidates differ by on the same samples."""

    difference: float
    """Mean of first minus second; NaN where no sample has both values."""
    interval: Interval | None
    """None where there are fewer than two clusters."""
    p_value: float | None
    """Two-sided, of "the sign of a cluster's difference is a coin toss"; None where there is nothing to test."""
    flips: int
    """Sign patterns that the p value is from."""
    exact: bool
    """True where they are all patterns there are."""
    n: int
    """Samples with both values."""
    clusters: int
    identical: bool
    """Every difference is exactly zero (a deterministic rerun): reported as such, not tested."""


def flips_needed(tests: int, alpha: float = ALPHA) -> int:
    """Sign flips with which a family of ``tests`` can still be decided at ``alpha`` after Holm."""
    return max(LEAST_FLIPS, ceil(FLIPS_PER_TEST * tests / alpha))


def paired_differences(
    first: Floats,
    second: Floats,
    groups: Sequence[str],
    *,
    drawn: Resamples | None = None,
    tests: int | None = None,
    alpha: float = ALPHA,
    method: Method = "percentile",
    level: float = LEVEL,
    seed: int = 0,
) -> list[Paired]:
    """Compare many pairs of cells on the same samples.

    Args:
        first: One column a cell. [n, m]
        second: The cells that they are compared with; one column serves all. [n, m] or [n, 1]
        groups: Cluster of each sample; clusters are resampled and flipped as a whole.
        drawn: Resamples to share with other statistics of the data set; drawn here by default.
        tests: Size of the family that the p values will be corrected for; m by default.
        alpha: Level of that family.
        method: Of the interval.
        level: Of the interval.
        seed: The same seed gives the same numbers.

    Raises:
        ValueError: if the shapes do not match.
    """
    first, second = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    if first.ndim != 2 or second.ndim != 2 or len(first) != len(second) or second.shape[1] not in (1, first.shape[1]):
        raise ValueError(f"paired values of shapes {first.shape} and {second.shape}: pass [n, m] and [n, m] or [n, 1]")
    drawn = drawn or resamples(groups, count=RESAMPLES, seed=seed)
    differences = first - second
    estimates = bootstrap_means(differences, drawn, method=method, level=level)
    sums, valid = cluster_sums(differences, drawn.cluster)
    tested = sign_flip_p_values(sums, valid, flips_needed(tests or differences.shape[1], alpha), seed)
    results = []
    for cell, estimate in enumerate(estimates):
        identical = estimate.n > 0 and not np.nan_to_num(differences[:, cell]).any()
        clusters = int((valid[:, cell] > 0).sum())
        p_value, flips, exact = tested[cell]
        testable = clusters > 1 and not identical
        results.append(
            Paired(
                difference=estimate.mean,
                interval=estimate.interval,
                p_value=p_value if testable else None,
                flips=flips if testable else 0,
                exact=exact and testable,
                n=estimate.n,
                clusters=clusters,
                identical=identical,
            )
        )
    return results


def paired_difference(
    first: Sequence[float] | Floats,
    second: Sequence[float] | Floats,
    groups: Sequence[str],
    *,
    tests: int = 1,
    alpha: float = ALPHA,
    method: Method = "percentile",
    level: float = LEVEL,
    seed: int = 0,
) -> Paired:
    """Compare two candidates; see ``paired_differences``. [n], [n]"""
    columns = [np.asarray(values, dtype=np.float64).reshape(-1, 1) for values in (first, second)]
    return paired_differences(
        columns[0], columns[1], groups, tests=tests, alpha=alpha, method=method, level=level, seed=seed
    )[0]


class SignFlip(NamedTuple):
    """A p value and the patterns that it counts."""

    p_value: float
    flips: int
    exact: bool


def sign_flip_p_values(sums: Floats, valid: Floats, flips: int, seed: int = 0) -> list[SignFlip]:
    """Two-sided sign-flip tests of the columns, with one set of patterns for all.

    Patterns are enumerated where there are no more of them than ``flips``, else drawn; a drawn p value counts the
    observed pattern too, so it is never 0.

    Args:
        sums: Sum of the differences of each cluster. [G, m]
        valid: Number of the differences of each cluster; a cluster without any is left out. [G, m]
        flips: Patterns to draw where they are too many to enumerate.
        seed: Of the drawn patterns.

    Source: Fisher 1935, "The Design of Experiments", section 21; Phipson and Smyth 2010 for counting the observed one.
    """
    results: list[SignFlip] = [SignFlip(float("nan"), 0, False)] * sums.shape[1]
    present = valid > 0
    # Cells with the same clusters share their patterns: one product for all of them.
    masks, family = np.unique(present, axis=1, return_inverse=True)
    for index in range(masks.shape[1]):
        cells = np.flatnonzero(family.ravel() == index)
        rows = masks[:, index]
        if not rows.any():
            continue
        block = sums[np.ix_(rows, cells)]
        observed = np.abs(block.sum(0))
        # Sums in another order differ by rounding; such ties count as equal.
        bound = observed - 1e-9 * np.abs(block).sum(0)
        exact = 2 ** (len(block) - 1) <= flips
        patterns = _all_signs(len(block)) if exact else _random_signs(len(block), flips, seed)
        extreme, total = np.zeros(len(cells)), 0
        for signs in patterns:
            extreme += (np.abs(signs @ block) >= bound).sum(0)
            total += len(signs)
        for cell, count in zip(cells, extreme, strict=True):
            p_value = count / total if exact else (count + 1) / (total + 1)
            results[cell] = SignFlip(float(p_value), 2 * total if exact else total, exact)
    return results


def _all_signs(clusters: int) -> Iterator[Floats]:
    """All patterns whose first sign is plus; the others give the same absolute sums. [b, clusters]"""
    for start in range(0, 2 ** (clusters - 1), BLOCK):
        codes = np.arange(start, min(start + BLOCK, 2 ** (clusters - 1)))
        bits = (codes[:, None] >> np.arange(clusters)) & 1
        yield 1.0 - 2.0 * np.roll(bits, 1, axis=1)


def _random_signs(clusters: int, flips: int, seed: int) -> Iterator[Floats]:
    random = np.random.default_rng(seed)
    for start in range(0, flips, BLOCK):
        rows = min(BLOCK, flips - start)
        packed = np.frombuffer(random.bytes(rows * ceil(clusters / 8)), dtype=np.uint8).reshape(rows, -1)
        yield 1.0 - 2.0 * np.unpackbits(packed, axis=1, count=clusters).astype(np.float64)
