"""The pytest plugin: options, one test per (candidate, suite), the run folder, the summary. Inert until asked.

pytest imports this module at every start, so nothing here imports torch or looks for plugins.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from foresight_harness.surface.pytest_plugin.options import add_options
from foresight_harness.surface.pytest_plugin.state import FIXTURE, PLUGIN_FIXTURE, STATE, State

if TYPE_CHECKING:
    from foresight_harness.surface.pytest_plugin.scoring import Scorer


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options of group "foresight"."""
    add_options(parser)


def pytest_configure(config: pytest.Config) -> None:
    """One state object a session; the marker is known wherever the benchmarks are run (``--strict-markers``)."""
    config.stash[STATE] = State(config)
    config.addinivalue_line("markers", "suite(name): the suite that a benchmark belongs to")


@pytest.hookimpl(tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> None:
    """Refuse pytest-xdist's ``-n`` for benchmark cells, before a worker is started."""
    if config.getoption("numprocesses", None) or config.getoption("tx", None):
        from foresight_harness.surface.pytest_plugin.distributed import asks_for_cells, is_distributed, refusal

        if is_distributed(config) and asks_for_cells(config):
            raise pytest.UsageError(refusal(config))


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """A worker of pytest-xdist was asked for cells: the session ends as a usage error."""
    from foresight_harness.surface.pytest_plugin.distributed import REFUSED

    if getattr(node, "workeroutput", {}).get(REFUSED):
        node.config.stash[STATE].refused = True


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test per (candidate, suite) where ``foresight_cell`` is asked for; one per plugin likewise."""
    if FIXTURE in metafunc.fixturenames or PLUGIN_FIXTURE in metafunc.fixturenames:
        from foresight_harness.surface.pytest_plugin.collection import parametrize

        parametrize(metafunc, metafunc.config.stash[STATE])


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(session: pytest.Session, config: pytest.Config, items: list[pytest.Item]) -> None:
    """Report usage errors in one line, then put cells into running order. Deselection by -k and -m came before."""
    state = config.stash[STATE]
    if state.asked:
        from foresight_harness.surface.pytest_plugin.collection import order
        from foresight_harness.surface.pytest_plugin.distributed import refuse_on_worker

        if refuse_on_worker(config, items):
            return
        order(state, items)


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> None:
    """Under ``--search``, leave out who need not be scored in full, before the first test."""
    state = session.config.stash.get(STATE, None)
    if state is None or state.searching is None:
        return
    from foresight_harness.contracts.errors import RunFolderError, UsageError
    from foresight_harness.contracts.text import one_line
    from foresight_harness.surface.pytest_plugin.scoring import open_keeper
    from foresight_harness.surface.pytest_plugin.searching import narrow

    try:
        narrow(state, session, open_keeper(state, session))
    except (UsageError, RunFolderError) as error:
        raise pytest.UsageError(one_line(error)) from error


@pytest.fixture
def foresight_cell(request: pytest.FixtureRequest, foresight_candidate: object) -> Scorer:
    """Scores the test's candidate in the test's suite: ``foresight_cell.score()``."""
    from foresight_harness.surface.pytest_plugin.scoring import Scorer

    return Scorer(request, request.config.stash[STATE])


@pytest.fixture
def foresight_plugin(request: pytest.FixtureRequest) -> object:
    """One installed plugin; see ``registry.PluginInfo``."""
    return request.param


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Close the run and write its report."""
    state = session.config.stash.get(STATE, None)
    if state is not None and state.refused:
        session.exitstatus = pytest.ExitCode.USAGE_ERROR
    if state is not None and state.keeper is not None:
        from foresight_harness.surface.pytest_plugin.summary import finish

        finish(state, session, exitstatus)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say where the run and its report are, and which plugins are broken."""
    state = config.stash.get(STATE, None)
    if state is not None and state.refused:
        from foresight_harness.surface.pytest_plugin.distributed import refusal

        terminalreporter.write_line(f"ERROR: {refusal(config)}", red=True)
    if state is not None and state.asked:
        from foresight_harness.surface.pytest_plugin.lines import summarise

        summarise(state, terminalreporter)


@pytest.fixture
def foresight_candidate(request: pytest.FixtureRequest) -> object:
    """The resolved candidate of a test; ``foresight_cell`` reads it from the plan."""
    return request.param
