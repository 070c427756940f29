"""Does a comparison with a baseline stay quiet on unchanged code, and see a drop of 0.03 IoU? On real runs.

    python benchmarks/studies/reruns.py [--reruns 40] [--planted 20] [--pictures 1000] [--threads 1] [--write]

``shaky_tiny`` is scored in suite ``spatial`` on ``shapes``: the features of ``dinov2_tiny`` with noise that every run
draws anew, training and test pictures alike, which is what a machine does whose kernels do not repeat. (Without noise
a rerun is identical, and nothing is tested.) Every rerun is a run of its own: registry, cell, fit, samples, run folder,
and the comparison that ``pytest benchmarks/ --baseline`` makes. The controls, which repeat, are measured once.

1. Five runs, and the tolerance that ``foresight-bench aa`` suggests from them, as the pages tell users.
2. One more is promoted as ``main``.
3. ``--reruns`` runs of the unchanged code against it: none may regress (exit 10 of the session).
4. ``--planted`` runs whose noise is larger, worth 0.03 IoU on average (told, with its spread): each must regress.

A thousand pictures, because a comparison finds what its pictures can show: 300 of them tell 0.024 from nothing in four
of five cases only (``compare`` says so beside its verdict), and in nine of ten repeats found what was planted.

Fails where one of the three does not hold. ``--write`` renews ``reruns.json`` beside this file.
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from foresight_harness.contracts.specs import EncoderSpec
from foresight_harness.grids import TokenGrid
from foresight_harness.judging.comparison import baselines
from foresight_harness.judging.comparison.against import compare_with, target_of
from foresight_harness.judging.comparison.noise import floors
from foresight_harness.judging.comparison.sentinels import Sentinels
from foresight_harness.parts.statistics import minimum_detectable_effect
from foresight_harness.planning.options import SCALES, Scale
from foresight_harness.planning.registry import Registry, load_registry
from foresight_harness.running.run_folder.run_data import RunData
from foresight_harness.surface.python_calls import opened
from torch import Tensor

RESULT = Path(__file__).with_suffix(".json")
TRAIN, RESAMPLES, CALIBRATING = 128, 100, 5
NOISE, PLANTED = 0.05, 0.195
"""Of the spread of each channel."""
WORTH, BAND = 0.03, 0.003
"""IoU that the planted noise costs on average, and how far from it the average may be."""
BASE, SHAKY = "dinov2_tiny", "shaky_tiny"
CANDIDATE = f"{SHAKY}@last/identity/single/linear"


class Shaky:
    """Another encoder's tokens with noise that is drawn anew at every call."""

    def __init__(self, share: float) -> None:
        self.share = share

    def encode(self, tokens: Tensor, taps: Sequence[str]) -> dict[str, TokenGrid]:
        """[B, T, H, W, C] -> the same."""
        random = torch.Generator().manual_seed(secrets.randbits(60))
        drawn = torch.randn(tokens.shape, generator=random)
        return dict.fromkeys(taps, TokenGrid(tokens + self.share * tokens.flatten(0, 3).std(0) * drawn))

    def facts(self) -> Mapping[str, Any]:
        """No weights of its own."""
        return {"attention": "none", "dtype": "float32", "params": 0}


def with_shaky(registry: Registry, share: float) -> Registry:
    """What is installed, and ``shaky_tiny``."""
    base = registry.encoder(BASE)
    spec = EncoderSpec(
        name=SHAKY,
        build=lambda request: Shaky(share),
        taps=base.taps,
        default_tap=base.default_tap,
        input_px=base.input_px,
        family=base.family,
        params=base.params,
        weights=base.weights,
        size="tiny",
        inputs="grids",
        derives_from=BASE,
        preprocessing={"draw": secrets.token_hex(8)},  # part of the key of cached features: no run reads another's
    )
    owners = {**registry.owners, ("encoder", SHAKY): registry.owner("encoder", BASE)}
    return replace(registry, encoders={**registry.encoders, SHAKY: spec}, owners=owners)


class Project:
    """A folder of runs and its baseline."""

    def __init__(self, folder: Path, sizes: Scale) -> None:
        self.runs, self.cache, self.sizes = folder / "runs", folder / "cache", sizes
        self.registry = load_registry()
        self.calibrations: dict[Any, Any] = {}
        self.sentinels = Sentinels(({"candidate": CANDIDATE, "metric": "iou"},))

    def run(self, share: float, *, compared: bool = False) -> dict[str, Any]:
        """Score the candidate into a run folder of its own, and compare that with ``main``."""
        began = time.process_time()
        registry = with_shaky(self.registry, share)
        places = {"out": self.runs, "feature_cache": self.cache}
        keeper = opened(CANDIDATE, "spatial", "shapes", sizes=self.sizes, registry=registry, **places)
        keeper.workshop.calibrations.update(self.calibrations)
        keeper.run_cell(keeper.planned[0])
        keeper.close("complete")
        self.calibrations = {key: replace(one, candidates=()) for key, one in keeper.workshop.calibrations.items()}
        path = keeper.folder.path
        (record,) = RunData.load(path).select(suite="spatial", metric="iou", candidate=CANDIDATE)
        found: dict[str, Any] = {"run": path.name, "iou": record.value}
        if compared:
            said = compare_with(path, target_of(self.runs, "main"), self.sentinels)
            rows = [row for row in said.analysis.rows if row["sentinel"]]
            found["regressed"], found["verdict"] = said.exit_regressed, rows[0]["verdict"]
        found["cpu_s"] = round(time.process_time() - began, 1)
        print(json.dumps(found), file=sys.stderr, flush=True)
        return found

    def load(self, found: Mapping[str, Any]) -> RunData:
        """A run as its readers see it."""
        return RunData.load(self.runs / found["run"])


def detectable(first: RunData, second: RunData) -> float:
    """The IoU that two fits tell apart with 80 % power at 5 %, from the spread of pictures alone."""
    sides = []
    for data in (first, second):
        (record,) = data.select(suite="spatial", metric="iou", candidate=CANDIDATE)
        values = data.values(record)
        assert values is not None
        sides.append(values.values[0])
    return minimum_detectable_effect(sides[0] - sides[1], [str(index) for index in range(len(sides[0]))])


def measured(project: Project, reruns: int, planted: int, noise: float) -> dict[str, Any]:
    """Every run, and what came of it."""
    calibrating = [project.run(NOISE) for _ in range(CALIBRATING)]
    suggested = floors([project.load(one) for one in calibrating], project.sentinels)
    tolerances = {one.metric: one.suggested for one in suggested}
    project.sentinels = replace(project.sentinels, tolerances=tolerances)
    base = project.run(NOISE)
    baselines.promote(project.runs, project.runs / base["run"], "main", "unchanged code")
    unchanged = [project.run(NOISE, compared=True) for _ in range(reruns)]
    worse = [project.run(noise, compared=True) for _ in range(planted)]
    ious = [one["iou"] for one in (*calibrating, base, *unchanged)]
    return {
        "noise": NOISE,
        "planted_noise": noise,
        "tolerance": tolerances,
        "iou": float(np.mean(ious)),
        "sd_of_iou_over_reruns": float(np.std(ious, ddof=1)),
        "detectable_from_pictures_alone": detectable(*(project.load(one) for one in calibrating[:2])),
        "planted_drop": float(np.mean(ious) - np.mean([one["iou"] for one in worse])),
        "sd_of_planted_drop": float(np.std([one["iou"] for one in worse], ddof=1)),
        "least_planted_drop_from_baseline": float(base["iou"] - max(one["iou"] for one in worse)),
        "baseline_iou": base["iou"],
        "reruns": reruns,
        "reruns_regressed": sum(one["regressed"] for one in unchanged),
        "rerun_verdicts": _counted(unchanged),
        "planted": planted,
        "planted_regressed": sum(one["regressed"] for one in worse),
        "planted_verdicts": _counted(worse),
    }


def _counted(runs: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    return dict(Counter(one["verdict"] for one in runs))


def main() -> int:
    """Print the figures; 1 where an aim is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--reruns", type=int, default=40)
    parser.add_argument("--planted", type=int, default=20)
    parser.add_argument("--pictures", type=int, default=1000)
    parser.add_argument("--noise", type=float, default=PLANTED, help="planted, of the spread of each channel")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--write", action="store_true", help=f"renew {RESULT.name}")
    options = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = str(options.threads)
    torch.set_num_threads(options.threads)
    sizes = replace(SCALES["smoke"], test=options.pictures, train=TRAIN, resamples=RESAMPLES)
    with tempfile.TemporaryDirectory(prefix="reruns-") as place:
        found = measured(Project(Path(place), sizes), options.reruns, options.planted, options.noise)
    found = {"pictures": options.pictures, **found, "cpu_s": round(time.process_time())}
    print(json.dumps(found, indent=1))
    aims = {
        f"no regression in {found['reruns']} reruns": not found["reruns_regressed"],
        f"what was planted costs {WORTH:g} IoU on average": abs(found["planted_drop"] - WORTH) <= BAND,
        f"every one of {found['planted']} planted drops is found": found["planted_regressed"] == found["planted"],
    }
    for name, held in aims.items():
        print(f"{'met' if held else 'NOT MET'}: {name}")
    if options.write:
        RESULT.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    return 0 if all(aims.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
