"""How a session may end before its last cell: each end has its status, keeps what is done, and says how to go on."""

from __future__ import annotations

import os
import signal
from typing import Any

import pytest
from foresight_harness.contracts.errors import UsageError
from foresight_harness.measuring.suites import alignment
from foresight_harness.surface.pytest_plugin import scoring, stopping, summary

pytestmark = pytest.mark.usefixtures("few_pictures", "hearing")


def at_the_second_cell(monkeypatch: pytest.MonkeyPatch, act: Any) -> None:
    """The first candidate is scored, then this happens."""
    sound = alignment.score

    def score(cell: Any) -> Any:
        return sound(cell) if str(cell.candidate).startswith("oracle") else act()

    monkeypatch.setattr(alignment, "score", score)


@pytest.mark.parametrize(
    ("name", "again"), [("SIGINT", 0), ("SIGINT", 1), ("SIGINT", 2), ("SIGTERM", 0), ("SIGTERM", 1), ("SIGHUP", 0)]
)
def test_signal_however_often_is_an_orderly_stop_with_a_report(
    name: str, again: int, session, latest, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ring() -> None:
        os.kill(os.getpid(), getattr(signal, name))

    at_the_second_cell(monkeypatch, ring)
    concluding, keyboard = summary.conclude, "def pytest_keyboard_interrupt():\n    "
    if again:  # the second one comes while pytest takes in the first
        keyboard += f"import os, signal; os.kill(os.getpid(), signal.{name})"
        pytester.makeconftest(keyboard)
    if again > 1:  # and the third while the run is concluded from

        def conclude(path: Any) -> Any:
            ring()
            return concluding(path)

        monkeypatch.setattr(summary, "conclude", conclude)
    ended = session()
    manifest = latest()
    assert (manifest["status"], manifest["sessions"][-1]["status"]) == ("interrupted", "interrupted")
    assert (manifest["counts"]["planned"], manifest["counts"]["ok"]) == (2, 1)
    assert ended.ret == pytest.ExitCode.INTERRUPTED
    ended.stdout.fnmatch_lines(
        [f"the run is interrupted by {name}; what is done is kept, and this finishes it: pytest*"]
    )
    assert any(line.endswith("--resume") for line in ended.outlines)
    assert (pytester.path / "runs" / "latest" / "report.html").is_file()
    assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL


def test_interruption_before_the_first_record_is_no_failed_analysis(session, latest, monkeypatch) -> None:
    monkeypatch.setattr(alignment, "score", lambda cell: os.kill(os.getpid(), signal.SIGINT))
    ended = session()
    assert latest()["status"] == "interrupted"
    assert not [line for line in ended.outlines if "analysis" in line]


def test_interruption_that_a_plugin_swallows_still_stops_the_session(session, latest, monkeypatch) -> None:
    def swallow(cell: Any) -> Any:
        try:
            os.kill(os.getpid(), signal.SIGINT)
        except BaseException as error:
            raise ValueError("something else") from error

    monkeypatch.setattr(alignment, "score", swallow)
    assert session().ret == pytest.ExitCode.INTERRUPTED
    assert latest()["status"] == "interrupted"


@pytest.mark.parametrize("asked", [("-x",), ("--maxfail", "1"), ("--max-failures", "1")], ids=" ".join)
def test_run_that_a_limit_of_failures_ended_is_stopped_and_no_baseline(
    asked: tuple[str, ...], session, latest, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    from foresight_harness.surface.command import main

    def broken(cell: Any) -> None:
        raise ValueError("broken")

    monkeypatch.setattr(alignment, "score", broken)
    ended = session(*asked)
    manifest = latest()
    assert manifest["status"] == "stopped"
    assert (manifest["counts"]["planned"], manifest["counts"]["failed"]) == (2, 1)
    assert ended.ret == pytest.ExitCode.TESTS_FAILED
    ended.stdout.fnmatch_lines(
        [
            "0 cells scored, 1 failed, 0 unavailable, 1 without an outcome of 2; *",
            "failed: oracle@mask/* in alignment on shapes: *broken",
        ]
    )
    assert main(["baseline", "promote", manifest["run"], "--reason", "x", "--out", str(pytester.path / "runs")]) == 2
    said = capsys.readouterr().err
    assert "is stopped; only a complete run can be a baseline" in said
    assert said.count("\n") == 1
    refused = session("--baseline", manifest["run"])
    assert refused.ret == pytest.ExitCode.USAGE_ERROR
    refused.stderr.fnmatch_lines(["*is stopped; only a complete run can be a baseline*"])


def test_run_whose_cells_all_ended_is_complete_though_one_failed(session, latest, monkeypatch) -> None:
    def broken() -> None:
        raise ValueError("broken")

    at_the_second_cell(monkeypatch, broken)
    assert session().ret == 1
    manifest = latest()
    assert manifest["status"] == "complete"
    assert (manifest["counts"]["planned"], manifest["counts"]["ok"], manifest["counts"]["failed"]) == (2, 1, 1)


def test_run_with_a_cell_that_was_never_scored_is_failed(session, latest, pytester: pytest.Pytester) -> None:
    pytester.makeconftest(
        "import pytest\ndef pytest_runtest_setup(item):\n    if 'constant' in item.name:\n        pytest.skip('no')"
    )
    assert session().ret == 0
    assert (latest()["status"], latest()["counts"]["ok"]) == ("failed", 1)


def test_what_another_plugin_deselects_was_never_planned(session, latest, pytester: pytest.Pytester) -> None:
    pytester.makeconftest(
        "import pytest\n@pytest.hookimpl(wrapper=True, tryfirst=True)\ndef pytest_collection_modifyitems(items):\n"
        "    yield\n    items[:] = [item for item in items if 'constant' not in item.name]"
    )
    assert session().ret == 0
    assert (latest()["status"], latest()["counts"]["planned"]) == ("complete", 1)


def test_process_that_ignores_the_interrupt_goes_on_ignoring_it_and_says_how_to_stop_it() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    said: list[str] = []
    found = stopping.Stopping()
    found.install(said.append)
    try:
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
        assert f"kill -TERM {os.getpid()}" in said[0]
        with pytest.raises(KeyboardInterrupt, match="SIGTERM"):
            os.kill(os.getpid(), signal.SIGTERM)
    finally:
        found.restore()


def test_a_cluster_that_lets_nobody_in_ends_the_session_in_one_line_without_its_causes(
    session, latest, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = "--engine ray: nobody is let in. Go on with --resume"

    def refuse(*_: object) -> None:
        try:
            raise TimeoutError("no answer within 18 s")
        except TimeoutError as error:
            raise UsageError(line) from error

    monkeypatch.setattr(scoring, "engine_for", refuse)
    monkeypatch.setenv("CI", "true")  # where pytest repeats the line whole, as the reason of the test that it failed
    ended = session("--engine", "ray:2")
    assert ended.ret == pytest.ExitCode.INTERRUPTED
    said = [said for said in ended.outlines if "nobody is let in" in said and not said.startswith(("!", "FAILED "))]
    assert said == [line]
    assert latest()["status"] == "failed"
