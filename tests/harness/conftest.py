"""Small runs of the real thing: real registry, real store, few pictures; and run folders written line by line."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from foresight_harness.contracts.progress import silent
from foresight_harness.contracts.specs import EnhancerSpec, GridShape
from foresight_harness.judging.analyses import conclude
from foresight_harness.measuring.workshop.cell import Cell
from foresight_harness.planning import named_files
from foresight_harness.planning.candidates import parse_candidate, resolve
from foresight_harness.planning.options import DatasetChoice, RunOptions, scale
from foresight_harness.planning.plan import PlannedCell
from foresight_harness.planning.registry import Registry, own_registry
from foresight_harness.running.keeper import RunKeeper
from foresight_harness.running.run_folder.samples import write_samples
from torch import Tensor, nn


@pytest.fixture(scope="session")
def builtins() -> Registry:
    """The harness's own offers, whatever else is installed."""
    return own_registry()


@pytest.fixture(autouse=True)
def no_installed_benchmarks(monkeypatch: pytest.MonkeyPatch) -> None:
    """These tests bring their matrices and gates, or have none, whether or not foresight-benchmarks is installed."""
    monkeypatch.setattr(named_files, "GROUP", "foresight_benchmarks_of_nobody")


FEW: dict[str, Any] = {
    **{"train": 24, "test": 16, "pictures": 2, "steps": 8, "batch": 8},
    **{"permutations": 5, "resamples": 200},
}


@pytest.fixture
def few_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """``smoke`` with 24 training and 16 test pictures."""
    small = replace(scale.SCALES["smoke"], **FEW)
    monkeypatch.setitem(scale.SCALES, "smoke", small)


MakeBench = Callable[..., RunKeeper]


@pytest.fixture
def make_keeper(tmp_path: Path, builtins: Registry) -> MakeBench:
    """A run over ``shapes`` that writes below ``tmp_path``; keyword arguments are options."""

    def make(registry: Registry = builtins, **options: object) -> RunKeeper:
        chosen = RunOptions(
            **{  # type: ignore[arg-type]
                "datasets": (DatasetChoice("shapes"),),
                "out": tmp_path / "runs",
                "cache": tmp_path / "cache",
                **options,
            }
        )
        return RunKeeper(registry, chosen, silent(), "pytest benchmarks/")

    return make


PlanCell = Callable[..., PlannedCell]


@pytest.fixture
def planned() -> PlanCell:
    """A cell by its names: registry, candidate, suite, data set."""

    def plan(registry: Registry, candidate: str, suite_name: str, dataset: str = "shapes") -> PlannedCell:
        return PlannedCell(
            resolve(parse_candidate(candidate), registry), registry.suite(suite_name), DatasetChoice(dataset)
        )

    return plan


WriteRun = Callable[..., Path]


@pytest.fixture(scope="session")
def scored_once(tmp_path_factory: pytest.TempPathFactory, builtins: Registry) -> Path:
    """``pixels`` in suite ``spatial`` with its controls, for real: 24 training and 16 test pictures."""
    place = tmp_path_factory.mktemp("scored")
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(scale.SCALES, "smoke", replace(scale.SCALES["smoke"], **FEW))
        options = RunOptions(datasets=(DatasetChoice("shapes"),), out=place / "runs", cache=place / "cache")
        keeper = RunKeeper(builtins, options, silent(), "pytest benchmarks/")
        candidate = resolve(parse_candidate("pixels@patch/identity/single/linear"), builtins)
        keeper.plan([PlannedCell(candidate, builtins.suite("spatial"), DatasetChoice("shapes"))])
        keeper.run_cell(keeper.planned[0])
        keeper.close("complete")
    assert conclude(keeper.folder.path).failures == {}
    return keeper.folder.path


@pytest.fixture
def scored_run(scored_once: Path, tmp_path: Path) -> Path:
    """A copy of that run, to be tampered with."""
    return Path(shutil.copytree(scored_once, tmp_path / "copied" / scored_once.name))


@pytest.fixture
def write_run(tmp_path: Path) -> WriteRun:
    """Write a run folder: records as given, samples ``{cell: {metric: {seed: values}}}``."""

    def write(
        records: Sequence[Mapping[str, Any]],
        samples: Mapping[str, Mapping[str, Mapping[int, Sequence[float]]]] | None = None,
        **manifest: Any,
    ) -> Path:
        name = str(manifest.get("run", "written"))
        path = tmp_path / name
        (path / "samples").mkdir(parents=True, exist_ok=True)
        (path / "run.json").write_text(json.dumps({"schema": 1, "run": "written", "protocols": {}, **manifest}))
        lines = [json.dumps({"schema": 1, "run": name, **record}) + "\n" for record in records]
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
            write_samples(path / "samples" / f"{cell}.parquet", rows, {"run": name, "cell": cell})
        return path

    return write


@pytest.fixture
def record() -> Callable[..., dict[str, Any]]:
    """A line of ``records.jsonl`` as schema 1 wrote it; keyword arguments change fields."""

    def make(**changes: Any) -> dict[str, Any]:
        candidate = changes.get("candidate", "dinov2_tiny@last/identity/single/linear")
        streams, enhancer, fusion, decoder = candidate.split("/")
        encoders = [stream.partition("@")[0] for stream in streams.split("+")]
        fields = {
            "schema": 1,
            "cell": "c0",
            "candidate": candidate,
            "axes": {"encoders": encoders, "enhancer": enhancer, "fusion": fusion, "decoder": decoder},
            "role": "candidate",
            "params": None,
            "suite": "spatial",
            "dataset": "shapes",
            "split": "test",
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


class Residual(nn.Module):
    """A per-token correction, and what is planted in it."""

    def __init__(self, width: int, planted: str) -> None:
        super().__init__()
        self.planted = planted
        self.correct = nn.Linear(width, width)

    def forward(self, grid: Tensor) -> Tensor:
        """[B, T, H, W, C] -> the same shape."""
        corrected: Tensor = grid + self.correct(grid)
        if self.planted == "nan":
            return corrected * torch.nan
        if self.planted == "branch" and bool(corrected.sum() > 1e9):
            return grid
        return corrected


def _spec(name: str, planted: str) -> EnhancerSpec:
    def build(shape: GridShape) -> nn.Module:
        if planted == "build":
            raise ValueError("this width cannot be built")
        return Residual(shape.width, planted)

    return EnhancerSpec(name, build=build, output_shape=lambda shape: shape, trainable=True)  # type: ignore[arg-type]


@pytest.fixture
def learning(builtins: Registry) -> Registry:
    """The harness's own offers, an enhancer with parameters, and broken ones."""
    planted = {"residual": "", "residual_nan": "nan", "residual_branch": "branch", "residual_build": "build"}
    found = {name: _spec(name, kind) for name, kind in planted.items()}
    return replace(builtins, enhancers={**builtins.enhancers, **found})


MakeCell = Callable[..., Cell]


@pytest.fixture
def make_cell(planned) -> MakeCell:  # type: ignore[no-untyped-def]
    """A cell of a run, as a suite is given it."""

    def make(keeper: RunKeeper, candidate: str, suite_name: str = "reconstruction") -> Cell:
        found = planned(keeper.registry, candidate, suite_name)
        return Cell(keeper.workshop, found.candidate, found.suite, DatasetChoice("shapes"))

    return make
