"""A search against its matrix in full, for real: the same pictures and parts, two arms, each with a cache of its own.

    OMP_NUM_THREADS=1 python benchmarks/studies/search_matrix.py [--repeats 10] [--progress FILE] [--write]

96 candidates: 8 pairs of taps of nano encoders by 4 enhancers by 3 fusions, suite ``spatial`` on ``shapes``, the
default rungs. Every repeat draws other pictures (the seed of the data set), and with them other fits, and
does both arms in turn in this process with nothing shared between them. Cost is processor time of everything that an
arm does: features, controls, fits, readings, records. What a repeat found stands in the progress file when it ends, so
that the same command goes on, as it does from what ``--write`` has kept.

``--design small`` is the same with 8 streams of nano and published encoders by 4 enhancers by 3 fusions, ``perceiver``
and ``qformer`` among them, at the sizes of ``small``: days of one core, and not run. The default design, ``reduced``,
is what ten repeats of both arms take half an hour for: smaller than ``small`` in pictures, steps, batch and seeds
(``REDUCED``), and in parts, of which a step costs a tenth of one of ``perceiver`` and less. So fits are a small share
of its cost, and what every rung costs anyhow (controls, readings, records) a large one: cells that were timed before
the first repeat let expect a third rather than an eighth of the whole. ``fits_cost`` is the same ratio of the fits
alone, which at ``small`` are nearly all of it. Whether the best is found says nothing about fusions that learn slowly.
``--try`` scores 12 candidates of one stream with few pictures: that the script works, nothing else.

Criteria, written down before the first figure: every search costs at most 1/8 of the matrix in full, and the set that
it says can be the best holds the leader of the full matrix, or one that the full matrix does not tell from it, in at
least 9 of 10 repeats. Beside them, without a criterion: how many candidates the full matrix does not tell from its
leader, and the chance that as many candidates as the search ends with, drawn blindly, hold one of them: where everybody
is equal, finding is no feat.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import torch
from foresight_harness.contracts.progress import silent
from foresight_harness.measuring.fitting.objectives import fit_together
from foresight_harness.measuring.workshop import fits as making
from foresight_harness.planning.candidates import parse_candidate, resolve
from foresight_harness.planning.options import DatasetChoice, RunOptions, Scale, scale_of
from foresight_harness.planning.plan import PlannedCell, in_running_order
from foresight_harness.planning.registry import Registry, load_registry
from foresight_harness.planning.search.planner import Out, replay
from foresight_harness.planning.search.race import ALPHA, levels, race
from foresight_harness.planning.search.rungs import Keep, Rung, SearchTable
from foresight_harness.running.keeper import RunKeeper
from foresight_harness.running.run_folder.run_data import RunData
from foresight_harness.running.search.driver import Driver
from foresight_harness.running.search.kept import write_kept
from foresight_harness.running.search.reading import last_race, results_of
from foresight_harness.running.search.setting_up import Hunt, set_up


@dataclass(frozen=True)
class Design:
    """A matrix and the sizes at which it is scored."""

    streams: tuple[str, ...]
    enhancers: tuple[str, ...]
    fusions: tuple[str, ...]
    sizes: Scale

    def names(self) -> list[str]:
        """Every candidate."""
        return [f"{s}/{e}/{f}/linear" for s in self.streams for e in self.enhancers for f in self.fusions]


WHAT, WHERE, SHAM = (f"qwen2_5_vl_nano_{objective}" for objective in ("what", "where", "sham"))
REDUCED = replace(scale_of("small"), train=128, test=128, canvas_px=112, steps=40, batch=16, seeds=2, resamples=200)
DESIGNS = {
    "reduced": Design(
        (
            *(f"{WHAT}@pre_merge+{WHERE}@pre_merge", f"{WHAT}@block.01+{WHERE}@block.01"),
            *(f"{WHAT}@pre_merge+{WHAT}@block.00", f"{WHERE}@pre_merge+{WHERE}@block.00"),
            *(f"{WHAT}@block.02+{WHERE}@block.00", f"{WHERE}@block.02+{WHAT}@block.00"),
            *(f"{SHAM}@pre_merge+{SHAM}@block.01", f"{WHAT}@patch_embed+{WHERE}@patch_embed"),
        ),
        ("identity", "bilinear", "sem_coord", "sem_deform"),
        ("concat", "film", "gated"),
        REDUCED,
    ),
    "small": Design(
        (
            *(f"{WHAT}@pre_merge", f"{WHERE}@pre_merge", f"{WHAT}@llm.04", f"{WHERE}@llm.04"),
            *("dinov2_small_saliency@block.05", "dinov2_small_saliency@block.08", "alexnet@relu3", "alexnet@relu4"),
        ),
        ("identity", "sem_coord", "sem_upsample", "sem"),
        ("single", "perceiver", "qformer"),
        scale_of("small"),
    ),
}
DATASET = "shapes"
CRITERIA = {"cost": 1 / 8, "found": 0.9}
REPEATS = 10
"""Fewer decide nothing."""
RECORD = Path(__file__).with_suffix(".json")


def cells_of(names: Sequence[str], registry: Registry) -> list[PlannedCell]:
    """Each candidate in suite ``spatial``."""
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


def told_best(hunt: Hunt, data: RunData, home: Path | None) -> tuple[str, ...]:
    """Candidates that can be the best among those that a run has scored in full, best mean first.

    ``home`` is the folder of the search that led there, whose last look has a level of its own; None where none did.
    """
    search = hunt.kept.search
    level = ALPHA if home is None else levels(search.rungs)[len(search.rungs) - 1]
    last = last_race(data, hunt.kept, [] if home is None else results_of(home, hunt.kept))
    return () if last.values is None else race(last.values, level).best


def repeat(seed: int, names: Sequence[str], options: RunOptions, table: SearchTable, place: Path) -> dict[str, Any]:
    """Both arms on the pictures of one seed."""
    registry = redrawn(load_registry(), seed)
    cells = cells_of(names, registry)
    took, fits, best, scored, gone = {}, {}, {}, {}, list[dict[str, Any]]()
    for arm in ("full", "search"):
        home = place / f"{seed}_{arm}"
        own = replace(options, cache=home / "cache", store_fits=arm == "search")
        hunt = set_up(table, cells, registry, own)
        home.mkdir(parents=True)
        began, fitted, left = time.process_time(), FITS.seconds, cells
        if arm == "search":
            write_kept(home, hunt.kept)
            found = Driver(home, hunt, registry, own, silent(), "search_matrix.py").narrow()
            assert not isinstance(found, Out)
            left = [cell for cell in cells if str(cell.candidate) in found.survivors]
            gone = left_out(hunt, home)
        data = score(home, left, registry, own)
        best[arm], scored[arm] = told_best(hunt, data, home if arm == "search" else None), len(left)
        took[arm], fits[arm] = time.process_time() - began, FITS.seconds - fitted
    return {
        **{"seed": seed, "full_s": round(took["full"], 1), "search_s": round(took["search"], 1)},
        **{"full_fits_s": round(fits["full"], 1), "search_fits_s": round(fits["search"], 1)},
        **{"fits_cost": round(fits["search"] / fits["full"], 4)},
        **{"cost": round(took["search"] / took["full"], 4), "found": bool(set(best["full"]) & set(best["search"]))},
        **{"leader_kept": best["full"][0] in best["search"], "scored_in_full": scored["search"]},
        **{"blind": round(by_chance(len(names), len(best["full"]), len(best["search"])), 3)},
        **{"full_best": list(best["full"]), "search_best": list(best["search"]), "left_out": gone},
    }


class Timed:
    """``fit_together`` with the processor seconds that all of its calls took."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self, *arguments: Any) -> Any:
        """As ``fit_together``."""
        began = time.process_time()
        made = fit_together(*arguments)
        self.seconds += time.process_time() - began
        return made


FITS = Timed()


def left_out(hunt: Hunt, home: Path) -> list[dict[str, Any]]:
    """Whom the rungs left out, at which rung, and why."""
    search = hunt.kept.search
    return [
        {"candidate": one.candidate, "rung": search.rungs[one.rung].name, "reason": one.reason}
        for one in replay(search, results_of(home, hunt.kept)).eliminated
    ]


def by_chance(candidates: int, good: int, drawn: int) -> float:
    """Chance that so many candidates drawn blindly hold one of the good ones."""
    return 1 - math.comb(candidates - good, drawn) / math.comb(candidates, drawn)


def known_rows(progress: Path | None, design: str, sizes: Scale) -> dict[int, dict[str, Any]]:
    """Rows of repeats that were made before, by seed: those of the record, where it is of the same design and sizes,
    and those of the progress file."""
    rows = []
    kept = json.loads(RECORD.read_text(encoding="utf-8")) if RECORD.is_file() else {}
    if (kept.get("design"), kept.get("sizes")) == (design, asdict(sizes)):
        rows += kept["repeats"]
    if progress is not None and progress.is_file():
        rows += [json.loads(line) for line in progress.read_text(encoding="utf-8").splitlines()]
    return {row["seed"]: row for row in rows}


def main() -> int:
    """Measure, print, and with ``--write`` keep the figures. Returns: 1 where a criterion is not met."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=REPEATS)
    parser.add_argument("--design", choices=tuple(DESIGNS), default="reduced")
    parser.add_argument("--progress", type=Path, help="file of repeats that were made, to go on from")
    parser.add_argument("--try", action="store_true", dest="trial", help="one repeat of 12 candidates, few pictures")
    parser.add_argument("--write", action="store_true", help=f"write {RECORD.name} beside this file")
    asked = parser.parse_args()
    design, table = DESIGNS[asked.design], SearchTable()
    names, sizes = design.names(), design.sizes
    if asked.trial:
        sizes = replace(sizes, train=48, test=32, steps=12, batch=16, seeds=2, resamples=200)
        names, asked.repeats = names[: len(names) // len(design.streams)], 1
        table = SearchTable(rungs=(Rung("steps", Keep(count=4), steps=4), Rung("race")))
    torch.set_num_threads(1)
    rows = known_rows(asked.progress, asked.design, sizes)
    options = RunOptions(
        custom_scale=sizes,
        datasets=(DatasetChoice(DATASET),),
        picture_px=sizes.canvas_px,
        twins=False,
        spot_check=False,
    )
    for seed in range(asked.repeats):
        if seed in rows:
            continue
        with tempfile.TemporaryDirectory() as folder, patch.object(making, "fit_together", FITS):
            rows[seed] = repeat(seed, names, options, table, Path(folder))
        print({name: value for name, value in rows[seed].items() if name != "left_out"}, flush=True)
        if asked.progress is not None:
            with asked.progress.open("a", encoding="utf-8") as file:
                file.write(json.dumps(rows[seed]) + "\n")
    found = judged(asked.design, names, sizes, [rows[seed] for seed in sorted(rows)])
    print(json.dumps({name: value for name, value in found.items() if name != "repeats"}, indent=1))
    if asked.write:
        RECORD.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    return 0 if asked.trial or all(found["criteria"].values()) else 1


def judged(design: str, names: Sequence[str], sizes: Scale, rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The record: what was scored, the rows, and each criterion."""
    costs, hits = [row["cost"] for row in rows], [row["found"] for row in rows]
    return {
        **{"design": design, "candidates": len(names), "sizes": asdict(sizes)},
        **{"cost_most": max(costs), "cost_mean": sum(costs) / len(costs), "found": sum(hits), "of": len(hits)},
        **{"leader_kept": sum(row["leader_kept"] for row in rows)},
        **{"fits_cost_mean": sum(row["fits_cost"] for row in rows) / len(rows)},
        **{"blind_mean": sum(row["blind"] for row in rows) / len(rows)},
        "criteria": {
            "cost": max(costs) <= CRITERIA["cost"],
            "found": len(hits) >= REPEATS and sum(hits) >= CRITERIA["found"] * len(hits),
        },
        "repeats": [row if place == 0 else _without_reasons(row) for place, row in enumerate(rows)],
    }


def _without_reasons(row: dict[str, Any]) -> dict[str, Any]:
    """A repeat with the number of those whom each rung left out: their reasons are kept of the first repeat alone."""
    out = row["left_out"]
    if isinstance(out, list):
        out = dict(Counter(one["rung"] for one in out))
    return {**row, "left_out": out}


if __name__ == "__main__":
    sys.exit(main())
