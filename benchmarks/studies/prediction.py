"""Does conditioning say what comes next? The criteria of ``docs/prediction.md`` on a finished run, and on fresh clips.

    foresight-bench run --matrix prediction
    python benchmarks/studies/prediction.py runs/latest [--write]

Criteria, written before the first figure, at 1, 2, 4 and 8 frames ahead:

1. ``oracle@scene``: IoU of objects that moved above *copy the last frame* and above *constant velocity*, paired by
   clip, the interval above 0 at every horizon.
2. ``time_shuffled:oracle@scene``: above both at no horizon.
3. ``constant@patch``: above both at no horizon.

How wide and how sharp a matte is was chosen on the 40 test clips of a smoke run, so the three controls are also scored
on 160, and judged on the 120 that nobody had looked at. Exits 1 where a criterion is missed on either; ``--write``
renews ``prediction.json`` beside this file.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from foresight_harness import open_run, score
from foresight_harness.parts.statistics.bootstrap import bootstrap_mean
from foresight_harness.planning.options import SCALES
from foresight_harness.running.run_folder.run_data import RunData

RESULT = Path(__file__).with_suffix(".json")
SUITE, DATA, HORIZONS = "prediction", "moving_shapes_17", (1, 2, 4, 8)
ORACLE, SHUFFLED, NOTHING = (
    f"{stream}/identity/single/linear" for stream in ("oracle@scene", "time_shuffled:oracle@scene", "constant@patch")
)
SEEN, ALL = 40, 160
"""Clips that the queries were made on, and clips of the fresh run, whose first ones are those."""


class Study:
    """Values of a run's clips from one of them on, by candidate and metric."""

    def __init__(self, run: Path, first: int) -> None:
        self.run, self.first = RunData.load(run), first
        records = [record for record in self.run.records if record.suite == SUITE]
        self.failed = [f"{record.candidate}: {record.error}" for record in records if record.status != "ok"]
        self.records = {(record.candidate, record.metric): record for record in records if record.status == "ok"}
        self.candidates = sorted({candidate for candidate, _ in self.records})

    def mean(self, candidate: str, metric: str) -> list[float]:
        """Mean over clips with its interval, and the clips that have a value."""
        found = self.run.values(self.records[candidate, metric])
        assert found is not None
        values = np.asarray(found.mean_over_seeds)[self.first :]
        estimate = bootstrap_mean(values, found.groups[self.first :])
        assert estimate.interval is not None
        return [estimate.mean, estimate.interval.low, estimate.interval.high, estimate.n]

    def differences(self, candidate: str) -> dict[str, dict[str, list[float]]]:
        """Above each baseline, by horizon."""
        return {
            baseline: {str(horizon): self.mean(candidate, f"over_{baseline}_{horizon}") for horizon in HORIZONS}
            for baseline in ("copy", "velocity")
        }

    def beats(self, candidate: str) -> list[bool]:
        """At each horizon: whether both intervals lie above 0."""
        found = self.differences(candidate)
        return [all(found[baseline][str(horizon)][1] > 0 for baseline in found) for horizon in HORIZONS]

    def criteria(self) -> dict[str, Any]:
        """All three."""
        beaten = {name: self.beats(name) for name in (ORACLE, SHUFFLED, NOTHING)}
        return {
            "1 oracle above both": {"met": all(beaten[ORACLE]) and not self.failed, **self.differences(ORACLE)},
            "2 time_shuffled above neither": {"met": not any(beaten[SHUFFLED]), **self.differences(SHUFFLED)},
            "3 constant above neither": {"met": not any(beaten[NOTHING]), **self.differences(NOTHING)},
        }

    def curves(self) -> dict[str, Any]:
        """IoU by horizon of every candidate, and of the baselines."""
        found: dict[str, Any] = {
            candidate: {str(horizon): self.mean(candidate, f"future_iou_{horizon}") for horizon in HORIZONS}
            for candidate in self.candidates
        }
        return found | {"baselines": dict(self.records[ORACLE, "future_iou"].details["baselines"])}


def fresh(place: Path) -> Path:
    """A run of the three controls on more clips than a smoke run has."""
    sizes = replace(SCALES["smoke"], clips_test=ALL)
    told = {"out": place / "runs", "feature_cache": place / "cache"}
    return Path(score([ORACLE, SHUFFLED, NOTHING], suite=SUITE, dataset=DATA, sizes=sizes, **told).path)


def rounded(content: Any) -> Any:
    """Four digits are enough for anything here."""
    if isinstance(content, float):
        return round(content, 4)
    if isinstance(content, dict):
        return {str(key): rounded(value) for key, value in content.items()}
    return [rounded(value) for value in content] if isinstance(content, list | tuple) else content


def main(arguments: Sequence[str] | None = None) -> int:
    """Judge, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("--write", action="store_true")
    asked = parser.parse_args(arguments)
    smoke = Study(open_run(asked.run).path, 0)
    with tempfile.TemporaryDirectory() as place:
        more = Study(fresh(Path(place)), SEEN)
        judged = {"smoke, 40 clips": smoke.criteria(), "fresh, 120 clips": more.criteria()}
        content = {"criteria": judged, "smoke": smoke.curves(), "fresh": more.curves()}
    for where, criteria in judged.items():
        for name, verdict in criteria.items():
            print("met" if verdict["met"] else "NOT MET", where, name)
    if asked.write:
        RESULT.write_text(json.dumps(rounded(content), indent=1) + "\n", encoding="utf-8")
    return 0 if all(verdict["met"] for criteria in judged.values() for verdict in criteria.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
