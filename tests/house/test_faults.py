"""The table of faults that were measured once: each has tests, and they are there."""

from __future__ import annotations

import ast
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FAULTS = tomllib.loads((ROOT / "tests" / "faults.toml").read_text(encoding="utf-8"))
ROWS = [*(f"R{number}" for number in range(1, 16)), "R10b", "T4", "T5", "T8"]


def test_every_row_stands_in_the_table() -> None:
    assert sorted(FAULTS) == sorted(ROWS)


@pytest.mark.parametrize("row", ROWS)
def test_tests_of_a_fault_are_there_and_carried_out(row: str) -> None:
    assert FAULTS[row]["fault"].endswith(".")
    assert FAULTS[row]["tests"]
    for named in FAULTS[row]["tests"]:
        path, _, name = named.partition("::")
        tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
        found = [node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == name]
        assert found, named
        assert not any("skip" in ast.unparse(mark) for mark in found[0].decorator_list), named
