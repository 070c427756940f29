"""The lines below the test results: what was scored and what failed, where the run is and how it goes on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from foresight_harness.contracts.text import one_line, without_secrets
from foresight_harness.parts.datasets.left_out import in_words
from foresight_harness.running.costs.accounting import sentence as sentence_of
from foresight_harness.running.lifecycle.failures import Failure, failures_of
from foresight_harness.running.lifecycle.status import COMPLETE, without_outcome
from foresight_harness.surface.pytest_plugin.options import command_of

if TYPE_CHECKING:
    from foresight_harness.measuring.extraction.splits import DecodedSplit
    from foresight_harness.running.keeper import RunKeeper
    from foresight_harness.surface.pytest_plugin.state import State

SHOWN = 10
"""Failed cells that are written out."""


class Lines:
    """Writes to pytest's terminal, each text as one line: names and messages are of others."""

    def __init__(self, terminal: pytest.TerminalReporter) -> None:
        self._terminal = terminal

    def __call__(self, text: str, **colours: bool) -> None:
        """One line."""
        self._terminal.write_line(one_line(without_secrets(text)), **colours)

    def table(self, line: str) -> None:
        """One line of a table, whose columns stay where they are."""
        self._terminal.write_line(without_secrets(line))

    def heading(self) -> None:
        """What follows is ours."""
        self._terminal.write_sep("-", "foresight")


def summarise(state: State, terminal: pytest.TerminalReporter) -> None:
    """The lines below the test results."""
    say = Lines(terminal)
    if state.registry is not None:
        for plugin in state.registry.broken:
            say(str(plugin.error), red=True)
    left_out = () if state.selection is None else state.selection.left_out
    if left_out:
        others = f" (and {len(left_out) - 1} more)" if len(left_out) > 1 else ""
        say(f"left out of the matrix: {left_out[0]}{others}", yellow=True)
    keeper = state.keeper
    if keeper is None:
        return
    say.heading()
    for line in state.found:
        say(line)
    for line in state.result:
        say.table(line)
    _cells(keeper, say)
    for line in keeper.workshop.checks.findings:
        say(line, yellow=True)
    for line in dict.fromkeys(line for split in keeper.workshop.splits.known() for line in told(split)):
        say(line, yellow=True)
    for name, remarks in keeper.workshop.extraction.remarks().items():
        say(f"weights of {name}: {'; '.join(remarks)}", yellow=True)
    for (suite, dataset), (ok, said) in keeper.controls().items():
        if not ok:
            say(f"{suite} on {dataset}: {'; '.join(said)}", red=True)
    for line in keeper.workshop.metrics.faults.values():
        say(line, red=True)
    for name, (missing, of) in keeper.workshop.metrics.undefined.items():
        if missing:
            say(f"metric {name} has no value on {missing} of {of} samples: its n is {of - missing}")
    for line in state.admission:
        say(line[:600], red=True)
    for line in state.findings:
        if line not in state.result:
            say(line)
    for name, (verdict, found) in state.verdicts.items():
        colours = {"GO": {"green": True}, "NO-GO": {"red": True}}.get(verdict, {"yellow": True})
        say(f"gate {name}: {verdict}. {found}", **colours)
    for kind, reason in state.failed_analyses.items():
        say(f"analysis {kind} failed: {reason}", red=True)
    if state.settled:
        say(sentence_of(state.settled))
    for line in state.compared:
        say(line)
    for line in keeper.exporters.sentences():
        say(line, yellow=True)
    for line in keeper.exporters.places():
        say(line)
    _places(state, keeper, say)


def _cells(keeper: RunKeeper, say: Lines) -> None:
    counts = keeper.counts
    failed = counts["failed"] + counts["oom"]
    missing = without_outcome(counts)
    forwards = sum(keeper.workshop.extraction.forwards.values())
    say(
        f"{counts['ok']} cells scored, {failed} failed, {counts['unavailable']} unavailable"
        + (f", {missing} without an outcome" if missing else "")
        + f" of {counts['planned']}; {forwards} pictures encoded, "
        f"{sum(keeper.workshop.extraction.hits.values())} reads from the cache"
    )
    found = failures_of(keeper.folder.whole_records())
    for one in found[:SHOWN]:
        say(_failure(one), red=True)
    if len(found) > SHOWN:
        say(f"and {len(found) - SHOWN} more; the page and records.jsonl hold all", red=True)


def _failure(one: Failure) -> str:
    probe = f" by {one.probe}" if one.probe else ""
    return f"{one.status}: {one.candidate} in {one.suite}{probe} on {one.dataset}: {one.reason}"[:400]


def _places(state: State, keeper: RunKeeper, say: Lines) -> None:
    """Where run and report are, and how a run goes on that is not complete."""
    run = keeper.folder.path
    if keeper.settled:
        say("the run was finished before: nothing was left to score, and not a byte of it was changed")
    if keeper.folder.not_latest is not None:
        say(keeper.folder.not_latest, yellow=True)
    say(f"run: {shown_path(run)}")
    if state.report is not None:
        latest = run.parent / "latest" / state.report.name
        ours = latest.exists() and latest.resolve() == state.report.resolve()
        folder = " (a folder: too large for a single file)" if state.report.name == "index.html" else ""
        say(f"report: {shown_path(latest if ours else state.report)}{folder}")
    elif state.report_error:
        say(f"report: {state.report_error}", yellow=True)
    if keeper.status != COMPLETE:
        by = f" by {state.stopping.asked}" if state.stopping.asked else ""
        command = command_of(state.config)
        command += "" if "--resume" in command.split() else " --resume"
        say(f"the run is {keeper.status}{by}; what is done is kept, and this finishes it: {command}", yellow=True)


def told(split: DecodedSplit) -> list[str]:
    """What a data set left out of its source, and what else it says: at most one line."""
    counted = in_words(split.left_out)
    said = [f"left out {counted}"] if counted else []
    return [f"{split.dataset}: {'; '.join([*said, *split.remarks])}"] if said or split.remarks else []


def shown_path(path: Path) -> str:
    """Relative to the working directory where it lies below it."""
    try:
        return str(path.absolute().relative_to(Path.cwd()))
    except ValueError:
        return str(path)
