"""Collection: from options to tests, then from the tests that are left to a plan."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from foresight_harness.contracts.devices import require_device
from foresight_harness.contracts.errors import UsageError
from foresight_harness.contracts.specs import SuiteSpec
from foresight_harness.contracts.text import one_line
from foresight_harness.judging.gates.gate_files import answers_of, find_gates
from foresight_harness.planning.candidates import ResolvedCandidate, candidates_of, select_candidates, suites_of
from foresight_harness.planning.candidates.fitting import check_fitting
from foresight_harness.planning.candidates.loading import check_loading
from foresight_harness.planning.candidates.twins import with_twins
from foresight_harness.planning.options.metric_names import check_metrics
from foresight_harness.planning.options.probe_names import check_probes
from foresight_harness.planning.options.run_options import as_texts
from foresight_harness.planning.options.storage import MIRROR
from foresight_harness.planning.plan import (
    PlannedCell,
    cells_of,
    check_datasets,
    check_sources,
    distinct_for,
    in_running_order,
)
from foresight_harness.planning.registry import PluginInfo, load_registry
from foresight_harness.running.costs.limits import check_disk, check_loaders
from foresight_harness.running.exporters import check_exports, check_installed
from foresight_harness.running.run_folder.folder import check_writable
from foresight_harness.surface.pytest_plugin.live import screen_of
from foresight_harness.surface.pytest_plugin.options import (
    benchmark_places,
    command_of,
    given_options,
    named_folders,
    options_of,
)
from foresight_harness.surface.pytest_plugin.state import FIXTURE, PLUGIN_FIXTURE, State

if TYPE_CHECKING:
    from collections.abc import Sequence

UNSCORED = "suite not in this matrix"
"""Stands for the candidates of a suite that is not to be scored."""


def parametrize(metafunc: pytest.Metafunc, state: State) -> None:
    """Give a test its candidates, or its plugins. Usage errors are kept for ``order``."""
    state.asked = True
    _hide_benchmark_table(state.config)
    if state.error is None and state.options is None:
        _prepare(state)
    failed = state.error is not None
    if PLUGIN_FIXTURE in metafunc.fixturenames:
        plugins: Sequence[PluginInfo] = () if state.registry is None else state.registry.plugins
        shown = [plugin for plugin in plugins if plugin.entry_point]
        metafunc.parametrize(PLUGIN_FIXTURE, shown, ids=[plugin.name for plugin in shown], indirect=True)
    if FIXTURE in metafunc.fixturenames:
        candidates: Sequence[Any] = [] if failed else _candidates_for(metafunc, state)
        metafunc.parametrize(
            "foresight_candidate", candidates, ids=[str(candidate) for candidate in candidates], indirect=True
        )


def _hide_benchmark_table(config: pytest.Config) -> None:
    """pytest-benchmark's own table: 243 columns of what the run folder holds. ``--benchmark-verbose`` shows it."""
    timing: Any = getattr(config, "_benchmarksession", None)
    if timing is not None and not timing.verbose:
        timing.quiet = True


def _prepare(state: State) -> None:
    try:
        given = given_options(state.config)
        state.registry = load_registry()
        if state.registry.broken and given.get("strict_plugins"):
            raise UsageError("; ".join(str(plugin.error) for plugin in state.registry.broken))
        folders = named_folders(state.config, "matrices")
        patterns = as_texts(given.get("candidate", ()))
        sources = as_texts(given.get("weights_source") or ())
        matrix, scale = given.get("matrix"), given.get("scale")
        selection = select_candidates(state.registry, patterns, matrix, folders, scale, sources)
        state.options = options_of(state.config, selection)
        check_exports(state.options.exports)
        check_installed(state.options.exports)
        check_datasets(state.registry, state.options)
        check_sources(selection.candidates, state.options)
        check_loading(selection.candidates, state.options)
        check_fitting(selection.candidates, state.options)
        check_probes(state.registry, state.options.probes)
        check_metrics(state.registry, state.options.metrics)
        state.selection = with_twins(selection, state.registry, state.options)
        gates = named_folders(state.config, "gates")
        state.gates = find_gates(state.options.gates, gates, state.registry)
        state.answers = answers_of(state.options.answers, state.gates, gates, state.registry)
    except UsageError as error:
        state.error = error


def _candidates_for(metafunc: pytest.Metafunc, state: State) -> Sequence[ResolvedCandidate | str]:
    """All candidates; those that differ only in the decoder are one for a suite that reads no decoder.

    A suite that neither the matrix nor the command names has one placeholder, which ``order`` deselects.
    """
    try:
        found = suite_of(metafunc.definition, state)
    except UsageError as error:
        state.error = error
        return []
    assert state.selection is not None
    assert state.registry is not None
    if found.name not in suites_of(state.selection, state.registry) and not asked_for(found, metafunc.definition):
        return [UNSCORED]
    candidates = candidates_of(state.selection, found)
    return distinct_for(found, candidates) or [UNSCORED]


def asked_for(found: SuiteSpec, node: pytest.Item | pytest.Collector) -> bool:
    """Whether the command names the suite itself: its test file or test, or ``-k`` with its name (but not negated)."""
    arguments = [argument.partition("::")[0] for argument in node.config.args]
    if any(Path(argument).name == node.path.name for argument in arguments):
        return True
    words = re.findall(r"[\w.]+", str(node.config.getoption("keyword", "") or ""))
    wanted = {found.name, f"test_{found.name}"}
    return any(word in wanted and before != "not" for before, word in pairwise(["", *words]))


def suite_of(node: pytest.Item | pytest.Collector, state: State) -> SuiteSpec:
    """The suite that a test names with ``@pytest.mark.suite("name")``. Raises: UsageError."""
    assert state.registry is not None
    marker = node.get_closest_marker("suite")
    if marker is None or not marker.args:
        names = ", ".join(state.registry.suites)
        raise UsageError(f"{node.nodeid} asks for a cell but names no suite; add @pytest.mark.suite(NAME), of {names}")
    return state.registry.suite(str(marker.args[0]))


def order(state: State, items: list[pytest.Item]) -> None:
    """Plan the tests that are left, and put them into the order in which encoders are built once and freed early.

    Raises:
        pytest.UsageError: in one line; pytest then exits with 4.
    """
    if state.error is not None:
        raise pytest.UsageError(one_line(state.error))
    options = state.options
    assert options is not None
    _deselect_unscored(state, items)
    try:
        state.planned = {
            item.nodeid: _cells_of(item, state) for item in items if FIXTURE in getattr(item, "fixturenames", ())
        }
        if state.planned and not state.config.option.collectonly:
            require_device(options.device)
            check_writable(options.out)
            if options.cache_url is not None:
                from foresight_harness.measuring.cache.bucket import Bucket

                Bucket(options.cache_url).check()
            check_writable(options.cache, "--feature-cache" if options.cache_url is None else MIRROR)
            check_loaders([cell for cells in state.planned.values() for cell in cells], options)
            check_disk([cell for cells in state.planned.values() for cell in cells], options)
            if options.search or options.resume:
                from foresight_harness.surface.pytest_plugin.searching import prepare  # imports torch

                state.searching = prepare(state)
            if options.resume and state.searching is None:  # of a search, who is planned shows when it has narrowed
                from foresight_harness.running.lifecycle.resuming import check_resume  # imports torch

                assert state.registry is not None
                planned = [cell for cells in state.planned.values() for cell in cells]
                check_resume(state.registry, options, planned, command_of(state.config, resume=False))
            if options.baseline is not None:
                from foresight_harness.judging.comparison.against import require_complete, target_of
                from foresight_harness.judging.comparison.sentinels import read_sentinels, sentinel_file
                from foresight_harness.running.run_folder.run_data import RunData  # imports pyarrow

                state.sentinels = read_sentinels(sentinel_file(benchmark_places(state.config)))
                state.baseline = target_of(options.out, options.baseline)
                # damaged, of a newer schema or not complete: said before any work
                require_complete(RunData.load(state.baseline.path))
    except Exception as error:
        if isinstance(error, UsageError) or type(error).__name__ == "RunFolderError":
            raise pytest.UsageError(one_line(error)) from error
        raise
    if state.planned and not state.config.option.collectonly:
        state.screen = screen_of(state.config)
    ordered = in_running_order([cell for cells in state.planned.values() for cell in cells[:1]])
    if options.engine != "local":  # latency has the machine to itself, after everything else
        ordered.sort(key=lambda cell: cell.suite.live_encoder)
    rank = {id(cell): index for index, cell in enumerate(ordered)}

    def place(item: pytest.Item) -> int:
        cells = state.planned.get(item.nodeid)
        return rank[id(cells[0])] if cells else -1

    items.sort(key=place)


def _deselect_unscored(state: State, items: list[pytest.Item]) -> None:
    unscored = [item for item in items if _candidate_of(item) == UNSCORED]
    if unscored:
        state.config.hook.pytest_deselected(items=unscored)
        items[:] = [item for item in items if item not in unscored]


def _candidate_of(item: pytest.Item) -> object:
    callspec = getattr(item, "callspec", None)
    return None if callspec is None else callspec.params.get("foresight_candidate")


def _cells_of(item: pytest.Item, state: State) -> list[PlannedCell]:
    candidate = _candidate_of(item)
    assert state.registry is not None
    assert state.options is not None
    if not isinstance(candidate, ResolvedCandidate):
        return []
    return cells_of(suite_of(item, state), candidate, state.registry, state.options)
