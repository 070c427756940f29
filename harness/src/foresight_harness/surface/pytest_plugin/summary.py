"""The end of a session: close the run, conclude from it, write the report, say where it is."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from foresight_harness.contracts.errors import ForesightError, RunFolderError
from foresight_harness.judging.analyses.catalogue import conclude
from foresight_harness.judging.comparison.against import compare_with, keep
from foresight_harness.judging.comparison.comparing import regressed as regressions
from foresight_harness.judging.comparison.outputs import sentence
from foresight_harness.judging.gates.answers import NO_ANSWERS
from foresight_harness.judging.gates.evaluate import evaluate
from foresight_harness.measuring.suites.memory import peak_bytes
from foresight_harness.running.lifecycle.status import COMPLETE, FAILED, INTERRUPTED, STOPPED
from foresight_harness.running.run_folder.run_data import RunData
from foresight_harness.surface.report_writers import write_report
from foresight_harness.surface.result import result_of, telling_first

if TYPE_CHECKING:
    from foresight_harness.contracts.specs import SuiteFacts
    from foresight_harness.judging.analyses.envelope import Analysis
    from foresight_harness.surface.pytest_plugin.state import State

EXIT_REGRESSED = 10
EXIT_IMPOSSIBLE = 11
SHOWN = 5
"""Boards that the summary writes out."""


def finish(state: State, session: pytest.Session, exitstatus: int) -> None:
    """Close the run folder, conclude from it and render it. A failed analysis and a NO-GO make the session fail."""
    state.stopping.closing = True
    _close(state, session, exitstatus)
    if state.stopping.asked and session.exitstatus in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
        session.exitstatus = pytest.ExitCode.INTERRUPTED


def _close(state: State, session: pytest.Session, exitstatus: int) -> None:
    keeper = state.keeper
    assert keeper is not None
    if state.engine is not None:
        state.engine.close()
    if state.searching is not None and not state.searching.over:  # the run itself has not begun
        with suppress(RunFolderError):
            keeper.leave(STOPPED if state.searching.out else how_it_ended(state, session, exitstatus))
        return
    try:
        keeper.close(how_it_ended(state, session, exitstatus))
    except RunFolderError as error:  # a full disk: nothing more can be written, and what is there can be resumed
        state.report_error, session.exitstatus = str(error), pytest.ExitCode.TESTS_FAILED
        return
    if keeper.settled:
        _judge_again(state)
    elif (keeper.folder.path / "records.jsonl").is_file():
        _conclude(state, session)
    refused = any(verdict == "NO-GO" for verdict, _ in state.verdicts.values())
    if (state.failed_analyses or refused) and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
    with suppress(RunFolderError):  # damaged: the analyses said so
        found = result_of(keeper.folder.path)
        state.result = () if found is None else tuple(found.lines())
    if state.baseline is not None:
        _compare(state, session)
    if keeper.settled:
        page = keeper.folder.path / "report.html"
        state.report = page if page.is_file() else None
        return
    state.report, state.report_error = write_report(keeper.folder.path)
    if state.engine is not None and state.account is not None:
        seconds = seconds_of_this_process()
        state.engine.remember_session(seconds)
        state.settled = state.account.settled(seconds, {"here": peak_bytes(), **keeper.peaks})
        keeper.describe(plan=state.settled)
    try:
        keeper.seal()
    except RunFolderError as error:  # everything that counts is written
        state.failed_analyses["seal"] = str(error)


def how_it_ended(state: State, session: pytest.Session, exitstatus: int) -> str:
    """Status of a run of which cells are left: what ended the session before them."""
    if state.broken is not None or exitstatus == pytest.ExitCode.INTERNAL_ERROR:
        return FAILED
    if state.stopping.asked is not None:
        return INTERRUPTED
    if session.shouldfail or session.shouldstop:
        return STOPPED
    return INTERRUPTED if exitstatus == pytest.ExitCode.INTERRUPTED else COMPLETE


def _conclude(state: State, session: pytest.Session) -> None:
    assert state.keeper is not None
    concluded = conclude(state.keeper.folder.path)
    state.analyses, state.failed_analyses = tuple(concluded.written), dict(concluded.failures)
    admission = concluded.written.get("admission")
    state.admission = tuple(admission.further["lines"]) if admission else ()
    state.findings = _findings(concluded.written.get("rankings"), state.keeper.registry.suites)
    searched = concluded.written.get("search")
    state.found = (searched.finding, *searched.caveats) if searched else ()
    gates = concluded.written.get("gates")
    state.verdicts = {one["name"]: (one["verdict"], one["finding"]) for one in gates.further["gates"]} if gates else {}


def _judge_again(state: State) -> None:
    """Gates over a run that was finished before: judged, not written, so that not a byte of it changes."""
    assert state.keeper is not None
    data = RunData.load(state.keeper.folder.path)
    results = [evaluate(gate, data, state.answers or NO_ANSWERS) for gate in state.gates]
    state.verdicts = {result.gate.name: (result.verdict, result.sentence) for result in results}


def _findings(rankings: Analysis | None, suites: Mapping[str, SuiteFacts]) -> tuple[str, ...]:
    """A line a board, as ``rank`` and the page say it; the boards that tell most first."""
    if rankings is None:
        return ()
    boards = telling_first(rankings.further["boards"], suites)
    lines = [" ".join(filter(None, (board["finding"], board["against_floors"]))) for board in boards]
    more = [f"and {len(lines) - SHOWN} boards more, on the page"] if len(lines) > SHOWN else []
    return (*lines[:SHOWN], *more)


def _compare(state: State, session: pytest.Session) -> None:
    """Compare with the baseline: exit 10 for a regression, 11 where ``--strict`` demands what was impossible."""
    keeper, options = state.keeper, state.options
    assert keeper is not None
    assert options is not None
    assert state.baseline is not None
    assert state.sentinels is not None
    try:
        compared = compare_with(keeper.folder.path, state.baseline, state.sentinels)
        if not keeper.settled:
            keep(keeper.folder.path, compared)
    except ForesightError as error:
        state.compared = (f"not compared: {error}",)
        impossible, regressed = True, False
    else:
        lines = [sentence(one) for one in regressions(compared.found)[:SHOWN]]
        state.compared = (
            *(compared.sentence, compared.counted, *compared.reach, *compared.blind[:SHOWN]),
            *(*lines, *state.baseline.refused),
        )
        impossible, regressed = compared.exit_impossible, compared.exit_regressed
    if session.exitstatus == pytest.ExitCode.OK:
        if regressed:
            session.exitstatus = EXIT_REGRESSED
        elif impossible and options.strict:
            session.exitstatus = EXIT_IMPOSSIBLE


def seconds_of_this_process() -> float:
    """Since it was started."""
    import psutil

    return max(0.0, time.time() - float(psutil.Process().create_time()))
