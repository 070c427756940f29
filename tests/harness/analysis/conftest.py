"""Run folders: one from a real run of few pictures, and small ones written line by line."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from foresight_harness.run.samples import write_samples

WriteRun = Callable[..., Path]


@pytest.fixture
def scored_run(few_pictures, make_bench, builtins, planned) -> Path:
    """``pixels`` in suite ``spatial`` with its controls, for real."""
    bench = make_bench()
    bench.plan([planned(builtins, "pixels@patch/identity/single/linear", "spatial")])
    bench.run_cell(bench.planned[0])
    bench.close("complete")
    return bench.folder.path


@pytest.fixture
def write_run(tmp_path: Path) -> WriteRun:
    """Write a run folder: records as given, samples ``{cell: {metric: {seed: values}}}``."""

    def write(
        records: Sequence[Mapping[str, Any]],
        samples: Mapping[str, Mapping[str, Mapping[int, Sequence[float]]]] | None = None,
        **manifest: Any,
    ) -> Path:
        path = tmp_path / "written"
        (path / "samples").mkdir(parents=True, exist_ok=True)
        (path / "run.json").write_text(json.dumps({"schema": 1, "run": "written", "protocols": {}, **manifest}))
        lines = [json.dumps({"schema": 1, "run": "written", **record}) + "\n" for record in records]
        (path / "records.jsonl").write_text("".join(lines))
        for cell, metrics in (samples or {}).items():
            rows = [
                {
                    "metric": metric,
                    "dataset": "shapes",
                    "split": "test",
                    "probe": None,
                    "seed": seed,
                    "sample": f"s{index}",
                    "group": f"s{index}",
                    "value": value,
                    "stat": None,
                }
                for metric, seeds in metrics.items()
                for seed, values in seeds.items()
                for index, value in enumerate(values)
            ]
            write_samples(path / "samples" / f"{cell}.parquet", rows, {"run": "written", "cell": cell})
        return path

    return write


@pytest.fixture
def record() -> Callable[..., dict[str, Any]]:
    """A record as a run writes it; keyword arguments change fields."""

    def make(**changes: Any) -> dict[str, Any]:
        fields = {
            "cell": "c0",
            "candidate": "dinov2_tiny@last/identity/single/linear",
            "role": "candidate",
            "suite": "spatial",
            "dataset": "shapes",
            "metric": "iou",
            "probe": None,
            "value": 0.5,
            "unit": "ratio",
            "direction": "higher",
            "range": [0.0, 1.0],
            "n": 4,
            "ci_low": 0.4,
            "ci_high": 0.6,
            "ci_method": "bootstrap-percentile-95",
            "seeds": [0],
            "per_sample": "values",
            "protocol": "p0",
            "provenance": [],
            "gateable": True,
            "controls_ok": True,
            "status": "ok",
            "of_cell": 1,
            "details": {},
        }
        return {**fields, **changes}

    return make
