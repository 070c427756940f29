"""A search against its matrix in full, for real: the same pictures and parts, two arms, each with a cache of its own.

``python benchmarks/studies/search_matrix.py --repeats 10 --write``: 96 candidates (8 streams of nano and trained
encoders by 4 enhancers by 3 fusions) at ``small``; hours. ``--try`` scores 12 candidates of two streams with few
pictures in minutes, and shows that the script works, nothing else. Every repeat draws other pictures (the seed of the
data set) and does both arms in turn in this process. Cost is processor time; features, fits and readings of an arm are
its own.

Criteria, written down before the first figure: the search costs at most 1/8 of the matrix in full, and the set that it
says can be the best holds the leader of the full matrix, or one that the full matrix does not tell from it, in at least
9 of 10 repeats.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from foresight_harness.contracts.progress import silent
from foresight_harness.planning.candidates import parse_candidate, resolve
from foresight_harness.planning.options import DatasetChoice, RunOptions, scale_of
from foresight_harness.planning.plan import PlannedCell, in_running_order
from foresight_harness.planning.registry import Registry, load_registry
from foresight_harness.planning.search.planner import Out, replay
from foresight_harness.planning.search.race import race
from foresight_harness.planning.search.rungs import Keep, Rung, SearchTable
from foresight_harness.running.keeper import RunKeeper
from foresight_harness.running.run_folder.run_data import RunData
from foresight_harness.running.search.driver import Driver
from foresight_harness.running.search.kept import write_kept
from foresight_harness.running.search.reading import last_race, results_of
from foresight_harness.running.search.setting_up import Hunt, set_up

STREAMS = (
    *("qwen2_5_vl_nano_what@pre_merge", "qwen2_5_vl_nano_where@pre_merge"),
    *("qwen2_5_vl_nano_what@llm.04", "qwen2_5_vl_nano_where@llm.04"),
    *("dinov2_small_saliency@block.05", "dinov2_small_saliency@block.08", "alexnet@relu3", "alexnet@relu4"),
)
ENHANCERS = ("identity", "sem_coord", "sem_upsample", "sem")
FUSIONS = ("single", "perceiver", "qformer")
DATASET = "kinds"
CRITERIA = {"cost": 1 / 8, "found": 0.9}


def cells_of(streams: Sequence[str], registry: Registry) -> list[PlannedCell]:
    """Every candidate in suite ``spatial``."""
    names = [f"{s}/{e}/{f}/linear" for s in streams for e in ENHANCERS for f in FUSIONS]
    suite = registry.suite("spatial")
    return [PlannedCell(resolve(parse_candidate(name), registry), suite, DatasetChoice(DATASET)) for name in names]


def redrawn(registry: Registry, seed: int) -> Registry:
    """The registry with a data set that draws other pictures."""
    spec = registry.datasets[DATASET]
    other = replace(spec, build=lambda request: spec.build(replace(request, seed=seed)))
    return replace(registry, datasets={**registry.datasets, DATASET: other})


def score(place: Path, cells: Sequence[PlannedCell], registry: Registry, options: RunOptions) -> RunData:
    """A run of these cells in a folder; a cell that fails is left out of what follows."""
    keeper = RunKeeper(registry, options, silent(), "search_matrix.py", place=place)
    keeper.plan(in_running_order(cells))
    for cell in list(keeper.planned):
        try:
            keeper.run_cell(cell)
        except Exception as error:  # its record says so
            print(f"{cell.candidate}: {error}", file=sys.stderr)
    keeper.close("complete")
    return RunData.load(place)


def told_best(hunt: Hunt, data: RunData, home: Path, level: float = 0.05) -> tuple[str, ...]:
    """Candidates that can be the best among those that a run has scored in full."""
    last = last_race(data, hunt.kept, results_of(home, hunt.kept))
    return () if last.values is None else race(last.values, level).best


def repeat(seed: int, streams: Sequence[str], options: RunOptions, table: SearchTable, place: Path) -> dict[str, Any]:
    """Both arms on the pictures of one seed."""
    registry = redrawn(load_registry(), seed)
    cells = cells_of(streams, registry)
    took, best = {}, {}
    for arm in ("full", "search"):
        home = place / f"{seed}_{arm}"
        own = replace(options, cache=home / "cache", store_fits=arm == "search")
        hunt = set_up(table, cells, registry, own)
        home.mkdir(parents=True)
        began = time.process_time()
        if arm == "full":
            best[arm] = told_best(hunt, score(home, cells, registry, own), home)
        else:
            write_kept(home, hunt.kept)
            found = Driver(home, hunt, registry, own, silent(), "search_matrix.py").narrow()
            assert not isinstance(found, Out)
            left = [cell for cell in cells if str(cell.candidate) in found.survivors]
            data = score(home, left, registry, own)
            best[arm] = told_best(hunt, data, home)
            rungs = results_of(home, hunt.kept)
            gone = [
                {"candidate": one.candidate, "rung": hunt.kept.search.rungs[one.rung].name, "reason": one.reason}
                for one in replay(hunt.kept.search, rungs).eliminated
            ]
        took[arm] = time.process_time() - began
    return {
        **{"seed": seed, "full_s": round(took["full"], 1), "search_s": round(took["search"], 1)},
        **{"cost": took["search"] / took["full"], "found": bool(set(best["full"]) & set(best["search"]))},
        **{"full_best": list(best["full"]), "search_best": list(best["search"]), "left_out": gone},
    }


def main() -> int:
    """Measure, print, and with ``--write`` keep the figures. Returns: 1 where a criterion is not met."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=10)
    parser.add_argument("--try", action="store_true", dest="trial", help="one repeat of 12 candidates, few pictures")
    parser.add_argument("--write", action="store_true", help="write search_matrix.json beside this file")
    asked = parser.parse_args()
    sizes, streams, table = scale_of("small"), STREAMS, SearchTable()
    if asked.trial:
        sizes = replace(scale_of("smoke"), train=48, test=32, steps=12, batch=16, seeds=2, resamples=200)
        streams, asked.repeats = STREAMS[:1], 1
        table = SearchTable(rungs=(Rung("steps", Keep(count=4), steps=4), Rung("race")))
    with tempfile.TemporaryDirectory() as folder:
        options = RunOptions(custom_scale=sizes, datasets=(DatasetChoice(DATASET),), twins=False, spot_check=False)
        rows = [repeat(seed, streams, options, table, Path(folder)) for seed in range(asked.repeats)]
    costs, found = [row["cost"] for row in rows], [row["found"] for row in rows]
    met = {"cost": max(costs) <= CRITERIA["cost"], "found": sum(found) >= CRITERIA["found"] * len(found)}
    text = json.dumps(
        {"candidates": len(streams) * len(ENHANCERS) * len(FUSIONS), "repeats": rows, "criteria": met}, indent=1
    )
    print(text)
    if asked.write:
        Path(__file__).with_suffix(".json").write_text(text + "\n", encoding="utf-8")
    return 0 if asked.trial or all(met.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
