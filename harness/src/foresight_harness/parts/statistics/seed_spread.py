"""How much training seeds move a mean, learnt from all candidates of a board: few seeds each, together many."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.special import gammaln

from foresight_harness.parts.statistics.interval import Floats
from foresight_harness.parts.statistics.mean_interval import SeedVariance

ALIKE = np.array([1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 1000.0])
"""How alike the candidates' variances may be, as degrees of freedom of their common law; each as likely beforehand."""
SCALES = 61
LEAST_SHARE = 1e-5
"""Of the median variance: where seeds agree to the digit by chance, their variance is not none."""


class SeedSpread(NamedTuple):
    """Variances over seeds, each moderated by those of the others."""

    variances: Floats
    """Of the mean over a candidate's seeds. [k]"""
    freedom: Floats
    """Degrees of freedom that this moderated variance is worth. [k]"""
    own: Floats
    """Variance of one seed's mean as that candidate's own seeds show it. [k]"""
    seeds: Floats
    """Seeds of each candidate. [k]"""
    law: Floats
    """Chance of each likeness and scale. [7, 61]"""
    scales: Floats
    """[61]"""

    def draw(self, count: int, random: np.random.Generator) -> Floats:
        """Errors of the means that come from seeds: their unknown variances drawn, then the errors. [count, k]"""
        cells = random.choice(self.law.size, count, p=self.law.ravel())
        likeness, scale = np.unravel_index(cells, self.law.shape)
        common = ALIKE[likeness][:, None]
        freedom = self.seeds - 1
        sums = common * self.scales[scale][:, None] + freedom * self.own
        variances = sums / random.chisquare(common + freedom)
        return np.asarray(random.standard_normal(variances.shape) * np.sqrt(variances / self.seeds), dtype=np.float64)

    def of(self, candidate: int) -> SeedVariance:
        """What ``mean_interval`` needs."""
        variance = self.variances[candidate] * self.seeds[candidate]
        return SeedVariance(float(variance), float(self.freedom[candidate]))


def seed_spread(variances: Floats, seeds: Floats) -> SeedSpread:
    """Moderate each candidate's variance over seeds by the others'.

    Variances are scaled inverse chi-square around a common scale, with an unknown number of degrees of freedom that
    says how alike they are. Both unknowns are summed over a grid instead of being estimated, so that two or three
    candidates do not pass for knowledge. Where seeds spread alike everywhere this is nearly the pooled variance; where
    they do not, each is nearly left to its own.

    Args:
        variances: Sample variance of one seed's mean, of each candidate with at least two seeds. [k]
        seeds: Their number. [k]

    Source: the model of Smyth 2004, "Linear Models and Empirical Bayes Methods for Assessing Differential Expression".
    """
    seeds = np.asarray(seeds, dtype=np.float64)
    if len(seeds) == 0 or (seeds < 2).any():
        raise ValueError("spread over seeds: at least two seeds of at least one candidate, else nothing is known of it")
    raw = np.asarray(variances, dtype=np.float64)
    positive = raw[raw > 0]
    least = LEAST_SHARE * float(np.median(positive)) if len(positive) else np.finfo(float).tiny ** 0.5
    own = np.maximum(raw, least)
    freedom = seeds - 1
    logs = np.log(own)
    scales = np.linspace(logs.min() - 3, logs.max() + 4, SCALES)
    common = ALIKE[:, None, None]
    ratio = logs - scales[:, None] + np.log(freedom / common)
    density = (
        gammaln((freedom + common) / 2)
        - gammaln(freedom / 2)
        - gammaln(common / 2)
        + freedom / 2 * ratio
        - (freedom + common) / 2 * np.logaddexp(0, ratio)
    ).sum(axis=2)
    law = np.exp(density - density.max())
    law /= law.sum()
    scale = np.exp(scales)
    moderated = (common * scale[:, None] + freedom * own) / (common + freedom)
    expected = np.exp((law[:, :, None] * np.log(moderated)).sum(axis=(0, 1)))
    worth = np.minimum((law.sum(axis=1)[:, None] * (ALIKE[:, None] + freedom)).sum(axis=0), freedom.sum())
    return SeedSpread(expected / seeds, worth, own, seeds, law, scale)
