"""Does a run's time follow the number of its pictures and of its candidates, and its memory neither?

    OMP_NUM_THREADS=1 python benchmarks/perf/linearity.py [--scale smoke|small] [--pictures 100,...,3200]
        [--candidates 5,...,160] [--write]

``pictures``: for each size a fresh process draws so many training pictures and half as many test pictures, encodes them
with ``dinov2_tiny``, fits the closed-form probe, scores and records one candidate of suite ``spatial`` with its
controls, from an empty cache. ``candidates``: one fresh process scores 160 candidates (pairs of twelve streams by parts
closed-form and trained at ``smoke``, closed-form alone at ``small``) in an order in which every stretch has
the same mix; the first 5, 10, ... of them are what a run of so many costs, features of all streams included.

Criteria, written down before the first figure: a doubling costs 1.8 to 2.2 times the processor time, imports left out,
and from the smallest number to the greatest the peaks of anonymous memory (``RssAnon``) and of the resident set grow to
at most 1.2 times. What a run costs anyhow cannot double: it is told apart as the intercept of a straight line through
the figures, and each doubling is judged twice, as it is (``raw``) and without that intercept (``own``). Both stand in
``linearity.json``; the criterion is about ``raw``.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations, pairwise
from pathlib import Path
from typing import Any

import numpy as np
from streaming import Watch

TIME_RATIO, MEMORY_RATIO = (1.8, 2.2), 1.2
RECORD = Path(__file__).with_suffix(".json")
PICTURES, CANDIDATES = (100, 200, 400, 800, 1600, 3200), (5, 10, 20, 40, 80, 160)
ONE = "dinov2_tiny@last/identity/single/linear"
ENCODERS = ("dinov2_tiny", "mae_tiny", "siglip_tiny")
TAPS = ("patch_embed", "block.00", "block.02", "last")
PARTS = {
    "smoke": (
        ("identity", "bilinear", "sem_coord", "sem_deform", "nearest"),
        ("concat", "film", "gated", "dual_stream"),
    ),
    "small": (("identity", "nearest", "bilinear"), ("concat",)),
}


def names_of(scale: str, count: int) -> list[str]:
    """Candidates of two streams, in an order whose every stretch has each stream and each part."""
    taps = [f"{encoder}@{tap}" for encoder in ENCODERS for tap in TAPS]
    streams = [f"{first}+{second}" for first, second in combinations(taps, 2)]
    enhancers, fusions = PARTS[scale]  # of coprime numbers: along their diagonal every combination comes up
    kinds = len(enhancers) * len(fusions)
    names = [
        f"{stream}/{enhancers[place % len(enhancers)]}/{fusions[place % len(fusions)]}/linear"
        for shift in range(kinds)
        for number, stream in enumerate(streams)
        for place in [number + shift]
    ]
    names = list(dict.fromkeys(names))
    if count > len(names):
        raise ValueError(f"{count} candidates were asked for, and there are {len(names)}")
    return names[:count]


def sizes_of(scale: str, pictures: int | None) -> Any:
    """The scale, with so many training pictures and half as many test pictures where a number is given."""
    from foresight_harness.planning.options import scale_of

    base = scale_of(scale)
    return base if pictures is None else replace(base, train=pictures, test=pictures // 2)


def run_cells(names: Sequence[str], sizes: Any, counts: Sequence[int]) -> dict[str, list[float]]:
    """Score candidates in this process. Returns by count: processor s, peak of anonymous and of resident MiB so far."""
    import resource

    import torch
    from foresight_harness.measuring.extraction.splits import SPLITS
    from foresight_harness.measuring.workshop.cell import Cell
    from foresight_harness.surface.python_calls import opened

    torch.set_num_threads(1)
    found: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as folder, Watch() as watch:
        places: dict[str, Any] = {"out": Path(folder) / "runs", "feature_cache": Path(folder) / "cache"}
        keeper = opened(names, "spatial", "shapes", sizes=sizes, no_twins=True, no_spot_check=True, **places)
        planned = {str(cell.candidate): cell for cell in keeper.planned}
        warm_up(keeper)
        began = time.process_time()
        for name in names if len(counts) > 1 else ():  # features of all streams first: they belong to every count
            for split in SPLITS:
                cell = planned[name]
                Cell(keeper.workshop, cell.candidate, cell.suite, cell.dataset).streams(split)
        features = time.process_time() - began
        for number, name in enumerate(names, start=1):
            keeper.run_cell(planned[name])
            if number in counts:
                spent = time.process_time() - began
                resident = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
                found[str(number)] = [round(spent, 2), round(watch.most / 1024, 1), round(resident, 1)]
        found["features_s"] = [round(features, 2)]
        keeper.close("complete")
    return found


def warm_up(keeper: Any) -> None:
    """Build each encoder once: what this process imports belongs to no count."""
    for name in {stream.encoder.name for cell in keeper.planned for stream in cell.candidate.streams}:
        spec = keeper.registry.encoder(name)
        spec.build(keeper.workshop.encoder_request(spec))


def part(arguments: Sequence[str]) -> dict[str, list[float]]:
    """What a fresh process finds."""
    command = [sys.executable, __file__, "--part", *arguments]
    told = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    return dict(json.loads(told.splitlines()[-1]))


def judged(figures: dict[int, list[float]]) -> dict[str, Any]:
    """Ratios of each doubling, as they are and without what a run costs anyhow; growth of memory; the verdict."""
    counts = sorted(figures)
    seconds = [figures[count][0] for count in counts]
    anyhow = intercept(counts, seconds)
    raw = [round(after / before, 2) for before, after in pairwise(seconds)]
    own = [round((after - anyhow) / (before - anyhow), 2) for before, after in pairwise(seconds)]
    growth = [round(figures[counts[-1]][place] / figures[counts[0]][place], 3) for place in (1, 2)]
    low, high = TIME_RATIO
    return {
        "figures": {str(count): figures[count] for count in counts},
        "anyhow_s": round(anyhow, 2),
        "raw": raw,
        "own": own,
        "memory": {"anonymous": growth[0], "resident": growth[1]},
        "time_met": all(low <= one <= high for one in raw),
        "own_time_met": all(low <= one <= high for one in own),
        "memory_met": max(growth) <= MEMORY_RATIO,
    }


def intercept(counts: Sequence[int], seconds: Sequence[float]) -> float:
    """Seconds at a count of nothing: least squares on relative errors, so that small counts speak too. Not below 0."""
    weights = 1 / np.square(seconds)
    design = np.stack([np.ones(len(counts)), np.asarray(counts, dtype=float)], axis=1)
    solved = np.linalg.lstsq(design * np.sqrt(weights)[:, None], np.asarray(seconds) * np.sqrt(weights), rcond=None)[0]
    return max(0.0, float(solved[0]))


def main() -> int:
    """Measure, print, judge."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scale", choices=tuple(PARTS), default="smoke")
    parser.add_argument("--pictures", default=",".join(map(str, PICTURES)), help="training pictures; empty: none")
    parser.add_argument("--candidates", default=",".join(map(str, CANDIDATES)), help="empty: none")
    parser.add_argument("--write", action="store_true", help=f"keep the figures in {RECORD.name}")
    parser.add_argument("--part", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.part:
        kind, scale, numbers = options.part
        counts = [int(number) for number in numbers.split(",")]
        if kind == "pictures":
            print(json.dumps(run_cells([ONE], sizes_of(scale, counts[0]), [1])))
        else:
            print(json.dumps(run_cells(names_of(scale, max(counts)), sizes_of(scale, None), counts)))
        return 0
    found: dict[str, Any] = json.loads(RECORD.read_text(encoding="utf-8")) if RECORD.is_file() else {}
    own = found.setdefault(options.scale, {})
    if options.pictures:
        sizes = [int(number) for number in options.pictures.split(",")]
        own["pictures"] = judged({size: part(["pictures", options.scale, str(size)])["1"] for size in sizes})
    if options.candidates:
        told = part(["candidates", options.scale, options.candidates])
        features = told.pop("features_s")
        own["candidates"] = judged({int(count): row for count, row in told.items()}) | {"features_s": features[0]}
    print(json.dumps(own, indent=1))
    if options.write:
        RECORD.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    return 0 if all(one["time_met"] and one["memory_met"] for one in own.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
