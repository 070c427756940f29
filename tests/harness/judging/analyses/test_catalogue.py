"""Running every analysis on a run."""

from __future__ import annotations

import sys
from types import ModuleType

import pytest
from foresight_harness.judging.analyses import Analysis, Column, Kind, conclude, write_analysis
from foresight_harness.running.run_folder.run_data import RunData


@pytest.fixture
def kind(monkeypatch: pytest.MonkeyPatch):
    """A kind whose function is given here."""

    def make(name: str, analyse) -> Kind:
        module = ModuleType(f"analysis_{name}")
        module.analyse = analyse
        monkeypatch.setitem(sys.modules, module.__name__, module)
        return Kind(name, module.__name__)

    return make


def counted(name: str):
    def analyse(run: RunData) -> Analysis:
        return Analysis(name, name, f"{len(run.records)} records.", (Column("n", "n"),), ({"n": len(run.records)},))

    return analyse


def fail(run: RunData) -> Analysis:
    raise KeyError("no such\nmetric")


def test_one_failure_is_a_line_and_takes_no_other_analysis_with_it(write_run, record, kind) -> None:
    path = write_run([record()])
    found = conclude(path, (kind("broken", fail), kind("sound", counted("sound"))))
    assert found.failures == {"broken": "KeyError: 'no such\\nmetric'"}
    assert set(found.written) == {"sound"}
    assert [entry.name for entry in (path / "analysis").iterdir()] == ["sound.json"]


def test_stale_conclusion_does_not_survive_a_failure_or_a_nothing(write_run, record, kind) -> None:
    path = write_run([record()])
    for analyse in (fail, lambda run: None):
        write_analysis(path, counted("first")(RunData.load(path)))
        conclude(path, (kind("first", analyse),))
        assert list((path / "analysis").iterdir()) == []


def test_analysis_under_another_name_is_a_failure(write_run, record, kind) -> None:
    found = conclude(write_run([record()]), (kind("first", counted("second")),))
    assert "calls itself 'second'" in found.failures["first"]


def test_run_that_cannot_be_read_is_a_failure(tmp_path, kind) -> None:
    assert "cannot be read" in conclude(tmp_path, (kind("first", counted("first")),)).failures["run"]
