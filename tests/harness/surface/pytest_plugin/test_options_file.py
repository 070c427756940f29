"""``foresight.toml`` in a session, and what a session says while it works."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from foresight_harness.surface.pytest_plugin import ticking

ROOT = Path(__file__).resolve().parents[4]
pytestmark = pytest.mark.usefixtures("few_pictures")
FILE = 'candidate = "pixels@patch/identity/single/linear"\ndataset = ["shapes"]\nout = "kept"\ntrain-size = 20\n'


@pytest.fixture
def session(pytester: pytest.Pytester):
    """Runs pytest on a copy of one suite, in this process; arguments are its options."""
    (pytester.path / "benchmarks").mkdir()
    for name in ("test_spatial.py", "test_efficiency.py"):
        shutil.copy(ROOT / "benchmarks" / name, pytester.path / "benchmarks")
    (pytester.path / "foresight.toml").write_text(FILE)

    def run(*arguments: str) -> pytest.RunResult:
        return pytester.runpytest_inprocess(
            "benchmarks", "--import-mode=importlib", "-p", "no:cacheprovider", *arguments
        )

    return run


def manifest(pytester: pytest.Pytester, out: str = "kept") -> dict:
    return dict(json.loads((pytester.path / out / "latest" / "run.json").read_text()))


def test_the_file_decides_where_the_command_is_silent_and_the_result_is_printed(
    session, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ticking, "EVERY_S", 0.0)
    result = session("-q", "-k", "spatial", "--train-size", "24")
    assert result.ret == 0
    options = manifest(pytester)["options"]
    assert options["datasets"] == ["shapes"]
    assert options["train_size"] == 24
    assert options["candidates"] == ["pixels@patch/identity/single/linear"]
    result.stdout.fnmatch_lines(
        ["*of 1 cells, 0 failed*about * left; *", "--* foresight *--", "iou * of spatial on shapes"]
    )
    result.stdout.fnmatch_lines(["*pixels@patch/identity/single/linear*[[]*floor", "4 cells scored, 0 failed*"])
    assert "PytestUnknownMarkWarning" not in result.stdout.str()


def test_an_unknown_option_of_the_file_ends_the_session_with_one_line(session, pytester: pytest.Pytester) -> None:
    (pytester.path / "other.toml").write_text('datset = "shapes"')
    result = session("--config", "other.toml")
    assert result.ret == 4
    assert "other.toml: unknown option 'datset'; did you mean dataset" in result.stderr.str()
    assert len([line for line in result.stderr.str().splitlines() if "ERROR" in line]) == 1


@pytest.mark.parametrize("verbose", [False, True])
def test_the_table_of_timings_is_shown_only_where_it_is_asked_for(
    session, verbose: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PYTEST_XDIST_WORKER", raising=False)  # of these tests; a session of pytest-xdist times nothing
    result = session("-k", "efficiency", *(["--benchmark-verbose"] if verbose else []))
    assert result.ret == 0
    assert ("OPS: Operations Per Second" in result.stdout.str()) is verbose
