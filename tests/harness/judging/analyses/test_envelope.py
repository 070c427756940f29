"""The one form of conclusions."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from foresight_harness.contracts.errors import RunFolderError
from foresight_harness.contracts.records import SCHEMA
from foresight_harness.judging.analyses import Analysis, Column, Measured, envelope, read_analysis, write_analysis


def example(**changes) -> Analysis:
    fields = {
        "kind": "proxies",
        "title": "Proxies",
        "finding": "Nothing stands out.",
        "columns": (Column("proxy", "proxy"), Column("measured", "score", "ratio", "higher")),
        "rows": ({"proxy": "cka", "measured": Measured(0.5, 0.4, 0.6, 96, "bootstrap-percentile-95")},),
    }
    return Analysis(**{**fields, **changes})


def test_what_was_written_is_read_back_in_the_documented_form(tmp_path: Path) -> None:
    path = write_analysis(tmp_path, example(caveats=("few pictures",), further={"shares": [1, np.float64(0.5)]}))
    assert path == tmp_path / "analysis" / "proxies.json"
    assert read_analysis(tmp_path, "proxies") == {
        "schema": SCHEMA,
        "kind": "proxies",
        "title": "Proxies",
        "finding": "Nothing stands out.",
        "caveats": ["few pictures"],
        "inputs": {},
        "columns": [
            {"key": "proxy", "label": "proxy", "unit": "", "direction": "none"},
            {"key": "measured", "label": "score", "unit": "ratio", "direction": "higher"},
        ],
        "rows": [
            {
                "proxy": "cka",
                "measured": {"value": 0.5, "low": 0.4, "high": 0.6, "n": 96, "method": "bootstrap-percentile-95"},
            }
        ],
        "shares": [1, 0.5],
    }
    assert sorted(entry.name for entry in path.parent.iterdir()) == ["proxies.json"]


def test_undefined_is_null_and_an_absent_cell_too(tmp_path: Path) -> None:
    path = write_analysis(tmp_path, example(rows=({"measured": float("nan")},)))
    assert json.loads(path.read_text())["rows"] == [{"proxy": None, "measured": None}]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"kind": "../escape"}, "lower_snake_case"),
        ({"rows": ({"prxy": "cka"},)}, "no column 'prxy'"),
        ({"columns": (Column("a", "a"), Column("a", "b")), "rows": ()}, "one key"),
        ({"further": {"rows": []}}, "name of the common form"),
    ],
)
def test_slip_in_an_analysis_is_an_error_when_it_is_made(changes, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        example(**changes)


def test_infinite_number_is_refused_and_named(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"rows\[0\]\.measured is infinite"):
        write_analysis(tmp_path, example(rows=({"measured": float("inf")},)))
    assert not (tmp_path / "analysis").exists()


def test_an_older_schema_is_read_as_this_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_analysis(tmp_path, example())
    monkeypatch.setattr(envelope, "SCHEMA", SCHEMA + 1)
    assert read_analysis(tmp_path, "proxies")["schema"] == SCHEMA + 1


def test_newer_schema_is_refused_in_one_line(tmp_path: Path) -> None:
    path = write_analysis(tmp_path, example())
    path.write_text(path.read_text().replace(f'"schema": {SCHEMA}', f'"schema": {SCHEMA + 1}'))
    with pytest.raises(RunFolderError, match=f"schema {SCHEMA + 1}, newer than {SCHEMA}"):
        read_analysis(tmp_path, "proxies")


def test_absent_and_damaged_files_are_one_line(tmp_path: Path) -> None:
    with pytest.raises(RunFolderError, match="cannot be read"):
        read_analysis(tmp_path, "proxies")
    write_analysis(tmp_path, example()).write_text("{")
    with pytest.raises(RunFolderError, match="is not JSON"):
        read_analysis(tmp_path, "proxies")
