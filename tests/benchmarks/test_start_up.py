"""The script that times starts of the command today and at another commit."""

from __future__ import annotations

import importlib.util
import json
import os
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def start_up() -> ModuleType:
    """The script as a module."""
    spec = importlib.util.spec_from_file_location("start_up", ROOT / "benchmarks" / "perf" / "start_up.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_each_side_is_started_from_its_own_sources(start_up: ModuleType, tmp_path: Path) -> None:
    for place in ("harness/src", "plugins/b/src", "plugins/a/src", "kits/k/src", "plugins/none"):
        (tmp_path / place).mkdir(parents=True)
    found = [Path(one).relative_to(tmp_path).as_posix() for one in start_up.sources_of(tmp_path).split(os.pathsep)]
    assert found == ["harness/src", "kits/k/src", "plugins/a/src", "plugins/b/src"]


def test_verbs_are_started_in_turns_and_the_first_round_is_not_counted(
    start_up: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    starts: list[tuple[str, str]] = []

    def start_s(words: list[str], folder: Path, sources: str) -> tuple[float, int]:
        starts.append((words[0], sources))
        return (9.0 if len(starts) <= 2 * len(start_up.VERBS) else 1.0), 0

    monkeypatch.setattr(start_up, "start_s", start_s)
    rows = start_up.measured(2, {"now": "n", "before": "b"}, tmp_path)
    assert starts[:2] == [("--help", "n"), ("--help", "b")]
    assert len(starts) == 3 * 2 * len(start_up.VERBS)
    assert {row[side]["cpu_s"] for row in rows for side in ("now", "before")} == {1.0}


def test_a_commit_that_is_not_there_is_one_line(start_up: ModuleType, tmp_path: Path) -> None:
    with pytest.raises(
        SystemExit, match=r"^--before no-such-commit: no such commit in .*; name one that git log shows$"
    ):
        start_up.clone_of("no-such-commit", tmp_path)


def test_the_record_holds_both_sides_of_one_run() -> None:
    found = json.loads((ROOT / "benchmarks" / "perf" / "start_up.json").read_text(encoding="utf-8"))
    assert found["before"]
    assert "--before" in found["command"]
    for row in found["rows"]:
        assert row["now"]["rounds_cpu_s"]
        assert row["before"]["rounds_cpu_s"]
