"""Small runs of the real thing: real registry, real store, few pictures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from foresight_harness import builtin
from foresight_harness.candidates import parse_candidate, resolve
from foresight_harness.options import DatasetChoice, RunOptions, scale
from foresight_harness.progress import silent
from foresight_harness.registry import PluginInfo, Registry, registry_from
from foresight_harness.run.bench import Bench
from foresight_harness.run.plan import PlannedCell
from foresight_harness.suites import suite


@pytest.fixture(scope="session")
def builtins() -> Registry:
    """The harness's own offers, whatever else is installed."""
    return registry_from([(PluginInfo("builtin", "foresight-harness", "0", "0"), builtin)])


@pytest.fixture
def few_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """``smoke`` with 24 training and 16 test pictures."""
    sizes = {"train": 24, "test": 16, "pictures": 2, "steps": 8, "batch": 8, "permutations": 5, "resamples": 200}
    small = replace(scale.SCALES["smoke"], **sizes)
    monkeypatch.setitem(scale.SCALES, "smoke", small)


MakeBench = Callable[..., Bench]


@pytest.fixture
def make_bench(tmp_path: Path, builtins: Registry) -> MakeBench:
    """A run over ``shapes`` that writes below ``tmp_path``; keyword arguments are options."""

    def make(registry: Registry = builtins, **options: object) -> Bench:
        chosen = RunOptions(
            **{  # type: ignore[arg-type]
                "datasets": (DatasetChoice("shapes"),),
                "out": tmp_path / "runs",
                "cache": tmp_path / "cache",
                **options,
            }
        )
        return Bench(registry, chosen, silent(), "pytest benchmarks/")

    return make


PlanCell = Callable[..., PlannedCell]


@pytest.fixture
def planned() -> PlanCell:
    """A cell by its names: registry, candidate, suite, data set."""

    def plan(registry: Registry, candidate: str, suite_name: str, dataset: str = "shapes") -> PlannedCell:
        return PlannedCell(resolve(parse_candidate(candidate), registry), suite(suite_name), DatasetChoice(dataset))

    return plan
