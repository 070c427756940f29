"""Reading conclusions: what is refused, what is said, and what becomes of every form of cell."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from foresight_reports.analysis.files import Measured, cell, measured, read_analyses
from foresight_reports.errors import SchemaError
from foresight_reports.reading import read_run
from foresight_reports.records import SCHEMA


def write(folder: Path, name: str, content: Any) -> Path:
    (folder / "analysis").mkdir(parents=True, exist_ok=True)
    text = content if isinstance(content, str) else json.dumps(content)
    (folder / "analysis" / f"{name}.json").write_text(text)
    return folder


def test_every_kind_of_a_generated_run_is_read(make: Callable[..., Path]) -> None:
    run = read_run(make(analyses=True))
    assert {"audit", "gates", "regressions", "proxies", "attribution", "layers", "embeddings", "similarity"} < set(
        run.analyses
    )
    assert run.notes == ()
    audit = run.analyses["audit"]
    assert audit.rows[0]["score"] == Measured(0.889, 0.875, 0.903, 256, "cluster_bootstrap_percentile")
    assert [head.key for head in audit.columns][:3] == ["probe", "audit_only", "stream"]


def test_a_run_without_conclusions_has_none_and_says_nothing(make: Callable[..., Path]) -> None:
    run = read_run(make())
    assert (run.analyses, run.notes) == ({}, ())


def test_a_newer_conclusion_is_refused_in_one_line(tmp_path: Path) -> None:
    write(tmp_path, "audit", {"schema": SCHEMA + 1, "rows": []})
    with pytest.raises(
        SchemaError, match=rf"audit\.json has schema {SCHEMA + 1}, this reader knows up to {SCHEMA}"
    ) as caught:
        read_analyses(tmp_path, [])
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('{"schema": 1, "rows": [{"a"', "analysis/x.json is cut off or no JSON"),
        ("[" * 100_000, "analysis/x.json is cut off or no JSON"),
        ([1], "analysis/x.json does not hold an object"),
        ({"rows": None}, "analysis/x.json has no rows"),
    ],
)
def test_a_damaged_conclusion_is_left_out_and_said_in_one_line(tmp_path: Path, content: Any, said: str) -> None:
    notes: list[str] = []
    assert read_analyses(write(tmp_path, "x", content), notes) == {}
    (note,) = notes
    assert note.startswith(said)
    assert "\n" not in note


def test_rows_that_are_no_objects_are_counted(tmp_path: Path) -> None:
    notes: list[str] = []
    found = read_analyses(write(tmp_path, "x", {"rows": [{"a": 1}, 3, None]}), notes)
    assert len(found["x"].rows) == 1
    assert notes == ["2 of 3 rows of analysis/x.json are no objects; they are left out."]


def test_the_kind_is_the_name_of_the_file_and_never_what_the_file_says(tmp_path: Path) -> None:
    found = read_analyses(write(tmp_path, "mine", {"kind": "gates", "rows": [{"a": 1}]}), [])
    assert set(found) == {"mine"}


def test_columns_that_rows_have_beside_the_declared_ones_are_shown(tmp_path: Path) -> None:
    content = {"columns": [{"key": "a", "label": "First"}], "rows": [{"a": 1, "b": "x"}]}
    columns = read_analyses(write(tmp_path, "x", content), [])["x"].columns
    assert [(head.key, head.label) for head in columns] == [("a", "First"), ("b", "b")]


def test_each_form_of_a_cell_keeps_its_meaning() -> None:
    assert cell(None) is None
    assert cell(True) is True
    assert cell(3) == 3.0
    assert cell(float("nan")) is None
    assert cell("text") == "text"
    assert cell(["a", 1]) == "a, 1"
    assert cell({"b": [None]}) == '{"b": [null]}'
    assert cell({"value": 1, "low": None, "high": 2}) == Measured(1.0, None, 2.0)
    assert measured(None) == Measured(None)
