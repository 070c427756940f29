"""Is a fit that stops early at least as good as one of every step? Three matrices, three arms, the same pictures.

    OMP_NUM_THREADS=1 python benchmarks/studies/early_stopping.py [--write]

Arms: ``fixed`` makes all 96 steps on all 128 training pictures; ``early`` has ``--patience 4``: it holds an eighth of
them out, looks every twentieth of the steps, stops after four looks without a better one and keeps the best;
``all_steps`` holds out and keeps the best too, and never stops, so that what the held-out pictures cost is told apart
from what stopping costs. Every candidate is fitted with three seeds and read by the primary probe on 256 test pictures.
A matrix's difference is that of the mean IoU of its trained candidates, over pictures and seeds.

Criteria, written down before the first figure. ``at_least_as_good``: on each matrix the 95 % interval of early minus
fixed lies above -0.01. Where it does not, ``why`` says which arm makes the difference: the held-out eighth where
``all_steps`` minus fixed is below zero with its whole interval, stopping where early minus ``all_steps`` is, else that
so many seeds do not tell. Fails where a matrix is told to be worse (the whole interval below zero).
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from foresight_harness.parts.statistics import difference_over_seeds
from foresight_harness.planning.options import scale_of
from foresight_harness.running.run_folder.run_data import RunData
from foresight_harness.surface.python_calls import opened

WHAT, WHERE = "qwen2_5_vl_nano_what", "qwen2_5_vl_nano_where"
MATRICES: Mapping[str, tuple[str, str, tuple[str, ...]]] = {
    "nano_pairs": (
        "kinds",
        f"{WHAT}@pre_merge+{WHERE}@pre_merge",
        ("sem_coord/film", "sem_coord/gated", "sem_deform/film", "identity/gated"),
    ),
    "nano_single": (
        "shapes",
        f"{WHAT}@block.01",
        ("sem_coord/single", "sem_deform/single", "sem_upsample/single", "sem/single"),
    ),
    "tiny_pairs": (
        "shapes",
        "dinov2_tiny@last+mae_tiny@last",
        ("sem_coord/concat", "sem_deform/concat", "identity/film", "identity/dual_stream"),
    ),
}
ARMS: Mapping[str, int | None] = {"fixed": None, "early": 4, "all_steps": 1000}
SIZES = replace(scale_of("small"), train=128, test=256, canvas_px=112, steps=96, batch=16, seeds=3, resamples=200)
MARGIN = 0.01
RECORD = Path(__file__).with_suffix(".json")


def arm_of(matrix: str, patience: int | None, folder: Path) -> dict[str, Any]:
    """One arm of a matrix: mean IoU of its candidates, picture by picture and seed by seed, and what fits did."""
    dataset, streams, parts = MATRICES[matrix]
    names = [f"{streams}/{part}/linear" for part in parts]
    places: dict[str, Any] = {"out": folder / f"runs_{patience}", "feature_cache": folder / "cache"}
    quiet: dict[str, Any] = {"no_twins": True, "no_spot_check": True, "admission": "off"}
    keeper = opened(
        names, "spatial", dataset, sizes=SIZES, picture_px=SIZES.canvas_px, patience=patience, **places, **quiet
    )
    began = time.process_time()
    for planned in list(keeper.planned):
        keeper.run_cell(planned)
    keeper.close("complete")
    took = time.process_time() - began
    data = RunData.load(keeper.folder.path)
    rows, fits, groups = [], [], tuple[str, ...]()
    for record in data.select(metric="iou"):
        values = data.values(record)
        if record.candidate not in names or values is None or len(record.seeds) < SIZES.seeds:
            continue
        rows.append(values.values)
        groups, fit = values.groups, record.details["fit"]
        fits.append(
            {"candidate": record.candidate, "iou": record.value, "steps": fit["steps"], "kept": fit.get("kept_step")}
        )
    if len(rows) != len(names):
        raise SystemExit(f"{matrix}: {len(rows)} of {len(names)} candidates were scored")
    return {"rows": np.mean(rows, axis=0), "groups": groups, "fits": fits, "cpu_s": round(took, 1)}


def minus(first: Mapping[str, Any], second: Mapping[str, Any]) -> dict[str, Any]:
    """What two arms differ by."""
    found = difference_over_seeds(first["rows"], second["rows"], first["groups"])
    if found.identical:  # the same steps were kept in every fit
        return {"difference": 0.0, "interval": [0.0, 0.0], "n": found.n, "identical": True}
    assert found.interval is not None
    ends = [round(found.interval.low, 4), round(found.interval.high, 4)]
    return {"difference": round(found.difference, 4), "interval": ends, "n": found.n, "identical": False}


def judged(arms: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """A matrix: its differences, and what they say."""
    pairs = (("early", "fixed"), ("all_steps", "fixed"), ("early", "all_steps"))
    found = {f"{one}_minus_{other}": minus(arms[one], arms[other]) for one, other in pairs}
    ends = {name: one["interval"] for name, one in found.items()}
    good = ends["early_minus_fixed"][0] >= -MARGIN
    why = ""
    if not good:
        causes = {"all_steps_minus_fixed": "the held-out eighth", "early_minus_all_steps": "stopping"}
        why = ", ".join(said for name, said in causes.items() if ends[name][1] < 0) or "three seeds do not tell"
    return {
        **found,
        "at_least_as_good": good,
        "worse": ends["early_minus_fixed"][1] < 0,
        "why": why,
        "mean_iou": {name: round(float(arm["rows"].mean()), 4) for name, arm in arms.items()},
        "mean_steps": {name: float(np.mean([fit["steps"] for fit in arm["fits"]])) for name, arm in arms.items()},
        "cpu_s": {name: arm["cpu_s"] for name, arm in arms.items()},
        "fits": {name: arm["fits"] for name, arm in arms.items()},
    }


def main() -> int:
    """Measure, print, and with ``--write`` keep the figures. Returns: 1 where early stopping is told to be worse."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--matrix", action="append", choices=tuple(MATRICES), help="one of them; repeatable")
    parser.add_argument("--write", action="store_true", help=f"write {RECORD.name} beside this file")
    options = parser.parse_args()
    torch.set_num_threads(1)
    found: dict[str, Any] = json.loads(RECORD.read_text(encoding="utf-8")) if RECORD.is_file() else {}
    for matrix in options.matrix or MATRICES:
        with tempfile.TemporaryDirectory() as folder:
            arms = {name: arm_of(matrix, patience, Path(folder)) for name, patience in ARMS.items()}
        found[matrix] = judged(arms)
        print(matrix, json.dumps({name: value for name, value in found[matrix].items() if name != "fits"}, indent=1))
        if options.write:
            RECORD.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    return 1 if any(one["worse"] for one in found.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
