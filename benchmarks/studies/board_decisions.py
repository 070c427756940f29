"""Do boards, intervals and planned sample sizes keep their word? On real per-picture scores.

    OMP_NUM_THREADS=1 python benchmarks/studies/board_decisions.py [--effort 1.0] [--write]

Scores are those of ``board_scores.npz`` (``board_scores.py`` makes them): 2,000 pictures of ``shapes``, eight tiny
encoders. Pictures are drawn with replacement; the truth is the mean over all 2,000. Written down before the first run:

- **False separations.** Equal candidates, 2 to 40 of them, 8 to 512 pictures, spread of seeds 0 (closed form) to 0.09
  (three seeds): *any* pair told apart on at most 5 % of boards. ``exchanged``: on each picture the encoders' scores are
  dealt anew. ``thinned``: encoders of unequal means, each losing scores at random until all means are the lowest, so
  that laws differ and means do not. Met where no cell is above 5 % by a one-sided binomial test (Holm over all cells,
  5 %), and all cells together are at most 5 %.
- **Coverage** at least 93 % of every interval: IoU, values with 90 and 97 % zeros, accuracies of 0.90 to 0.99, three
  seeds, clusters, decibels; 8 to 500 samples. And of the leader's interval, on all boards above. By the same test.
- **Power** at least 85 % for a true difference of 0.03 IoU at 500 pictures, two candidates, closed form and with three
  seeds a side; the worse one loses whole objects.
- **needed_n**: at least 75 % of redraws settled, to the right side, at true distances 0.02, 0.05 and 0.1, where a first
  sample of 24, 40 or 96 had left them open.
- **Average precision**: interval covers at least 93 %; bias at 8 pictures at most half of the plain one's; equal
  candidates as above.

Fails where one is missed. ``--write`` renews ``board_decisions.json`` beside this file.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from foresight_harness.parts.metrics.average_precision import SortedMatches
from foresight_harness.parts.statistics.board import judge_board
from foresight_harness.parts.statistics.bootstrap import resamples
from foresight_harness.parts.statistics.corpus_evidence import corpus_evidence, corpus_interval
from foresight_harness.parts.statistics.evidence import mean_evidence
from foresight_harness.parts.statistics.mean_interval import mean_interval
from foresight_harness.parts.statistics.multiple import holm
from foresight_harness.parts.statistics.planning import needed_n
from foresight_harness.parts.statistics.ranking import tie_groups
from numpy.typing import NDArray
from scipy.stats import binomtest

Floats = NDArray[np.float64]
Random = np.random.Generator

CANDIDATES = {2: 300, 8: 200, 20: 100, 40: 60}
"""Boards of each cell, by the number of candidates."""
PICTURES = (8, 32, 128, 512)
SPREADS = (0.0, 0.01, 0.03, 0.09)
SIZES = (8, 24, 96, 500)
SEEDS, DRAWS = 3, 999
FALSE, COVERED, POWER, SETTLED, ALPHA = 0.05, 0.93, 0.85, 0.75, 0.05
DROP, LEAST_DISTANCE = 0.03, 0.02
SCORES, RESULT = Path(__file__).with_name("board_scores.npz"), Path(__file__).with_suffix(".json")


class Cell(NamedTuple):
    """What was tried, how often, and how often it happened."""

    name: str
    hits: int
    tries: int

    @property
    def rate(self) -> float:
        """Share of the tries."""
        return self.hits / self.tries


def names(count: int, each: int = 1) -> list[str]:
    """Clusters of ``each`` samples."""
    return [str(index // each) for index in range(count * each)]


class Scores:
    """The stored scores, and candidates made of them."""

    def __init__(self) -> None:
        stored = np.load(SCORES)
        self.iou: Floats = stored["iou"] / 4095.0
        self.by_seed: Floats = stored["by_seed"] / 4095.0
        self.objects: Floats = stored["objects"].astype(np.float64)
        self.matches = [tuple(stored[f"{part}{place}"] for part in "psh") for place in range(3)]
        everyone = np.concatenate([self.iou, self.by_seed.reshape(-1, self.iou.shape[1])])
        self.everyone, self.keep = everyone, everyone.mean(axis=1).min() / everyone.mean(axis=1)

    def pictures(self, random: Random, count: int) -> NDArray[np.int64]:
        """Drawn with replacement."""
        return random.integers(0, self.iou.shape[1], count)

    def exchanged(self, random: Random, candidates: int, pictures: int) -> tuple[Floats, float]:
        """Equal candidates [k, n] and their true mean: on each picture, encoders dealt anew."""
        drawn = self.iou[:, self.pictures(random, pictures)]
        dealt = random.permuted(np.arange(40).reshape(-1, 1).repeat(pictures, 1) % 8, axis=0)[:candidates]
        return np.take_along_axis(drawn, dealt, 0), float(self.iou.mean())

    def thinned(self, random: Random, candidates: int, pictures: int) -> tuple[Floats, float]:
        """Candidates of equal means and unequal laws [k, n]."""
        chosen = random.permutation(len(self.everyone))[:candidates]
        drawn = self.everyone[np.ix_(chosen, self.pictures(random, pictures))]
        return drawn * (random.random(drawn.shape) < self.keep[chosen, None]), float(self.everyone.mean(axis=1).min())


def boards(scores: Scores, random: Random, effort: float) -> tuple[list[Cell], list[Cell], dict[str, float]]:
    """False separations, the leader's interval, and what flips of means over seeds did on some of the same boards."""
    false, leader, before = [], [], {}
    for kind, deal in (("exchanged", scores.exchanged), ("thinned", scores.thinned)):
        for candidates, full in CANDIDATES.items():
            if kind == "thinned" and candidates == 40:
                continue
            for pictures in PICTURES:
                for spread in SPREADS if kind == "exchanged" else (0.0, 0.03):
                    tries, wrong, covered, old, asked = max(int(full * effort), 20), 0, 0, 0, 0
                    for _ in range(tries):
                        values, truth = deal(random, candidates, pictures)
                        shifts = random.normal(0, spread, (candidates, SEEDS if spread else 1, 1))
                        rows = list(values[:, None] + shifts)
                        # Shifts leave [0, 1]: clipping them would move the means apart.
                        bounds = (-0.5, 1.5) if spread else (0.0, 1.0)
                        board = judge_board(mean_evidence(rows, names(pictures)), "higher", bounds, draws=DRAWS)
                        wrong += any(pair.separated for pair in board.pairs)
                        low, high = board.leader_interval.low, board.leader_interval.high
                        covered += low is not None and high is not None and low <= truth <= high
                        if kind == "exchanged" and pictures in (128, 512) and candidates in (2, 8) and asked < 50:
                            columns = {str(place): row.mean(axis=0) for place, row in enumerate(rows)}
                            old += len(tie_groups(columns, names(pictures), "higher")) > 1
                            asked += 1
                    name = f"{kind}, k {candidates}, n {pictures}, seeds {spread}"
                    false.append(Cell(name, wrong, tries))
                    leader.append(Cell(name, covered, tries))
                    before |= {name: old / asked} if asked else {}
            _say(f"{kind}, {candidates} candidates: {100 * max(cell.rate for cell in false[-8:]):.1f} % at most")
    return false, leader, before


def unlike_seeds(scores: Scores, random: Random, effort: float) -> list[Cell]:
    """False separations where seeds spread far more for some candidates than for others: told, no criterion."""
    found = []
    for name, wild, spread in (("every second", 2, 0.05), ("one in four", 4, 0.06)):
        for candidates, full in ((2, 400), (8, 200), (20, 100)):
            tries, wrong = max(int(full * effort), 20), 0
            for _ in range(tries):
                values, _ = scores.exchanged(random, candidates, 128)
                spreads = np.where(np.arange(candidates) % wild == 0, spread, 0.005)[:, None, None]
                rows = list(values[:, None] + spreads * random.normal(0, 1, (candidates, SEEDS, 1)))
                board = judge_board(mean_evidence(rows, names(128)), "higher", (-0.5, 1.5), draws=DRAWS)
                wrong += any(pair.separated for pair in board.pairs)
            found.append(
                Cell(f"{name} candidate's seeds spread by {spread}, the others' by 0.005, k {candidates}", wrong, tries)
            )
    return found


def coverage(scores: Scores, random: Random, effort: float) -> list[Cell]:
    """Of the intervals of single means."""
    iou = scores.iou[0]
    kinds: dict[str, tuple[Floats, Any]] = {"IoU": (iou, (0.0, 1.0)), "decibels": (15 + 10 * iou, (None, None))}
    for zeros in (0.90, 0.97):
        cut = float(np.quantile(iou, zeros))
        kinds[f"{100 * zeros:.0f} % zeros"] = (np.maximum(iou - cut, 0) / (1 - cut), (0.0, 1.0))
    for accuracy in (0.90, 0.97, 0.99):
        kinds[f"accuracy {accuracy}"] = ((iou > np.quantile(iou, 1 - accuracy)).astype(np.float64), (0.0, 1.0))
    tries, found = max(int(1500 * effort), 100), []
    for name, (values, bounds) in kinds.items():
        for size in SIZES:
            if bounds[0] is None and size < SIZES[1]:
                continue
            drawn = values[scores.pictures(random, size * tries).reshape(tries, size)]
            groups = names(size)
            found.append(_covered(f"{name}, n {size}", list(drawn), groups, bounds, float(values.mean())))
    for size in SIZES:
        # Three samples a cluster, alike because they are one picture under three seeds' noise.
        threes = [scores.by_seed[0, :3, scores.pictures(random, size)].ravel() for _ in range(tries)]
        truth = float(scores.by_seed[0, :3].mean())
        found.append(_covered(f"IoU in clusters of 3, n {size}", threes, names(size, 3), (0.0, 1.0), truth))
        hits = [(three > 0.5).astype(np.float64) for three in threes]
        truth = float((scores.by_seed[0, :3] > 0.5).mean())
        found.append(_covered(f"accuracy in clusters of 3, n {size}", hits, names(size, 3), (0.0, 1.0), truth))
        for spread in SPREADS[1:]:
            rows = [
                iou[scores.pictures(random, size)] + random.normal(0, spread, (SEEDS, 1)) for _ in range(tries // 2)
            ]
            name = f"IoU, three seeds of spread {spread}, n {size}"
            found.append(_covered(name, rows, names(size), (-0.5, 1.5), float(iou.mean())))
    return found


def _covered(name: str, samples: list[Floats], groups: list[str], bounds: Any, truth: float) -> Cell:
    hits = 0
    for values in samples:
        one = mean_interval(values, groups, bounds)
        hits += one.low is not None and one.high is not None and one.low <= truth <= one.high
    return Cell(name, hits, len(samples))


def power(scores: Scores, random: Random, effort: float) -> dict[str, Cell]:
    """How often a candidate that is worse by 0.03 IoU is told from an equal of its betters, at 500 pictures."""
    found = {}
    for seeds in (1, SEEDS):
        for candidates in (2, 5, 10):
            tries, hits = max(int(150 * effort), 20), 0
            for _ in range(tries):
                encoder = int(random.integers(2))
                pictures = scores.pictures(random, 500)
                rows = []
                for place in range(candidates):
                    own = scores.by_seed[encoder][np.ix_(random.permutation(6)[:seeds], pictures)]
                    lost = DROP / scores.by_seed[encoder].mean() if place == 0 else 0.0
                    rows.append(own * (random.random(500) >= lost))
                board = judge_board(mean_evidence(rows, names(500)), "higher", (0.0, 1.0), draws=DRAWS)
                hits += board.pair(0, 1).separated and board.pair(0, 1).difference < 0
            name = f"{candidates} candidates, {'closed form' if seeds == 1 else 'three seeds'}"
            found[name] = Cell(name, hits, tries)
    return found


def redraws(scores: Scores, random: Random, effort: float) -> dict[str, Cell]:
    """How often the planned number of samples settles what a first sample had left open."""
    iou = scores.iou[0]
    kinds = {"IoU": iou, "accuracy 0.8": (iou > np.quantile(iou, 0.2)).astype(np.float64)}
    found = {}
    for name, values in kinds.items():
        for distance in (0.02, 0.05, 0.1):
            bound = float(values.mean()) - distance
            for first in (8, 24, 40, 96):
                settled, asked, needed = 0, 0, []
                for _ in range(20 * max(int(120 * effort), 20)):
                    if asked == max(int(120 * effort), 20):
                        break
                    pilot = mean_interval(values[scores.pictures(random, first)], names(first), (0.0, 1.0))
                    if pilot.low is None or pilot.high is None or not pilot.low <= bound <= pilot.high:
                        continue
                    side = pilot.value - pilot.low if pilot.value > bound else pilot.high - pilot.value
                    asked += 1
                    needed.append(needed_n(pilot.value - bound, side, first, least_distance=LEAST_DISTANCE))
                    size = min(needed[-1], 20_000)
                    again = mean_interval(values[scores.pictures(random, size)], names(size), (0.0, 1.0))
                    settled += again.low is not None and again.low > bound
                if asked >= 20:
                    key = f"{name}, {distance} away, first {first} (asks for {int(np.median(needed))})"
                    found[key] = Cell(key, settled, asked)
    return found


def precision(scores: Scores, random: Random, effort: float) -> dict[str, Any]:
    """Average precision: bias, coverage, and boards of three equal candidates."""
    pools = [_Matches(scores, place) for place in range(3)]
    covered, biases, false = [], {}, []
    for size in (8, 24, 96, 300):
        tries = max(int((200 if size < 96 else 100) * effort), 20)
        for place, pool in enumerate(pools):
            truth = pool.of(np.arange(len(scores.objects)))(np.ones((1, len(scores.objects))))[0]
            hits, plain, freed = 0, [], []
            for _ in range(tries):
                statistic = pool.of(scores.pictures(random, size))
                one = corpus_interval([statistic], resamples(names(size), count=400))
                hits += one.low is not None and one.high is not None and one.low <= truth <= one.high
                plain.append(statistic(np.ones((1, size)))[0])
                freed.append(one.value)
            covered.append(Cell(f"AP of encoder {place}, n {size}", hits, tries))
            biases[f"encoder {place}, n {size}"] = {
                "true": round(float(truth), 4),
                "plain": round(float(np.mean(plain)), 4),
                "freed": round(float(np.mean(freed)), 4),
            }
    for size in (8, 32, 128):
        tries, wrong = max(int(150 * effort), 20), 0
        for _ in range(tries):
            pictures = scores.pictures(random, size)
            dealt = random.permuted(np.arange(3)[:, None].repeat(size, 1), axis=0)
            statistics = [[_dealt(pools, pictures, row)] for row in dealt]
            evidence = corpus_evidence(statistics, resamples(names(size), count=400))
            wrong += any(pair.separated for pair in judge_board(evidence, "higher", (0.0, 1.0), draws=DRAWS).pairs)
        false.append(Cell(f"AP, k 3, n {size}", wrong, tries))
    return {"coverage": covered, "bias": biases, "false": false}


class _Matches:
    """Detections of one encoder by picture; ranks made comparable between encoders."""

    def __init__(self, scores: Scores, place: int) -> None:
        picture, rank, hit = scores.matches[place]
        self.objects, self.rank, self.hit = scores.objects, rank / rank.max(), hit.astype(bool)
        self.start = np.searchsorted(picture, np.arange(len(scores.objects) + 1))

    def of(self, pictures: NDArray[np.int64]) -> Callable[[Floats], Floats]:
        return _dealt([self], pictures, np.zeros(len(pictures), dtype=np.int64))


def _dealt(pools: list[_Matches], pictures: NDArray[np.int64], dealt: NDArray[np.int64]) -> Callable[[Floats], Floats]:
    """Average precision of a candidate whose picture ``i`` is as encoder ``dealt[i]`` reads it."""
    parts = [
        slice(pools[one].start[picture], pools[one].start[picture + 1])
        for one, picture in zip(dealt, pictures, strict=True)
    ]
    rank = np.concatenate([pools[one].rank[part] for one, part in zip(dealt, parts, strict=True)])
    hit = np.concatenate([pools[one].hit[part] for one, part in zip(dealt, parts, strict=True)])
    place = np.repeat(np.arange(len(parts)), [part.stop - part.start for part in parts])
    order = np.argsort(-rank, kind="stable")
    return SortedMatches(place[order], np.flatnonzero(hit[order]), pools[0].objects[pictures]).average_precision


def within(cells: list[Cell], bound: float, at_most: bool) -> bool:
    """Whether no cell is beyond the bound by a one-sided exact test, Holm over all of them."""
    side = "greater" if at_most else "less"
    return bool(holm([binomtest(cell.hits, cell.tries, bound, side).pvalue for cell in cells]).min() > ALPHA)


def pooled(cells: list[Cell]) -> float:
    """Rate of all cells together."""
    return sum(cell.hits for cell in cells) / sum(cell.tries for cell in cells)


def table(cells: list[Cell]) -> dict[str, str]:
    """Rates in percent with their counts."""
    return {cell.name: f"{100 * cell.rate:.1f} % of {cell.tries}" for cell in cells}


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def main() -> int:
    """Print the figures; 1 where a criterion is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--effort", type=float, default=1.0, help="share of the repeats")
    parser.add_argument("--write", action="store_true", help=f"renew {RESULT.name}")
    options = parser.parse_args()
    start, scores = time.process_time(), Scores()
    part = partial(np.random.default_rng)
    found_ap = precision(scores, part(5), options.effort)
    covered = coverage(scores, part(2), options.effort)
    found_power = power(scores, part(3), options.effort)
    found_redraws = redraws(scores, part(4), options.effort)
    false, leader, before = boards(scores, part(1), options.effort)
    unlike = unlike_seeds(scores, part(6), options.effort)
    bias = found_ap["bias"].items()
    halved = [abs(b["freed"] - b["true"]) <= abs(b["plain"] - b["true"]) / 2 for key, b in bias if key.endswith("n 8")]
    planned = [cell for key, cell in found_redraws.items() if "first 8 " not in key]
    criteria = {
        "false separations": within(false, FALSE, at_most=True) and pooled(false) <= FALSE,
        "coverage": within(covered, COVERED, at_most=False),
        "coverage of the leader": within(leader, COVERED, at_most=False),
        "power": all(found_power[f"2 candidates, {how}"].rate >= POWER for how in ("closed form", "three seeds")),
        "needed_n": all(cell.rate >= SETTLED for cell in planned),
        "average precision: coverage": within(found_ap["coverage"], COVERED, at_most=False),
        "average precision: bias": all(halved),
        "average precision: false separations": within(found_ap["false"], FALSE, at_most=True),
    }
    result = {
        "criteria": criteria,
        "effort": options.effort,
        "processor_seconds": round(time.process_time() - start),
        "false_separations": {"pooled": round(pooled(false), 4), **table(false)},
        "false_separations_before": before,
        "false_separations_unlike_seeds": table(unlike),
        "coverage": {"least": round(min(cell.rate for cell in covered), 4), **table(covered)},
        "coverage_of_leader": {"least": round(min(cell.rate for cell in leader), 4), **table(leader)},
        "power": table(list(found_power.values())),
        "needed_n": table(list(found_redraws.values())),
        "average_precision": {
            "coverage": table(found_ap["coverage"]),
            "false_separations": table(found_ap["false"]),
            "bias": found_ap["bias"],
        },
    }
    text = json.dumps(result, indent=1)
    print(text)
    for name, held in criteria.items():
        print(f"{'met' if held else 'NOT MET'}: {name}")
    if options.write:
        RESULT.write_text(text + "\n", encoding="utf-8")
    return 0 if all(criteria.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
