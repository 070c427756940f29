"""Does a search find the best of 480 candidates for a twelfth of their cost? Simulated on measured noise.

``python benchmarks/studies/search.py --write``: the planner of ``foresight-bench search`` decides, on scores that are
drawn instead of fitted. 480 candidates are 24 streams by 4 enhancers by 5 fusions; the noise is what was measured on
this harness's pictures (``NOISE``, ``RANKS``). Cost is counted in optimiser steps, a reading by a closed-form probe as
``READING`` of them, against 200 steps and three seeds for every candidate.

Criteria, written down before the first figure (``CRITERIA``): on the default rungs the cost is at most 1/12 for either
kind of head; the set that can be the best holds the true best, or a candidate within the paired half-width of 512
pictures of it, in at least 95 of 100 searches where fits rank like those to pixels, in at least 90 of 100 where they
rank like those to latents; among 15 equal candidates the race leaves anybody out in at most 5 of 100 races, up to what
300 races can tell (a count whose chance is at least 2.5 % under 5 %); and no search costs more than a budget of 5 %.

The script fails where a criterion is not met.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from foresight_harness.planning.search.budget import RungCost
from foresight_harness.planning.search.planner import Out, Result, Score, Search, next_step, replay
from foresight_harness.planning.search.race import RaceValues
from foresight_harness.planning.search.rungs import CLOSED_FORM, RACE, Rung, default_rungs
from numpy.typing import NDArray
from scipy.stats import binom

STREAMS, ENHANCERS, FUSIONS = 24, 4, 5
STEPS, SEEDS, PICTURES, HELD_OUT = 200, 3, 512, 128
READING = 2.0
"""Steps that reading a candidate by ``dense_ridge`` costs: 0.03 s against 2 s for 100 steps."""
NOISE = {"picture": 0.22, "shared": 0.41, "seed": 0.014}
"""Spread over pictures, correlation of two candidates over pictures (paired differences are 1.3 times as sharp), and
spread over seeds."""
SPREAD = {"stream": 0.06, "enhancer": 0.03, "fusion": 0.03, "pair": 0.02}
"""Of the true scores of candidates, by what they differ in."""
CLOSED_FORM_RANK = 0.9
"""Correlation of a stream's closed-form score with what the stream is worth."""
RANKS: Mapping[str, Mapping[int, float]] = {
    "pixels": {25: 0.90, 50: 0.93, 100: 0.96},
    "latents": {25: 0.59, 50: 0.75, 100: 0.87},
}
"""Rank correlation of short fits with fits of 200 steps."""
NEAR = 0.019
"""Paired half-width of 512 pictures: what a full matrix does not tell from the best."""
CRITERIA = {"cost": 1 / 12, "pixels": 0.95, "latents": 0.90, "false": 0.05, "budget": 0.05}

Floats = NDArray[np.float64]


@dataclass
class World:
    """True scores of 480 candidates, and what each kind of rung sees of them."""

    random: np.random.Generator
    head: str

    def __post_init__(self) -> None:
        draw = self.random.normal
        stream = draw(0, SPREAD["stream"], STREAMS)
        parts = draw(0, SPREAD["enhancer"], ENHANCERS)[:, None] + draw(0, SPREAD["fusion"], FUSIONS)
        pairs = draw(0, SPREAD["pair"], (STREAMS, ENHANCERS, FUSIONS))
        self.true = (0.5 + stream[:, None, None] + parts + pairs).reshape(-1)
        self.names = [f"s{i}/e{j}/f{k}" for i in range(STREAMS) for j in range(ENHANCERS) for k in range(FUSIONS)]
        self.place = {name: number for number, name in enumerate(self.names)}
        self.streams = {name: name.partition("/")[0] for name in self.names}
        error = SPREAD["stream"] * np.sqrt(1 / CLOSED_FORM_RANK**2 - 1)
        self.closed = {f"s{i}": float(0.5 + stream[i] + draw(0, error)) for i in range(STREAMS)}
        self.slow = draw(0, 1, len(self.true))

    def short(self, names: Sequence[str], steps: int) -> dict[str, Score]:
        """Scores of short fits on held-out pictures: some candidates learn slowly, and stay slow."""
        pearson = 2 * np.sin(np.pi * RANKS[self.head][steps] / 6)
        error = self.true.std() * np.sqrt(1 / pearson**2 - 1)
        places = [self.place[name] for name in names]
        lag = error * (0.8 * self.slow[places] + 0.6 * self.random.normal(0, 1, len(places)))
        own = NOISE["picture"] * np.sqrt((1 - NOISE["shared"]) / HELD_OUT)
        seen = self.true[places] + lag + self.random.normal(0, own, len(places))
        return {name: Score(float(value)) for name, value in zip(names, seen, strict=True)}

    def in_full(self, names: Sequence[str]) -> RaceValues:
        """Values of full fits, picture by picture and seed by seed; the same ones whenever they are asked for."""
        random = np.random.default_rng([int(1e6 * abs(self.true.sum())), 7])
        shared = random.normal(0, NOISE["picture"] * np.sqrt(NOISE["shared"]), PICTURES)
        rows = {}
        for place in sorted(self.place[name] for name in names):
            own = np.random.default_rng([place, int(1e6 * abs(self.true[place]))])
            pictures = own.normal(0, NOISE["picture"] * np.sqrt(1 - NOISE["shared"]), PICTURES)
            rows[self.names[place]] = self.true[place] + shared + pictures + own.normal(0, NOISE["seed"], (SEEDS, 1))
        groups = tuple(f"p{number}" for number in range(PICTURES))
        return RaceValues(tuple(names), tuple(rows[name] for name in names), groups, (True,) * len(names), "higher")


def costs_of(rungs: Sequence[Rung]) -> list[RungCost]:
    """Optimiser steps of each rung; the fits of a second look of the race lie in the cache."""
    found, raced = [], False
    for rung in rungs:
        if rung.kind == CLOSED_FORM:
            found.append(RungCost(0.0, READING))
        elif rung.kind == RACE:
            fits = 0.0 if raced else SEEDS * STEPS
            found.append(RungCost(0.0, fits + SEEDS * READING * rung.pictures))
            raced = True
        else:
            found.append(RungCost(0.0, float(rung.steps or STEPS) * rung.seeds + READING))
    return found


FULL = STREAMS * ENHANCERS * FUSIONS * SEEDS * (STEPS + READING)


def searched(world: World, allowed: float | None) -> tuple[tuple[str, ...], float]:
    """One search: those that can be the best, and what it cost. Nobody where the budget ended it."""
    rungs = default_rungs(STEPS, PICTURES)
    search, costs, spent = Search(rungs, world.streams, "higher"), costs_of(rungs), 0.0
    results: list[Result] = []
    while True:
        step = next_step(search, results, costs, None if allowed is None else allowed - spent)
        if isinstance(step, Out):
            return (), spent
        if step is None:
            return replay(search, results).survivors, spent
        rung, entering = rungs[step.rung], step.entering
        result = played(world, rung, Result(step.rung, entering, step.keep))
        count = len({world.streams[name] for name in entering}) if rung.kind == CLOSED_FORM else len(entering)
        spent += costs[step.rung].fixed_s + costs[step.rung].each_s * count
        results.append(result)


def played(world: World, rung: Rung, asked: Result) -> Result:
    """The result of a rung in a world."""
    names = asked.entering
    if rung.kind == CLOSED_FORM:
        wanted = {world.streams[name] for name in names}
        scores = {stream: Score(value) for stream, value in world.closed.items() if stream in wanted}
        return Result(asked.rung, names, asked.keep, scores)
    if rung.kind != RACE:
        return Result(asked.rung, names, asked.keep, world.short(names, rung.steps or STEPS))
    whole = world.in_full(names)
    count = round(rung.pictures * PICTURES)
    rows = tuple(one[:, :count] for one in whole.values)
    values = RaceValues(whole.names, rows, whole.groups[:count], whole.trained, "higher")
    scores = {name: Score(float(one.mean())) for name, one in zip(names, rows, strict=True)}
    return Result(asked.rung, names, None, scores, values)


def of_head(head: str, trials: int, allowed: float | None = None) -> dict[str, float]:
    """How often the best, or one near it, was found, and the cost as a share of the whole matrix in full."""
    kept, near, costs, sizes = [], [], [], []
    for trial in range(trials):
        world = World(np.random.default_rng([trial, len(head)]), head)
        best, cost = searched(world, allowed)
        scores = [world.true[world.place[name]] for name in best]
        kept.append(bool(scores) and max(scores) == world.true.max())
        near.append(bool(scores) and max(scores) >= world.true.max() - NEAR)
        costs.append(cost / FULL)
        sizes.append(len(best))
    return {
        "best_kept": float(np.mean(kept)),
        "best_or_near": float(np.mean(near)),
        "cost_mean": float(np.mean(costs)),
        "cost_most": float(np.max(costs)),
        "set_size": float(np.median(sizes)),
        "searches": trials,
    }


def false_alarms(races: int) -> int:
    """Races among 15 equal candidates that leave anybody out, over both looks."""
    rungs = default_rungs(STEPS, PICTURES)
    names = tuple(f"s{number}/e0/f0" for number in range(15))
    wrong = 0
    for trial in range(races):
        world = World(np.random.default_rng([trial, 99]), "pixels")
        world.true[:] = 0.5
        random = np.random.default_rng([trial, 100])
        shared = random.normal(0, NOISE["picture"] * np.sqrt(NOISE["shared"]), PICTURES)
        own = NOISE["picture"] * np.sqrt(1 - NOISE["shared"])
        rows = [
            0.5 + shared + random.normal(0, own, PICTURES) + random.normal(0, NOISE["seed"], (SEEDS, 1)) for _ in names
        ]
        results = []
        search = Search(rungs, dict.fromkeys(names, "s"), "higher")
        for place, rung in enumerate(rungs):
            if rung.kind == RACE:
                count = round(rung.pictures * PICTURES)
                groups = tuple(f"p{number}" for number in range(count))
                cut = tuple(row[:, :count] for row in rows)
                values = RaceValues(names, cut, groups, (True,) * len(names), "higher")
                results.append(Result(place, names, None, {name: Score(0.5) for name in names}, values))
        wrong += bool(replay(search, results).eliminated)
    return wrong


def verdict(found: Mapping[str, Any]) -> dict[str, bool]:
    """Each criterion, and whether it is met."""
    races, wrong = found["equal"]["races"], found["equal"]["left_out"]
    return {
        "cost": all(found[head]["cost_most"] <= CRITERIA["cost"] for head in RANKS),
        "pixels": found["pixels"]["best_or_near"] >= CRITERIA["pixels"],
        "latents": found["latents"]["best_or_near"] >= CRITERIA["latents"],
        "false": bool(binom.sf(wrong - 1, races, CRITERIA["false"]) >= 0.025),
        "budget": found["budget"]["cost_most"] <= CRITERIA["budget"],
    }


def main() -> int:
    """Simulate, print, and with ``--write`` keep the figures. Returns: 1 where a criterion is not met."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=200, help="searches a kind of head")
    parser.add_argument("--races", type=int, default=300, help="races among equal candidates")
    parser.add_argument("--write", action="store_true", help="write search.json beside this file")
    options = parser.parse_args()
    found: dict[str, Any] = {head: of_head(head, options.trials) for head in RANKS}
    found["budget"] = of_head("pixels", options.trials // 4, CRITERIA["budget"] * FULL)
    found["equal"] = {"races": options.races, "left_out": false_alarms(options.races)}
    found["criteria"] = verdict(found)
    text = json.dumps(found, indent=1)
    print(text)
    if options.write:
        Path(__file__).with_suffix(".json").write_text(text + "\n", encoding="utf-8")
    return 0 if all(found["criteria"].values()) else 1


if __name__ == "__main__":
    sys.exit(main())
