"""The script that times starts of the command today and at another commit."""

from __future__ import annotations

import importlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def perf() -> Iterator[Path]:
    """The folder of the scripts, importable as when one of them is started."""
    folder = ROOT / "benchmarks" / "perf"
    sys.path.insert(0, str(folder))
    yield folder
    sys.path.remove(str(folder))


@pytest.fixture(scope="module")
def start_up(perf: Path) -> ModuleType:
    """The script as a module."""
    return importlib.import_module("start_up")


@pytest.fixture(scope="module")
def other_commit(perf: Path) -> ModuleType:
    """What both scripts that compare commits share."""
    return importlib.import_module("other_commit")


def a_tree(root: Path, command: str, *plugins: str) -> Path:
    """A checkout of few files: the core with its command, and plugins."""
    for place, name, more in (
        ("harness", "foresight-harness", f'[project.scripts]\nforesight-bench = "{command}"\n'),
        *(
            (f"plugins/{one}", f"foresight-{one}", f'[project.entry-points.foresight]\n{one} = "m_{one}"\n')
            for one in plugins
        ),
    ):
        (root / place / "src").mkdir(parents=True)
        (root / place / "pyproject.toml").write_text(f'[project]\nname = "{name}"\nversion = "1"\n{more}')
    return root


def test_each_tree_is_started_by_its_own_command_and_sees_its_own_plugins_alone(
    start_up: ModuleType, other_commit: ModuleType, tmp_path: Path
) -> None:
    (tmp_path / "tree" / "tests" / "dropin" / "src").mkdir(parents=True)
    tree = other_commit.side("before", a_tree(tmp_path / "tree", "old.place:go", "a", "b"), tmp_path / "metadata")
    assert start_up.start_of(tree) == "from old.place import go; raise SystemExit(go())"
    code = (
        "from importlib.metadata import entry_points; print(*sorted(e.value for e in entry_points(group='foresight')))"
    )
    environment = other_commit.environment(tree, tmp_path)
    seen = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert seen.stdout.split() == ["m_a", "m_b"]
    sources = environment["PYTHONPATH"].split(os.pathsep)[1:]
    assert [Path(one).relative_to(tree.root).as_posix() for one in sources] == [
        "harness/src",
        "plugins/a/src",
        "plugins/b/src",
    ]


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


def test_a_commit_that_is_not_there_is_one_line(other_commit: ModuleType, tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match=r"^no-such-commit: no such commit in .*; name one that git log shows$"):
        other_commit.unpacked("no-such-commit", tmp_path)


def test_the_record_holds_both_sides_of_one_run() -> None:
    found = json.loads((ROOT / "benchmarks" / "perf" / "start_up.json").read_text(encoding="utf-8"))
    assert found["before"]
    assert "--before" in found["command"]
    for row in found["rows"]:
        assert row["now"]["rounds_cpu_s"]
        assert row["before"]["rounds_cpu_s"]
