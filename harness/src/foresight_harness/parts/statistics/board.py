"""What a board of candidates shows: the set that can be the best, letters, and the leader's interval."""

from __future__ import annotations

from itertools import combinations
from typing import Literal, NamedTuple

import numpy as np
from scipy.special import ndtr

from foresight_harness.parts.statistics.corpus_evidence import CorpusEvidence
from foresight_harness.parts.statistics.evidence import DRAWS, MeanEvidence
from foresight_harness.parts.statistics.families import CORPUS_METHOD, METHOD, Comparison, compare_family
from foresight_harness.parts.statistics.interval import Floats
from foresight_harness.parts.statistics.letters import compact_letters
from foresight_harness.parts.statistics.mean_interval import TAILS, Bounds, MeanInterval, interval_of, mean_interval
from foresight_harness.parts.statistics.paired import ALPHA

BoardEvidence = MeanEvidence | CorpusEvidence


class Board(NamedTuple):
    """A ranking that holds as a whole with 95 %: of all that it tells apart, nothing is equal."""

    order: tuple[int, ...]
    """Candidates, best mean first."""
    means: Floats
    """Of each candidate, on the samples that all share. [k]"""
    best: tuple[int, ...]
    """Candidates that can be the best: nothing on the board is shown to be better. In the board's order."""
    letters: tuple[tuple[str, ...], ...]
    """Of each candidate; two share one exactly where they are not told apart."""
    pairs: tuple[Comparison, ...]
    """Each against each."""
    leader: int
    """The best mean; a name, not a finding, where ``best`` holds more than it."""
    leader_interval: MeanInterval
    """Of the leader's true mean, paid for having been chosen."""
    n: int
    """Samples that all candidates share."""
    clusters: int
    left_out: int
    """Samples that some candidate has no value on."""
    method: str

    def pair(self, first: int, second: int) -> Comparison:
        """The comparison of two candidates; its difference is first minus second."""
        for one in self.pairs:
            if (one.first, one.second) == (first, second):
                return one
            if (one.second, one.first) == (first, second):
                low, high = (None if end is None else -end for end in (one.high, one.low))
                return one._replace(first=first, second=second, difference=-one.difference, low=low, high=high)
        raise KeyError(f"no comparison of {first} and {second}: the board has {len(self.means)} candidates")


def judge_board(
    evidence: BoardEvidence,
    direction: Literal["higher", "lower"],
    bounds: Bounds = (None, None),
    *,
    alpha: float = ALPHA,
    draws: int = DRAWS,
    seed: int = 0,
) -> Board:
    """Judge candidates each against each, in one family.

    The set of the best and the letters are read off the same comparisons, so they cannot contradict each other. Both
    hold at once: with equal candidates the chance of *any* separation on the board is at most ``alpha``. Put only
    candidates on a board; floors, twins and ceilings are families of their own (``compare_family``).

    Args:
        evidence: ``mean_evidence`` or ``corpus_evidence`` of the candidates.
        direction: Which way is better.
        bounds: Of one value.
        alpha: Level of the family.
        draws: Of the joint errors.
        seed: The same seed gives the same numbers.

    Source: simultaneous confidence sets for ranks from pairwise differences: Mogstad, Romano, Shaikh and Wilhelm 2024,
        "Inference for Ranks"; best are those whose rank can be 1. Letters: Piepho 2004.
    """
    means, sign = evidence.means, 1.0 if direction == "higher" else -1.0
    order = sorted(range(len(means)), key=lambda one: (-sign * means[one], one))
    pairs = compare_family(
        evidence, list(combinations(range(len(means)), 2)), bounds, alpha=alpha, draws=draws, seed=seed
    )
    worse = {one.second if sign * one.difference > 0 else one.first for one in pairs if one.separated}
    place = {one: index for index, one in enumerate(order)}
    told = [(place[one.first], place[one.second]) for one in pairs if one.separated]
    by_place = compact_letters(len(order), told)
    return Board(
        order=tuple(order),
        means=means,
        best=tuple(one for one in order if one not in worse),
        letters=tuple(by_place[place[one]] for one in range(len(means))),
        pairs=tuple(pairs),
        leader=order[0],
        leader_interval=leader_interval(evidence, order[0], sign, bounds, draws=draws, seed=seed),
        n=evidence.n,
        clusters=evidence.clusters,
        left_out=evidence.left_out,
        method=METHOD if isinstance(evidence, MeanEvidence) else CORPUS_METHOD,
    )


def leader_interval(
    evidence: BoardEvidence, leader: int, sign: float, bounds: Bounds, *, draws: int = DRAWS, seed: int = 0
) -> MeanInterval:
    """The interval of whichever candidate has the best mean.

    Its end on the worse side is simultaneous over the board: the best of many equal ones lies above its true mean by
    the largest of their errors. Its other end need not pay, because choosing the best never picks an unlucky one more
    often than chance. That is the simultaneous bound for a selected mean (Benjamini, Hechtlinger and Stark 2019,
    "Confidence Intervals for Selected Parameters"), on the scale of ``mean_interval``.

    Args:
        evidence: Of the board.
        leader: The candidate with the best mean.
        sign: 1 where higher is better, else -1.
        bounds: Of one value.
        draws: Of the joint errors.
        seed: The same seed gives the same numbers.
    """
    tail = TAILS[0]
    if len(evidence.means) > 1 and evidence.clusters > 1:
        largest = (sign * evidence.mean_errors(draws, seed)).max(axis=1)
        tail = min(float(ndtr(-np.quantile(largest, 1 - tail))), tail)
    tails = (tail, TAILS[1]) if sign > 0 else (TAILS[0], tail)
    trained = np.flatnonzero(evidence.seeds.trained == leader)
    seeds = evidence.seeds.spread.of(int(trained[0])) if evidence.seeds.spread is not None and len(trained) else None
    if isinstance(evidence, MeanEvidence):
        rows = evidence.rows[leader] if seeds is not None else evidence.rows[leader][:1]
        found = mean_interval(rows, evidence.groups, bounds, tails=tails, seeds=seeds)
    else:
        found = interval_of(evidence.summary(leader, seeds), bounds, tails, seeded=seeds is not None)
    chosen = f", chosen of {len(evidence.means)}" if len(evidence.means) > 1 else ""
    return found._replace(method=f"{found.method.rpartition('-')[0]}-95{chosen}") if found.low is not None else found
