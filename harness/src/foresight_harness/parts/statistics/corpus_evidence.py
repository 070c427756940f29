"""Metrics of a whole corpus (average precision): bias at few samples, intervals and boards, by weighing samples."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from foresight_harness.parts.statistics.bootstrap import Resamples
from foresight_harness.parts.statistics.corpus import BLOCK
from foresight_harness.parts.statistics.evidence import PairErrors, SeedErrors
from foresight_harness.parts.statistics.interval import Floats, Ints
from foresight_harness.parts.statistics.mean_interval import (
    TAILS,
    Bounds,
    MeanInterval,
    SeedVariance,
    Summary,
    interval_of,
)

Statistic = Callable[[Floats], Floats]
"""Weights of the samples [r, n] to one value a row [r]; NaN where it is undefined."""

JACKKNIFE_BLOCKS = 16
"""Leaving one of many clusters out moves a curve read at 101 recalls by its steps, not by its slope: blocks are left
out instead."""
JACKKNIFE_UNTIL = 64
"""Clusters from which the bootstrap's estimate of the bias is the steadier one, and the bias itself is small."""


@dataclass(frozen=True)
class CorpusEvidence:
    """Candidates whose metric has one value a corpus: errors come from shared resamples."""

    plain: Floats
    """The metric as it is, mean over seeds. [k]"""
    bias: Floats
    """What few samples add to it. [k]"""
    replicates: Floats
    """On each resample, mean over seeds, without those where a candidate is undefined. [B, k]"""
    seeds: SeedErrors
    seed_variances: Floats
    """Of the mean over a candidate's own seeds. [k]"""
    seed_counts: Ints
    n: int
    clusters: int
    left_out: int = 0

    @property
    def means(self) -> Floats:
        """The metric freed of its bias; it may leave its range by a little. [k]"""
        return np.asarray(self.plain - self.bias, dtype=np.float64)

    def identical(self, first: int, second: int) -> bool:
        """Whether two candidates agree on the samples and on every resample."""
        same = np.array_equal(self.replicates[:, first], self.replicates[:, second])
        return bool(same and self.plain[first] == self.plain[second])

    def _noise(self, draws: int, seed: int) -> Floats:
        """Errors from samples, with Student's tails for few clusters. [B, k]"""
        random = np.random.default_rng([seed, 4])
        picked = random.integers(0, len(self.replicates), draws)
        freedom = self.clusters - 1
        centred = (self.replicates - self.replicates.mean(axis=0)) * np.sqrt(self.clusters / freedom)
        return np.asarray(centred[picked] / np.sqrt(random.chisquare(freedom, (draws, 1)) / freedom), dtype=np.float64)

    def pair_errors(self, first: Ints, second: Ints, draws: int, seed: int) -> PairErrors:
        """Compare pairs of candidates. [p], [p]"""
        apart = self.replicates[:, first] - self.replicates[:, second]
        sampled = apart.var(axis=0) * self.clusters / (self.clusters - 1)
        variances = self.seeds.variances()
        seed_variance = variances[first] + variances[second]
        error = np.sqrt(sampled + seed_variance)
        difference = self.means[first] - self.means[second]
        noise = self._noise(draws, seed) + self.seeds.draw(draws, np.random.default_rng([seed, 1]))
        with np.errstate(divide="ignore", invalid="ignore"):
            statistic = np.nan_to_num(difference / error, posinf=0.0, neginf=0.0)
            drawn = np.nan_to_num(np.abs(noise[:, first] - noise[:, second]) / error).T.astype(np.float32)
        spread = sampled * self.clusters
        return PairErrors(difference, error, statistic, np.zeros(len(error)), spread, seed_variance, drawn)

    def mean_errors(self, draws: int, seed: int) -> Floats:
        """Errors of all values in units of their standard errors, drawn together. [B, k]"""
        sampled = self.replicates.var(axis=0) * self.clusters / (self.clusters - 1)
        noise = self._noise(draws, seed + 1) + self.seeds.draw(draws, np.random.default_rng([seed, 3]))
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(np.nan_to_num(noise / np.sqrt(sampled + self.seeds.variances())), dtype=np.float64)

    def summary(self, candidate: int, seeds: SeedVariance | None = None) -> Summary:
        """Value and spread of one candidate, as ``interval_of`` reads them."""
        sampled = float(self.replicates[:, candidate].var() * self.clusters / (self.clusters - 1))
        deviations = np.full(self.clusters, np.sqrt(sampled * self.clusters))
        count = int(self.seed_counts[candidate])
        variance, freedom = float(self.seed_variances[candidate]), float(max(count - 1, 1))
        if seeds is not None:
            variance, freedom = seeds.variance / count, seeds.freedom
        return Summary(float(self.means[candidate]), deviations, self.n, variance, freedom if variance else np.inf)


def corpus_evidence(
    statistics: Sequence[Sequence[Statistic]], drawn: Resamples, trained: Sequence[bool] | None = None
) -> CorpusEvidence:
    """Gather a corpus metric of a board.

    Args:
        statistics: By candidate and seed. k x S_i
        drawn: Resamples of the samples that all of them are about.
        trained: Which candidates another seed would change; those with seeds that differ are in any case.

    Raises:
        ValueError: if a candidate has no statistic, or one is undefined on the samples themselves.
    """
    plain, bias, replicates, by_seed = [], [], [], []
    whole = np.ones((1, len(drawn.cluster)))
    for place, seeds in enumerate(statistics):
        if not seeds:
            raise ValueError(f"candidate {place} has no seed: pass one statistic a seed")
        values = np.array([float(one(whole)[0]) for one in seeds])
        if np.isnan(values).any():
            raise ValueError(f"candidate {place}: the metric is undefined on these samples, so nothing can be compared")
        drawn_values = np.mean([_on_resamples(one, drawn) for one in seeds], axis=0)
        plain.append(values.mean())
        by_seed.append(values)
        bias.append(_bias(seeds, values.mean(), drawn_values, drawn))
        replicates.append(drawn_values)
    kept = np.stack(replicates, axis=1)
    kept = kept[~np.isnan(kept).any(axis=1)]
    changed = [len(values) > 1 and bool((values != values[0]).any()) for values in by_seed]
    known = changed if trained is None else [said or seen for said, seen in zip(trained, changed, strict=True)]
    counts = np.array([len(values) for values in by_seed])
    own = np.array([values.var(ddof=1) / len(values) if len(values) > 1 else 0.0 for values in by_seed])
    seeds_found = SeedErrors.of(by_seed, known)
    sizes = len(drawn.cluster), drawn.clusters
    return CorpusEvidence(np.array(plain), np.array(bias), kept, seeds_found, own, counts, *sizes)


def corpus_interval(
    statistics: Sequence[Statistic],
    drawn: Resamples,
    bounds: Bounds = (0.0, 1.0),
    *,
    tails: tuple[float, float] = TAILS,
) -> MeanInterval:
    """A corpus metric freed of its bias at few samples, with its interval.

    Args:
        statistics: One a seed. S
        drawn: Resamples of the samples.
        bounds: Of the metric.
        tails: Chance of missing below and above.
    """
    evidence = corpus_evidence([statistics], drawn)
    if evidence.clusters < 2:
        return MeanInterval(float(evidence.plain[0]), None, None, evidence.n, evidence.clusters, "none")
    found = interval_of(evidence.summary(0), bounds, tails, seeded=len(statistics) > 1)
    value = found.value
    for end, choose in zip(bounds, (max, min), strict=True):
        value = value if end is None else choose(value, float(end))
    return found._replace(value=value, method=f"corpus-{found.method}")


def _on_resamples(statistic: Statistic, drawn: Resamples) -> Floats:
    """[R]"""
    starts = range(0, len(drawn.counts), BLOCK)
    return np.concatenate([statistic(drawn.counts[start : start + BLOCK, drawn.cluster]) for start in starts])


def _bias(seeds: Sequence[Statistic], value: float, replicates: Floats, drawn: Resamples) -> float:
    """What so few samples add on average: by leaving blocks of clusters out, or by the resamples where they are many.

    Source: Quenouille 1956, "Notes on Bias in Estimation"; Efron and Tibshirani 1993, "An Introduction to the
        Bootstrap", chapter 10.
    """
    if drawn.clusters < 2:
        return 0.0
    if drawn.clusters >= JACKKNIFE_UNTIL:
        return float(np.nanmean(replicates) - value)
    blocks = min(drawn.clusters, JACKKNIFE_BLOCKS)
    without = ((drawn.cluster % blocks)[None] != np.arange(blocks)[:, None]).astype(np.float64)
    left = np.mean([one(without) for one in seeds], axis=0)
    left = left[~np.isnan(left)]
    return float((blocks - 1) * (left.mean() - value)) if len(left) else 0.0
