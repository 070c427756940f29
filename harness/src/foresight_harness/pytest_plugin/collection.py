"""Collection: from options to tests, then from the tests that are left to a plan."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from foresight_harness.candidates import ResolvedCandidate, select_candidates
from foresight_harness.engine.limits import check_disk
from foresight_harness.errors import UsageError
from foresight_harness.pytest_plugin.options import matrix_folders, options_of
from foresight_harness.pytest_plugin.state import FIXTURE, PLUGIN_FIXTURE, State
from foresight_harness.registry import PluginInfo, load_registry
from foresight_harness.run.folder import check_writable, find_run
from foresight_harness.run.plan import PlannedCell, check_datasets, check_sources, datasets_of, in_running_order
from foresight_harness.suites import SUITES, Suite, suite

if TYPE_CHECKING:
    from collections.abc import Sequence


def parametrize(metafunc: pytest.Metafunc, state: State) -> None:
    """Give a test its candidates, or its plugins. Usage errors are kept for ``order``."""
    state.asked = True
    if state.error is None and state.options is None:
        _prepare(state)
    failed = state.error is not None
    if PLUGIN_FIXTURE in metafunc.fixturenames:
        plugins: Sequence[PluginInfo] = () if state.registry is None else state.registry.plugins
        shown = [plugin for plugin in plugins if plugin.entry_point]
        metafunc.parametrize(PLUGIN_FIXTURE, shown, ids=[plugin.name for plugin in shown], indirect=True)
    if FIXTURE in metafunc.fixturenames:
        candidates: list[Any] = [] if failed else _candidates_for(metafunc, state)
        metafunc.parametrize(
            "foresight_candidate", candidates, ids=[str(candidate) for candidate in candidates], indirect=True
        )


def _prepare(state: State) -> None:
    try:
        state.options = options_of(state.config)
        state.registry = load_registry()
        if state.registry.broken and state.options.strict_plugins:
            raise UsageError("; ".join(str(plugin.error) for plugin in state.registry.broken))
        check_datasets(state.registry, state.options)
        selection = select_candidates(
            state.registry, state.options.candidates, state.options.matrix, matrix_folders(state.config)
        )
        check_sources(selection.candidates, state.options)
        state.candidates, state.left_out = list(selection.candidates), selection.left_out
    except UsageError as error:
        state.error = error


def _candidates_for(metafunc: pytest.Metafunc, state: State) -> list[ResolvedCandidate]:
    """All candidates; those that differ only in the decoder are one for a suite that reads no decoder."""
    try:
        found = suite_of(metafunc.definition)
    except UsageError as error:
        state.error = error
        return []
    if found.uses_decoder:
        return state.candidates
    distinct: dict[tuple[object, ...], ResolvedCandidate] = {}
    for candidate in state.candidates:
        key = (candidate.candidate.streams, candidate.candidate.enhancer, candidate.candidate.fusion)
        distinct.setdefault(key, candidate)
    return list(distinct.values())


def suite_of(node: pytest.Item | pytest.Collector) -> Suite:
    """The suite that a test names with ``@pytest.mark.suite("name")``. Raises: UsageError."""
    marker = node.get_closest_marker("suite")
    if marker is None or not marker.args:
        raise UsageError(
            f"{node.nodeid} asks for a cell but names no suite; add @pytest.mark.suite(NAME), of {', '.join(SUITES)}"
        )
    return suite(str(marker.args[0]))


def order(state: State, items: list[pytest.Item]) -> None:
    """Plan the tests that are left, and put them into the order in which encoders are built once and freed early.

    Raises:
        pytest.UsageError: in one line; pytest then exits with 4.
    """
    if state.error is not None:
        raise pytest.UsageError(str(state.error))
    options, registry = state.options, state.registry
    assert options is not None
    assert registry is not None
    try:
        state.planned = {
            item.nodeid: _cells_of(item, state) for item in items if FIXTURE in getattr(item, "fixturenames", ())
        }
        if state.planned and not state.config.option.collectonly:
            check_writable(options.out)
            check_writable(options.cache)
            check_disk([cell for cells in state.planned.values() for cell in cells], options)
            if options.resume:
                find_run(options.out)
    except Exception as error:
        if isinstance(error, UsageError) or type(error).__name__ == "RunFolderError":
            raise pytest.UsageError(str(error)) from error
        raise
    ordered = in_running_order([cell for cells in state.planned.values() for cell in cells[:1]], list(SUITES))
    if options.engine != "local":  # latency has the machine to itself, after everything else
        ordered.sort(key=lambda cell: cell.suite.live_encoder)
    rank = {id(cell): index for index, cell in enumerate(ordered)}

    def place(item: pytest.Item) -> int:
        cells = state.planned.get(item.nodeid)
        return rank[id(cells[0])] if cells else -1

    items.sort(key=place)


def _cells_of(item: pytest.Item, state: State) -> list[PlannedCell]:
    candidate = item.callspec.params["foresight_candidate"]  # type: ignore[attr-defined]
    assert state.registry is not None
    assert state.options is not None
    if not isinstance(candidate, ResolvedCandidate):
        return []
    found = suite_of(item)
    return [PlannedCell(candidate, found, dataset) for dataset in datasets_of(found, state.registry, state.options)]
