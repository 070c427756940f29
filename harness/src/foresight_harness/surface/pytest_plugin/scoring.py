"""What the ``foresight_cell`` fixture does: score one candidate in one suite on every data set that fits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any

import pytest

from foresight_harness.contracts.errors import EngineGone, ForesightError, RunFolderError, UsageError
from foresight_harness.contracts.identity import cell_id
from foresight_harness.contracts.outcomes import Outcome
from foresight_harness.contracts.progress import Progress
from foresight_harness.contracts.text import one_line, without_secrets
from foresight_harness.judging.gates.gate_files import keep_answers, keep_gates
from foresight_harness.measuring.suites.efficiency import WARMUP
from foresight_harness.measuring.workshop.cell import Timer
from foresight_harness.running.costs.accounting import Account
from foresight_harness.running.engines.engines import Engine, engine_for
from foresight_harness.running.engines.units import cell_key
from foresight_harness.running.keeper import RunKeeper
from foresight_harness.running.lifecycle.status import RUNNING
from foresight_harness.surface.pytest_plugin.live import column_of, live_for
from foresight_harness.surface.pytest_plugin.options import command_of
from foresight_harness.surface.pytest_plugin.state import State
from foresight_harness.surface.pytest_plugin.ticking import Ticker

if TYPE_CHECKING:
    from foresight_harness.planning.plan import PlannedCell


class Scorer:
    """Handed to a benchmark test as ``foresight_cell``."""

    def __init__(self, request: pytest.FixtureRequest, state: State) -> None:
        self._request, self._state = request, state
        self.cells: list[PlannedCell] = state.planned.get(request.node.nodeid, [])

    def score(self, benchmark: Any = None) -> list[Outcome]:
        """Score the candidate on every data set that the suite can use; each has its own records.

        Args:
            benchmark: pytest-benchmark's fixture, for suites that time.

        Raises:
            Exception: of the first data set that failed, after all were tried. What is the user's to mend fails the
                test in one line; its traceback stands in the record. A bug keeps its traceback.
        """
        if not self.cells:
            pytest.skip("no data set of this run has what the suite needs (see --dataset)")
        try:
            engine = started(self._state, self._request.session)
        except (UsageError, EngineGone) as error:  # without an engine no other cell can be scored either
            self._count_failures([EngineGone(str(error))])
            raise pytest.fail.Exception(one_line(error), pytrace=False) from None  # one line, and not its causes too
        outcomes: list[Outcome] = []
        failures: list[Exception] = []
        for planned in self.cells:
            self._state.stopping.check()
            try:
                with _shown(self._state, planned):
                    outcome = engine.score(planned, timer_of(benchmark))
            except Exception as error:
                self._state.stopping.check()  # plugin code may have made another error of the interruption
                failures.append(error)
            else:
                if outcome is not None:
                    outcomes.append(outcome)
        if failures:
            self._count_failures(failures)
            bugs = [error for error in failures if not isinstance(error, ForesightError)]
            if bugs:
                raise bugs[0]
            pytest.fail("; ".join(dict.fromkeys(map(one_line, failures))), pytrace=False)
        keeper, options = self._state.keeper, self._state.options
        if keeper is not None and options is not None and options.admission == "strict":
            lost = list(keeper.workshop.metrics.faults.values())
            if lost:
                pytest.fail(f"{lost[0]} (--admission strict)", pytrace=False)
        return outcomes

    def _count_failures(self, failures: Sequence[Exception]) -> None:
        """End the session where nothing more can be recorded, or ``--max-failures`` is reached."""
        state = self._state
        full = [error for error in failures if isinstance(error, RunFolderError | EngineGone)]
        if full:
            state.broken = str(full[0])
            self._request.session.shouldstop = one_line(full[0])
            return
        state.failures += len(failures)
        most = state.options.max_failures if state.options else None
        if most is not None and state.failures >= most:
            self._request.session.shouldfail = (
                f"{state.failures} cells failed (--max-failures {most}); see them in the run, then go on with --resume"
            )


def started(state: State, session: pytest.Session) -> Engine:
    """The engine of the run; both are created when the first cell is scored."""
    if state.engine is None:
        open_keeper(state, session)
        assert state.keeper is not None
        assert state.options is not None
        # Other plugins (--last-failed, --stepwise) deselect after our plan: what is left is what is planned.
        left = {item.nodeid for item in session.items}
        state.keeper.plan(cell for name, cells in state.planned.items() if name in left for cell in cells)
        if state.gates and not state.keeper.settled:
            folder = state.keeper.folder.path
            state.keeper.describe(gates=keep_gates(folder, state.gates), answers=keep_answers(folder, state.answers))
            state.keeper.write_manifest(RUNNING)
        state.account = Account.opened(
            [cell for cell in state.keeper.planned if cell_id(*cell_key(cell)) not in state.keeper.done], state.options
        )
        state.engine = engine_for(state.keeper, state.keeper.planned, state.screen)
        state.live = live_for(state.config, state.screen, state.engine.standing)
        if state.live is None and state.screen is not None and state.config.option.verbose >= -1:
            state.ticker = Ticker(state.engine.standing, state.screen, lambda: column_of(state.config))
    return state.engine


def open_keeper(state: State, session: pytest.Session) -> RunKeeper:
    """The run of the session, opened when it is first asked for, and deaf to no signal from then on."""
    if state.keeper is None:
        assert state.registry is not None
        assert state.options is not None
        write = _writer(state)
        progress = Progress(write=lambda line: _tell(state, write, line))
        state.config.add_cleanup(state.stopping.restore)
        state.stopping.install(write)
        state.keeper = RunKeeper(state.registry, state.options, progress, command_of(state.config))
        state.keeper.describe(left_out=[] if state.selection is None else list(state.selection.left_out))
    return state.keeper


def _shown(state: State, planned: PlannedCell) -> AbstractContextManager[None]:
    """The live table, or lines now and then, while a cell is scored. Latency is measured alone, without either."""
    shown = state.live or state.ticker
    if shown is None or planned.suite.live_encoder:
        return nullcontext()
    return shown.shown(f"{planned.suite.name} {planned.candidate} on {planned.dataset.name}")


def timer_of(benchmark: Any) -> Timer | None:
    """pytest-benchmark as a timer; None where it is absent or switched off."""
    if benchmark is None or benchmark.disabled:
        return None

    def timer(work: Callable[[], object], rounds: int) -> list[float]:
        benchmark.pedantic(work, rounds=rounds, warmup_rounds=WARMUP, iterations=1)
        return list(benchmark.stats.stats.data)

    return timer


def _tell(state: State, write: Callable[[str], None], line: str) -> None:
    """What is being done: in the live table where there is one, else as a line, under ``-q`` only now and then."""
    shown = state.live or state.ticker
    if shown is not None:
        shown.say(line)
    if state.live is None and state.config.option.verbose >= 0:
        write(line)


def _writer(state: State) -> Callable[[str], None]:
    """Lines between the dots, past pytest's capture."""
    config = state.config
    reporter = config.pluginmanager.getplugin("terminalreporter")
    capture = config.pluginmanager.getplugin("capturemanager")

    def write(text: str) -> None:
        line = one_line(without_secrets(text))
        if reporter is None or config.option.verbose < -1:
            return
        if capture is None:
            reporter.write_line(line)
            return
        with capture.global_and_fixture_disabled():
            reporter.ensure_newline()
            reporter.write_line(f"  {line}", light=True)

    return write
