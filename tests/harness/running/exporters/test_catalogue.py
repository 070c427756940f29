from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from foresight_harness.contracts.errors import UsageError
from foresight_harness.planning.options import RunOptions
from foresight_harness.running.exporters import EXPORTERS, catalogue, check_exports, check_installed

ROOT = Path(__file__).resolve().parents[4]


def test_every_exporter_is_an_extra_of_the_harness() -> None:
    project = tomllib.loads((ROOT / "harness" / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert set(EXPORTERS) <= set(project["optional-dependencies"])
    needed = " ".join(project["dependencies"])
    assert not [name for name in EXPORTERS if name in needed]


def test_a_name_that_no_exporter_has_is_refused_with_those_that_are() -> None:
    with pytest.raises(UsageError, match="--export mlflw: unknown; choose one of mlflow, trackio, wandb"):
        RunOptions(exports=("mlflw",))
    check_exports(EXPORTERS)


def test_an_absent_library_is_named_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalogue, "find_spec", lambda name: None if name in ("mlflow", "alembic") else name)
    with pytest.raises(
        UsageError,
        match=r"--export mlflow: mlflow and alembic not installed; pip install 'foresight-harness\[mlflow\]'",
    ):
        check_installed(["wandb", "mlflow"])


def test_a_run_that_exports_is_read_again_from_its_options() -> None:
    from foresight_harness.planning.options.options import options_from_json

    options = RunOptions(exports=("wandb", "mlflow"))
    assert options_from_json(options.as_json()) == options
