"""``foresight-bench export`` with bad input: one line, exit 2, nothing sent. ``exporters/test_trackers.py`` sends."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from foresight_harness.running.exporters import catalogue
from foresight_harness.surface.command import main


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """A run that is not finished, one without records, one of a newer schema."""
    for name, status, schema in (("going", "running", 1), ("empty", "complete", 1), ("newer", "complete", 99)):
        (tmp_path / name).mkdir()
        manifest = {"schema": schema, "run": name, "status": status}
        (tmp_path / name / "run.json").write_text(json.dumps(manifest))
        (tmp_path / name / "records.jsonl").write_text("")
    return tmp_path


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (["going", "trackio"], "going is running, not finished"),
        (["empty", "trackio"], "empty holds no record"),
        (["newer", "trackio"], "schema 99"),
        (["nowhere", "trackio"], "nowhere"),
        (["empty", "mlflw"], "exporter mlflw: unknown; choose one of mlflow, trackio, wandb"),
        (["empty", "trackio", "absent"], "exporter absent: nothing_of_that_name not installed"),
    ],
)
def test_bad_input_is_one_line_and_exit_2(
    runs: Path, asked: list[str], said: str, capsys, monkeypatch: pytest.MonkeyPatch
) -> None:
    if "absent" in asked:
        entry = catalogue.ExporterEntry("none", ("nothing_of_that_name",))
        monkeypatch.setattr(catalogue, "EXPORTERS", {**catalogue.EXPORTERS, "absent": entry})
    assert main(["export", *asked, "--out", str(runs)]) == 2
    printed = capsys.readouterr().err
    assert said in printed
    assert printed.count("\n") == 1
    assert sorted(path.name for path in runs.iterdir()) == ["empty", "going", "newer"]
