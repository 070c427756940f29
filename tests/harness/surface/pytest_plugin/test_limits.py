"""Sessions that run into a limit: each ends in one clear line, and what was scored stands."""

from __future__ import annotations

import json
import resource
import signal
import time
from collections.abc import Callable
from typing import Any

import pytest
from foresight_harness.contracts.records import Record
from foresight_harness.measuring.suites import alignment
from foresight_harness.running.run_folder.digests import run_digests
from foresight_harness.running.run_folder.folder import RunFolder
from foresight_harness.surface.pytest_plugin import summary

pytestmark = pytest.mark.usefixtures("few_pictures")


def full_during(function: Callable[..., Any]) -> Callable[..., Any]:
    """No file of this process takes another byte while that function runs."""

    def limited(*given: Any) -> Any:
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, before[1]))
        try:
            return function(*given)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)

    return limited


def records(pytester: pytest.Pytester) -> list[Record]:
    return RunFolder(pytester.path / "runs" / "latest").records()


@pytest.mark.parametrize(
    ("step", "said", "code"),
    [
        ("conclude", "analysis run failed: run folder * cannot be written (File too large): free space *--resume", 1),
        ("write_report", "report: the report could not be written (OSError: * File too large*); try foresight-*", 0),
    ],
)
def test_disk_that_is_full_at_the_very_end_is_one_line(
    step: str, said: str, code: int, session, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(summary, step, full_during(getattr(summary, step)))
    ended = session()
    assert len([line for line in ended.outlines if "File too large" in line]) == 1, ended.outlines
    ended.stdout.fnmatch_lines([said])
    assert "Traceback" not in ended.stdout.str()
    assert ended.ret == code
    assert not list((pytester.path / "runs" / "latest" / "analysis").glob(".*"))


def test_disk_that_is_full_when_the_run_closes_is_one_line_and_resume_completes_it(
    session, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(summary, "finish", full_during(summary.finish))
        ended = session()
    assert len([line for line in ended.outlines if "File too large" in line]) == 1, ended.outlines
    ended.stdout.fnmatch_lines(["report: run folder * cannot be written (File too large): free space *--resume"])
    assert ended.ret == 1
    scored = run_digests(records(pytester))
    assert session("--resume").ret == 0
    assert run_digests(records(pytester)) == scored
    latest = pytester.path / "runs" / "latest"
    assert json.loads((latest / "run.json").read_text())["status"] == "complete"
    assert (latest / "report.html").stat().st_size > 10_000


def test_run_folder_that_fills_up_ends_the_session_at_the_first_cell(session, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(RunFolder, "append_records", full_during(RunFolder.append_records))
    ended = session()
    assert ended.parseoutcomes().get("failed") == 1
    ended.stdout.fnmatch_lines(["*run folder * cannot be written (File too large): free space *--resume*"])


def test_max_failures_ends_the_session_and_says_so(session, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(cell: object) -> None:
        raise ValueError("broken")

    monkeypatch.setattr(alignment, "score", broken)
    ended = session("--max-failures", "1")
    assert ended.parseoutcomes().get("failed") == 1
    ended.stdout.fnmatch_lines(["*1 cells failed (--max-failures 1)*--resume*"])


def test_cell_beyond_its_time_is_one_failed_cell_and_the_rest_is_scored(
    session, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    sound = alignment.score

    def slow(cell: Any) -> Any:
        if str(cell.candidate).startswith("oracle"):
            left, _ = signal.setitimer(signal.ITIMER_REAL, 0.01)  # its ten minutes pass at once, nobody else's do
            assert 0 < left <= 600
            time.sleep(600)
        return sound(cell)

    monkeypatch.setattr(alignment, "score", slow)
    ended = session("--cell-timeout", "600")
    assert ended.parseoutcomes() == {"failed": 1, "passed": 1}
    ended.stdout.fnmatch_lines(["*the cell took longer than --cell-timeout 600 s; allow more*"])
    assert {line.status for line in records(pytester)} == {"failed", "ok"}
