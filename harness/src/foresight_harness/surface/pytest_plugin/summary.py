"""The end of a session: close the run, conclude from it, write the report, say where it is."""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from foresight_harness.contracts.errors import ForesightError, RunFolderError
from foresight_harness.judging.analyses.catalogue import conclude
from foresight_harness.judging.comparison.against import compare_with
from foresight_harness.judging.comparison.comparing import regressed as regressions
from foresight_harness.judging.comparison.outputs import sentence
from foresight_harness.measuring.suites.memory import peak_bytes
from foresight_harness.parts.datasets.left_out import in_words
from foresight_harness.running.costs.accounting import sentence as sentence_of
from foresight_harness.surface.report_writers import write_report

if TYPE_CHECKING:
    from foresight_harness.measuring.extraction.splits import DecodedSplit
    from foresight_harness.surface.pytest_plugin.state import State

EXIT_REGRESSED = 10
EXIT_IMPOSSIBLE = 11
SHOWN = 5
"""Regressions that the summary writes out."""


def finish(state: State, session: pytest.Session, exitstatus: int) -> None:
    """Close the run folder, conclude from it and render it. A failed analysis and a NO-GO make the session fail."""
    keeper = state.keeper
    assert keeper is not None
    if state.engine is not None:
        state.engine.close()
    interrupted = exitstatus in (pytest.ExitCode.INTERRUPTED, pytest.ExitCode.INTERNAL_ERROR)
    status = "interrupted" if interrupted else "complete"
    try:
        keeper.close(status)
    except RunFolderError as error:  # a full disk: nothing more can be written, and what is there can be resumed
        state.report_error, session.exitstatus = str(error), pytest.ExitCode.TESTS_FAILED
        return
    concluded = conclude(keeper.folder.path)
    state.analyses, state.failed_analyses = tuple(concluded.written), dict(concluded.failures)
    admission = concluded.written.get("admission")
    state.admission = tuple(admission.further["lines"]) if admission else ()
    gates = concluded.written.get("gates")
    state.verdicts = {one["name"]: (one["verdict"], one["finding"]) for one in gates.further["gates"]} if gates else {}
    refused = any(verdict == "NO-GO" for verdict, _ in state.verdicts.values())
    if (concluded.failures or refused) and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
    if state.baseline is not None:
        _compare(state, session)
    state.report, state.report_error = write_report(keeper.folder.path)
    if state.engine is not None and state.account is not None:
        seconds = seconds_of_this_process()
        state.engine.remember_session(seconds)
        state.settled = state.account.settled(seconds, {"here": peak_bytes(), **keeper.peaks})
        keeper.describe(plan=state.settled)
        with suppress(RunFolderError):  # everything that counts is written
            keeper.write_manifest(status)


def _compare(state: State, session: pytest.Session) -> None:
    """Compare with the baseline: exit 10 for a regression, 11 where ``--strict`` demands what was impossible."""
    keeper, options = state.keeper, state.options
    assert keeper is not None
    assert options is not None
    assert state.baseline is not None
    assert state.sentinels is not None
    try:
        compared = compare_with(keeper.folder.path, state.baseline, state.sentinels)
    except ForesightError as error:
        state.compared = (f"not compared: {error}",)
        impossible, regressed = True, False
    else:
        lines = [sentence(one) for one in regressions(compared.found)[:SHOWN]]
        state.compared = (compared.sentence, *compared.reach, *compared.blind[:SHOWN], *lines, *state.baseline.refused)
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


def summarise(state: State, terminal: pytest.TerminalReporter) -> None:
    """The lines below the test results."""
    if state.registry is not None:
        for plugin in state.registry.broken:
            terminal.write_line(str(plugin.error), red=True)
    left_out = () if state.selection is None else state.selection.left_out
    if left_out:
        others = f" (and {len(left_out) - 1} more)" if len(left_out) > 1 else ""
        terminal.write_line(f"left out of the matrix: {left_out[0]}{others}", yellow=True)
    keeper = state.keeper
    if keeper is None:
        return
    counts = keeper.counts
    failed = counts["failed"] + counts["oom"]
    terminal.write_sep("-", "foresight")
    forwards = sum(keeper.workshop.extraction.forwards.values())
    terminal.write_line(
        f"{counts['ok']} cells scored, {failed} failed, {counts['unavailable']} unavailable; "
        f"{forwards} pictures encoded, {sum(keeper.workshop.extraction.hits.values())} reads from the cache"
    )
    for line in dict.fromkeys(line for split in keeper.workshop.splits.known() for line in told(split)):
        terminal.write_line(line, yellow=True)
    for (suite, dataset), (ok, said) in keeper.controls().items():
        if not ok:
            terminal.write_line(f"{suite} on {dataset}: {'; '.join(said)}", red=True)
    for line in keeper.workshop.metrics.faults.values():
        terminal.write_line(line, red=True)
    for name, (missing, of) in keeper.workshop.metrics.undefined.items():
        if missing:
            terminal.write_line(f"metric {name} has no value on {missing} of {of} samples: its n is {of - missing}")
    for line in state.admission:
        terminal.write_line(line[:600], red=True)
    for name, (verdict, found) in state.verdicts.items():
        colours = {"GO": {"green": True}, "NO-GO": {"red": True}}.get(verdict, {"yellow": True})
        terminal.write_line(f"gate {name}: {verdict}. {found}", **colours)
    for kind, reason in state.failed_analyses.items():
        terminal.write_line(f"analysis {kind} failed: {reason}", red=True)
    if state.settled:
        terminal.write_line(sentence_of(state.settled))
    for line in state.compared:
        terminal.write_line(line)
    for line in keeper.exporters.sentences():
        terminal.write_line(line, yellow=True)
    for line in keeper.exporters.places():
        terminal.write_line(line)
    terminal.write_line(f"run: {_shown(keeper.folder.path)}")
    if state.report is not None:
        latest = keeper.folder.path.parent / "latest" / state.report.name
        folder = " (a folder: too large for a single file)" if state.report.name == "index.html" else ""
        terminal.write_line(f"report: {_shown(latest if latest.exists() else state.report)}{folder}")
    elif state.report_error:
        terminal.write_line(f"report: {state.report_error}", yellow=True)


def told(split: DecodedSplit) -> list[str]:
    """What a data set left out of its source, and what else it says: at most one line."""
    counted = in_words(split.left_out)
    said = [f"left out {counted}"] if counted else []
    return [f"{split.dataset}: {'; '.join([*said, *split.remarks])}"] if said or split.remarks else []


def _shown(path: Path) -> str:
    """Relative to the working directory where it lies below it."""
    try:
        return str(path.absolute().relative_to(Path.cwd()))
    except ValueError:
        return str(path)
