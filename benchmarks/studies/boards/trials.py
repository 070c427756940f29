"""What is tried, cell by cell: one repeat draws pictures, asks the harness, and counts what happened."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from itertools import product
from typing import Any, NamedTuple

import numpy as np
from dealing import Floats, Matches, Random, Scores, dealt_precision, names
from foresight_harness.parts.statistics.board import Board, judge_board
from foresight_harness.parts.statistics.bootstrap import resamples
from foresight_harness.parts.statistics.corpus_evidence import corpus_evidence, corpus_interval
from foresight_harness.parts.statistics.evidence import mean_evidence
from foresight_harness.parts.statistics.mean_interval import Bounds, MeanInterval, mean_interval
from foresight_harness.parts.statistics.planning import needed_n
from foresight_harness.parts.statistics.ranking import tie_groups

Count = Mapping[str, float]
"""What one repeat adds: ``tries`` (1 where it says something), ``hits``, and sums of a group's own."""

BOARDS = {2: 400, 8: 400, 20: 400, 40: 200}
"""Boards of each cell, by the number of candidates."""
PICTURES, SPREADS, SIZES = (8, 32, 128, 512), (0.0, 0.01, 0.03, 0.09), (8, 24, 96, 500)
SEEDS, DRAWS, RESAMPLES = 3, 999, 400
DROP, LEAST_DISTANCE = 0.03, 0.02
PILOTS = 40
"""First samples drawn until one leaves the question open."""


class Trial(NamedTuple):
    """One cell of the study."""

    group: str
    name: str
    tries: int
    once: Callable[[Random], Count]


def all_trials(scores: Scores) -> list[Trial]:
    """Cheap groups first."""
    kinds = (coverage, redraws, power, precision, boards, unlike_seeds)
    return [trial for kind in kinds for trial in kind(scores)]


def boards(scores: Scores) -> Iterator[Trial]:
    """False separations, and the interval of the leader."""
    for kind, deal in (("exchanged", scores.exchanged), ("thinned", scores.thinned)):
        for candidates, tries in BOARDS.items():
            if kind == "thinned" and candidates == 40:
                continue  # There are 20 laws.
            for pictures, spread in product(PICTURES, SPREADS if kind == "exchanged" else (0.0, 0.03)):
                name = f"{kind}, k {candidates}, n {pictures}, seeds {spread}"
                yield Trial("boards", name, tries, partial(_board, deal, candidates, pictures, spread))


def _board(deal: Callable[..., tuple[Floats, float]], k: int, n: int, spread: float, random: Random) -> Count:
    values, truth = deal(random, k, n)
    rows = list(values[:, None] + random.normal(0, spread, (k, SEEDS if spread else 1, 1)))
    # Shifts leave [0, 1]: clipping them would move the means apart.
    board = judge_board(mean_evidence(rows, names(n)), "higher", (-0.5, 1.5) if spread else (0.0, 1.0), draws=DRAWS)
    found = {"tries": 1, "hits": _any_told_apart(board), "leader_covered": _holds(board.leader_interval, truth)}
    if n in (128, 512) and k in (2, 8) and random.random() < 0.2:
        columns = {str(place): row.mean(axis=0) for place, row in enumerate(rows)}
        found |= {"before_tries": 1, "before_hits": len(tie_groups(columns, names(n), "higher")) > 1}
    return found


def unlike_seeds(scores: Scores) -> Iterator[Trial]:
    """False separations where seeds spread far more for some candidates than for others."""
    for said, wild, spread in (("every second", 2, 0.05), ("one in four", 4, 0.06)):
        for candidates in (2, 8, 20):
            name = f"{said} candidate's seeds spread by {spread}, the others' by 0.005, k {candidates}"
            yield Trial("unlike seeds", name, 400, partial(_unlike, scores, candidates, wild, spread))


def _unlike(scores: Scores, k: int, wild: int, spread: float, random: Random) -> Count:
    values, _ = scores.exchanged(random, k, 128)
    spreads = np.where(np.arange(k) % wild == 0, spread, 0.005)[:, None, None]
    rows = list(values[:, None] + spreads * random.normal(0, 1, (k, SEEDS, 1)))
    board = judge_board(mean_evidence(rows, names(128)), "higher", (-0.5, 1.5), draws=DRAWS)
    return {"tries": 1, "hits": _any_told_apart(board)}


def coverage(scores: Scores) -> Iterator[Trial]:
    """Of the intervals of single means."""
    iou, zero_one = scores.iou[0], (0.0, 1.0)
    kinds: dict[str, tuple[Floats, Bounds]] = {"IoU": (iou, zero_one), "decibels": (15 + 10 * iou, (None, None))}
    for zeros in (0.90, 0.97):
        cut = float(np.quantile(iou, zeros))
        kinds[f"{100 * zeros:.0f} % zeros"] = (np.maximum(iou - cut, 0) / (1 - cut), zero_one)
    for accuracy in (0.90, 0.97, 0.99):
        kinds[f"accuracy {accuracy}"] = ((iou > np.quantile(iou, 1 - accuracy)).astype(np.float64), zero_one)
    for size in SIZES:
        for name, (values, bounds) in kinds.items():
            draw = partial(_single, scores, values, size, 0.0)
            yield _covering(f"{name}, n {size}", draw, names(size), bounds, float(values.mean()))
        # Three samples a cluster, alike because they are one picture under three seeds' noise.
        threes = scores.by_seed[0, :3]
        for name, values in (("IoU", threes), ("accuracy", (threes > 0.5).astype(np.float64))):
            draw = partial(_clustered, scores, values, size)
            yield _covering(f"{name} in clusters of 3, n {size}", draw, names(size, 3), zero_one, float(values.mean()))
        for spread in SPREADS[1:]:
            draw = partial(_single, scores, iou, size, spread)
            name = f"IoU, three seeds of spread {spread}, n {size}"
            yield _covering(name, draw, names(size), (-0.5, 1.5), float(iou.mean()))


def _single(scores: Scores, values: Floats, size: int, spread: float, random: Random) -> Floats:
    drawn = values[scores.pictures(random, size)]
    return drawn + random.normal(0, spread, (SEEDS, 1)) if spread else drawn


def _clustered(scores: Scores, values: Floats, size: int, random: Random) -> Floats:
    return values[:, scores.pictures(random, size)].T.ravel()


def _covering(name: str, draw: Callable[[Random], Floats], groups: list[str], bounds: Bounds, truth: float) -> Trial:
    def once(random: Random) -> Count:
        return {"tries": 1, "hits": _holds(mean_interval(draw(random), groups, bounds), truth)}

    return Trial("coverage", name, 1500, once)


def power(scores: Scores) -> Iterator[Trial]:
    """How often a candidate that is worse by 0.03 IoU is told from its equals, at 500 pictures."""
    for seeds, candidates in product((1, SEEDS), (2, 5, 10)):
        name = f"{candidates} candidates, {'closed form' if seeds == 1 else 'three seeds'}"
        yield Trial("power", name, 300, partial(_worse, scores, seeds, candidates))


def _worse(scores: Scores, seeds: int, candidates: int, random: Random) -> Count:
    encoder = int(random.integers(2))
    pictures, of = scores.pictures(random, 500), scores.by_seed[encoder]
    lost = np.where(np.arange(candidates) == 0, DROP / of.mean(), 0.0)
    drawn = [random.permutation(len(of))[:seeds] for _ in lost]
    rows = [of[np.ix_(own, pictures)] * (random.random(500) >= share) for own, share in zip(drawn, lost, strict=True)]
    found = judge_board(mean_evidence(rows, names(500)), "higher", (0.0, 1.0), draws=DRAWS).pair(0, 1)
    # Of one fit the truth is its own, since nothing is claimed of other seeds; of several it is that of all.
    means = [of[own].mean() if seeds == 1 else of.mean() for own in drawn]
    truth = means[0] * (1 - lost[0]) - means[1]
    inside = found.low is not None and found.high is not None and found.low <= truth <= found.high
    return {"tries": 1, "hits": found.separated and found.difference < 0, "covered": inside}


def redraws(scores: Scores) -> Iterator[Trial]:
    """How often the planned number of samples settles, to the right side, what a first sample had left open."""
    iou = scores.iou[0]
    kinds = {"IoU": iou, "accuracy 0.8": (iou > np.quantile(iou, 0.2)).astype(np.float64)}
    for (name, values), distance, first in product(kinds.items(), (0.02, 0.05, 0.1), (8, 24, 40, 96)):
        once = partial(_redrawn, scores, values, float(values.mean()) - distance, first)
        yield Trial("needed_n", f"{name}, {distance} away, first {first}", 200, once)


def _redrawn(scores: Scores, values: Floats, bound: float, first: int, random: Random) -> Count:
    for _ in range(PILOTS):
        pilot = mean_interval(values[scores.pictures(random, first)], names(first), (0.0, 1.0))
        if pilot.low is None or pilot.high is None or not pilot.low <= bound <= pilot.high:
            continue
        side = pilot.value - pilot.low if pilot.value > bound else pilot.high - pilot.value
        needed = needed_n(pilot.value - bound, side, first, least_distance=LEAST_DISTANCE)
        size = min(needed, 20_000)
        again = mean_interval(values[scores.pictures(random, size)], names(size), (0.0, 1.0))
        return {"tries": 1, "hits": again.low is not None and again.low > bound, "needed": needed}
    return {}


def precision(scores: Scores) -> Iterator[Trial]:
    """Average precision: bias, coverage, and boards of three equal candidates."""
    pools = [Matches(scores, place) for place in range(3)]
    everything = np.arange(len(scores.objects))
    for size, (place, pool) in product((8, 24, 96, 300), enumerate(pools)):
        truth = float(pool.of(everything)(np.ones((1, len(everything))))[0])
        once = partial(_precision, scores, pool, size, truth)
        yield Trial("average precision", f"encoder {place}, n {size}", 400 if size < 96 else 200, once)
    for size in (8, 32, 128):
        once = partial(_precision_board, scores, pools, size)
        yield Trial("average precision: boards", f"k 3, n {size}", 200, once)


def _precision(scores: Scores, pool: Matches, size: int, truth: float, random: Random) -> Count:
    statistic = pool.of(scores.pictures(random, size))
    one = corpus_interval([statistic], resamples(names(size), count=RESAMPLES))
    plain = float(statistic(np.ones((1, size)))[0])
    return {"tries": 1, "hits": _holds(one, truth), "true": truth, "plain": plain, "freed": one.value}


def _precision_board(scores: Scores, pools: list[Matches], size: int, random: Random) -> Count:
    pictures = scores.pictures(random, size)
    dealt = random.permuted(np.arange(3)[:, None].repeat(size, 1), axis=0)
    statistics = [[dealt_precision(pools, pictures, row)] for row in dealt]
    evidence = corpus_evidence(statistics, resamples(names(size), count=RESAMPLES))
    return {"tries": 1, "hits": _any_told_apart(judge_board(evidence, "higher", (0.0, 1.0), draws=DRAWS))}


def _any_told_apart(board: Board) -> bool:
    return any(pair.separated for pair in board.pairs)


def _holds(interval: MeanInterval | Any, truth: float) -> bool:
    return interval.low is not None and interval.high is not None and interval.low <= truth <= interval.high
