"""The verbs ``report`` and ``figure``: found by entry point, one line for what the user can mend."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from foresight_harness.contracts.errors import UsageError
from foresight_harness.contracts.records import SCHEMA
from foresight_harness.surface.command import main
from foresight_harness.surface.report_writers import is_for_the_user, reporter


def run_folder(folder: Path, schema: int = 1) -> Path:
    folder.mkdir()
    (folder / "run.json").write_text(json.dumps({"schema": schema, "run": folder.name, "status": "complete"}))
    (folder / "records.jsonl").write_text("")
    return folder


def test_a_report_and_its_tables_are_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = run_folder(tmp_path / "run")
    assert main(["report", str(run), "-o", str(tmp_path / "page.html"), "--tables", str(tmp_path / "tables")]) == 0
    assert (tmp_path / "page.html").is_file()
    assert "page.html" in capsys.readouterr().out


def test_a_newer_schema_is_one_line_and_no_traceback(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", str(run_folder(tmp_path / "run", schema=SCHEMA + 1))]) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert f"has schema {SCHEMA + 1}, this reader knows up to {SCHEMA}" in line


def test_an_unknown_figure_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["figure", str(run_folder(tmp_path / "run")), "audit"]) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert line.endswith("has no figure 'audit'. It has: none at all.")


def test_an_absent_writer_says_how_to_install_it() -> None:
    with pytest.raises(UsageError, match="pip install foresight-reports"):
        reporter("absent")


def test_only_errors_of_the_report_family_are_for_the_user() -> None:
    assert is_for_the_user(type("NewError", (type("ReportError", (Exception,), {}),), {})())
    assert not is_for_the_user(ValueError("a bug"))
