"""What does a feature cache in half precision change? The same candidates and pictures, with and without.

    OMP_NUM_THREADS=1 python benchmarks/studies/cache_dtype.py [--write]

Candidates of three encoders, closed-form and trained ones (two seeds, the same in every arm), suite ``spatial`` on
``shapes`` and ``kinds``, 128 training and 256 test pictures of 112 px; arms are float32, and
``--cache-dtype`` ``float16`` and ``bfloat16``.
A difference is paired, picture by picture, over the means of seeds.

Criteria, written down before the first figure: features take at most 0.51 of the disk, and for every candidate the
whole 95 % interval of IoU in half precision minus IoU in float32 lies within 0.01 of zero (``float16``) and within 0.02
(``bfloat16``, which has three bits less).
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from foresight_harness.measuring.cache.upkeep import entries
from foresight_harness.parts.statistics import paired_difference
from foresight_harness.planning.options import scale_of
from foresight_harness.running.run_folder.run_data import RunData
from foresight_harness.surface.python_calls import opened

WHAT, WHERE = "qwen2_5_vl_nano_what", "qwen2_5_vl_nano_where"
NAMES = (
    f"{WHAT}@pre_merge/identity/single/linear",
    f"{WHERE}@block.01/sem_coord/single/linear",
    f"{WHAT}@pre_merge+{WHERE}@pre_merge/identity/gated/linear",
    "dinov2_tiny@last/identity/single/linear",
    "dinov2_tiny@last/sem_coord/single/linear",
)
DATASETS = ("shapes", "kinds")
MOST = {"float16": 0.01, "bfloat16": 0.02}
DISK = 0.51
SIZES = replace(scale_of("small"), train=128, test=256, canvas_px=112, steps=40, batch=16, seeds=2, resamples=200)
RECORD = Path(__file__).with_suffix(".json")
Rows = Mapping[tuple[str, str], tuple[Any, tuple[str, ...]]]


def arm_of(dtype: str | None, folder: Path) -> tuple[Rows, int]:
    """IoU by candidate and data set, a value a picture, with clusters; and bytes of features."""
    places: dict[str, Any] = {"out": folder / "runs", "feature_cache": folder / "cache"}
    quiet: dict[str, Any] = {"no_twins": True, "no_spot_check": True, "admission": "off"}
    asked: dict[str, Any] = {"picture_px": SIZES.canvas_px, "cache_dtype": dtype}
    keeper = opened(NAMES, "spatial", DATASETS, sizes=SIZES, **asked, **places, **quiet)
    for planned in list(keeper.planned):
        keeper.run_cell(planned)
    keeper.close("complete")
    data, rows = RunData.load(keeper.folder.path), {}
    for record in data.select(metric="iou"):
        values = data.values(record)
        if record.candidate in NAMES and values is not None:
            rows[record.candidate, record.dataset] = values.values.mean(axis=0), values.groups
    held = sum(entry.bytes for entry in entries(folder / "cache") if entry.kind == "features")
    return rows, held


def judged(plain: tuple[Rows, int], half: tuple[Rows, int], most: float) -> dict[str, Any]:
    """One type against float32."""
    found: list[dict[str, Any]] = []
    for (candidate, dataset), (values, groups) in plain[0].items():
        told = paired_difference(half[0][candidate, dataset][0], values, groups)
        ends = (0.0, 0.0) if told.identical or told.interval is None else (told.interval.low, told.interval.high)
        found.append(
            {
                **{"candidate": candidate, "dataset": dataset, "iou": round(float(values.mean()), 4)},
                **{"difference": round(told.difference, 5), "interval": [round(end, 5) for end in ends]},
            }
        )
    disk = half[1] / plain[1]
    return {
        "disk": round(disk, 3),
        "worst": max(abs(end) for one in found for end in one["interval"]),
        "met": disk <= DISK and all(abs(end) <= most for one in found for end in one["interval"]),
        "candidates": found,
    }


def main() -> int:
    """Measure, print, and with ``--write`` keep the figures. Returns: 1 where a criterion is not met."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help=f"write {RECORD.name} beside this file")
    options = parser.parse_args()
    torch.set_num_threads(1)
    arms: dict[str | None, tuple[Rows, int]] = {}
    for dtype in (None, *MOST):
        with tempfile.TemporaryDirectory() as folder:
            arms[dtype] = arm_of(dtype, Path(folder))
    found = {dtype: judged(arms[None], arms[dtype], most) for dtype, most in MOST.items()}
    print(json.dumps(found, indent=1))
    if options.write:
        RECORD.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    return 0 if all(one["met"] for one in found.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
