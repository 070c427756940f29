"""The table of what the research documents name: each row has tests that are there, or says why it is absent."""

from __future__ import annotations

import ast
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ROWS = tomllib.loads((ROOT / "tests" / "rows_of_the_documents.toml").read_text(encoding="utf-8"))
PRESENT = [name for name, row in ROWS.items() if "absent" not in row]


@pytest.mark.parametrize("row", PRESENT)
def test_tests_of_a_row_are_there_and_carried_out(row: str) -> None:
    assert ROWS[row]["where"]
    assert ROWS[row]["tests"]
    for named in ROWS[row]["tests"]:
        path, _, name = named.partition("::")
        tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
        found = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == name]
        assert found, named
        assert not any("skip" in ast.unparse(mark) for mark in found[0].decorator_list), named


def test_what_is_absent_says_why() -> None:
    absent = {name: row["absent"] for name, row in ROWS.items() if name not in PRESENT}
    assert len(absent) == 4
    assert all(reason.endswith(".") and len(reason) > 40 for reason in absent.values())
