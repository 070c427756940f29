"""A search as people type it: two streams by two enhancers, few pictures."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from foresight_harness.judging.analyses.verifying import verify
from foresight_harness.planning.options import scale
from foresight_harness.running.search.driver import Driver

ROOT = Path(__file__).resolve().parents[2]
MATRIX = """
suites = ["spatial"]
datasets = ["shapes"]
[[search.rung]]
kind = "{kind}"
steps = 4
keep = 2
[[group]]
streams = ["dinov2_tiny@last", "dinov2_tiny@block.00"]
enhancers = ["identity", "sem_coord"]
"""
Session = Callable[..., pytest.RunResult]


@pytest.fixture(scope="module", autouse=True)
def imported() -> None:
    """What a session in this process imports first is forgotten with it, and cannot be imported twice."""
    import_module("transformers").Dinov2Model  # noqa: B018


@pytest.fixture
def session(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Session:
    """A session over the matrix, in this process: 32 training and 16 test pictures."""
    few = replace(scale.SCALES["smoke"], train=32, test=16, steps=8, batch=8, seeds=2, resamples=200)
    monkeypatch.setitem(scale.SCALES, "smoke", few)
    (pytester.path / "benchmarks").mkdir()
    shutil.copy(ROOT / "benchmarks" / "test_spatial.py", pytester.path / "benchmarks")
    pytester.makeini("[pytest]\naddopts = --import-mode=importlib")
    (pytester.path / "m.toml").write_text(MATRIX.format(kind="steps"))

    def run(*arguments: str) -> pytest.RunResult:
        quick = ("-p", "no:cacheprovider", "-q", "--no-spot-check", "--admission", "off")
        return pytester.runpytest_inprocess(
            "benchmarks", "--matrix", "m.toml", *quick, *arguments, no_reraise_ctrlc=True
        )

    return run


def found(pytester: pytest.Pytester) -> dict[str, Any]:
    return json.loads((pytester.path / "runs/latest/analysis/search.json").read_text())


def test_a_search_scores_the_best_in_full_and_says_why_of_every_other(
    pytester: pytest.Pytester, session: Session
) -> None:
    done = session("--search")
    assert done.ret == 0
    done.stdout.fnmatch_lines(["Of 4 candidates, *", "Guaranteed is only*", "*2 passed, 2 deselected*"])
    analysis = found(pytester)
    outcomes = [row["outcome"] for row in analysis["rows"]]
    assert len(outcomes) == 4
    assert outcomes.count("left out") == 2
    left = [row for row in analysis["rows"] if row["outcome"] == "left out"]
    assert all(row["reason"].startswith("it is number ") and row["rule"] == "the best 2 candidates" for row in left)
    assert all(row["score"]["low"] <= row["score"]["value"] <= row["score"]["high"] for row in left)
    assert set(analysis["never_fitted_in_full"]) == {row["candidate"] for row in left}
    run = (pytester.path / "runs" / "latest").resolve()
    scored = {cell["candidate"] for cell in json.loads((run / "run.json").read_text())["cells"]}
    assert not scored & set(analysis["never_fitted_in_full"])
    assert verify(run).problems == []
    page = (run / "report.html").read_text()
    assert "What the search found" in page

    rungs = run / "search" / "rungs.json"
    rungs.write_text(rungs.read_text().replace('"keep": 2', '"keep": 3'))
    problems = verify(run).problems
    assert any("search/rungs.json was changed" in line for line in problems)
    assert any("analysis/search.json differs" in line for line in problems)


def test_a_search_that_was_stopped_goes_on_and_a_full_run_reads_its_fits(
    pytester: pytest.Pytester, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = Driver._cells

    def stop(driver: Driver, step: Any) -> Any:
        raise KeyboardInterrupt

    monkeypatch.setattr(Driver, "_cells", stop)
    assert session("--search").ret == 2
    run = pytester.path / "runs" / "latest"
    assert json.loads((run / "run.json").read_text())["status"] == "interrupted"
    monkeypatch.setattr(Driver, "_cells", own)
    other = session("--resume")
    assert other.ret == 4
    other.stderr.fnmatch_lines(["*is a search; add --search to go on with it*"])
    kept = run.resolve()
    assert session("--search", "--resume").ret == 0
    assert (pytester.path / "runs" / "latest").resolve() == kept
    assert json.loads((run / "run.json").read_text())["status"] == "complete"
    assert verify(run.resolve()).problems == []
    before = len(list(pytester.path.glob(".foresight/cache/??/*")))
    assert session().ret == 0
    fits = [
        json.loads(path.read_text())["choices"]["kind"]
        for path in pytester.path.glob(".foresight/cache/??/*/index.json")
    ]
    assert fits.count("fit") >= 2
    assert len(list(pytester.path.glob(".foresight/cache/??/*"))) >= before
    again = session("--search", "--resume")
    assert again.ret == 4
    again.stderr.fnmatch_lines(["*is no search; leave --search out to go on with it*"])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ("--search", "--budget", "1s"),
            "*--budget 1s pays for about 1 s, and the shortest search with these rungs needs*",
        ),
        (("--search", "--budget", "soon"), "*--budget 'soon': write minutes (30min)*"),
        (("--budget", "10%"), "*--budget 10% says what a search may cost: add --search*"),
        (("--search", "--candidate", "dinov2_tiny@last/identity/*"), "*1 candidate to search among*"),
        (("--search", "--candidate", "*/identity/*"), "*none of 2 candidates is trained in spatial*"),
        (("--search", "--train-size", "16"), "*16 are too few, use at least 22 (--train-size)*"),
    ],
)
def test_a_slip_is_one_line_before_any_work(
    pytester: pytest.Pytester, session: Session, arguments: tuple[str, ...], said: str
) -> None:
    done = session(*arguments)
    assert done.ret == 4
    done.stderr.fnmatch_lines([said])
    assert not (pytester.path / "runs" / "latest").exists()


def test_an_unknown_rung_of_a_matrix_is_one_line(pytester: pytest.Pytester, session: Session) -> None:
    (pytester.path / "m.toml").write_text(MATRIX.format(kind="halving"))
    done = session("--search")
    assert done.ret == 4
    done.stderr.fnmatch_lines(
        ["*m.toml, search rung 1: unknown kind 'halving'; there are closed_form, steps, seeds, race*"]
    )
