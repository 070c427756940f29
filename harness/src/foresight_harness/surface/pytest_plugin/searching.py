"""``--search``: before the first test, rungs leave most candidates out; their tests are deselected."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import TYPE_CHECKING

from foresight_harness.contracts.errors import UsageError
from foresight_harness.planning.candidates import ResolvedCandidate, Selection
from foresight_harness.planning.candidates.twins import with_twins
from foresight_harness.planning.plan import modules_of
from foresight_harness.planning.search.budget import RungCost, parse_budget, predicted_s
from foresight_harness.planning.search.planner import Out, next_step
from foresight_harness.running.lifecycle.resuming import check_resume
from foresight_harness.running.lifecycle.status import RUNNING, STOPPED
from foresight_harness.running.run_folder.folder import find_run
from foresight_harness.running.search.costs import Costs, devices_of
from foresight_harness.running.search.driver import Driver, Purse
from foresight_harness.running.search.kept import holds_search, read_kept, write_kept
from foresight_harness.running.search.setting_up import Hunt, set_up
from foresight_harness.surface.pytest_plugin.options import command_of
from foresight_harness.surface.pytest_plugin.state import Searching

if TYPE_CHECKING:
    import pytest

    from foresight_harness.planning.plan import PlannedCell
    from foresight_harness.planning.search.planner import Standing
    from foresight_harness.running.keeper import RunKeeper
    from foresight_harness.surface.pytest_plugin.state import State


def prepare(state: State) -> Searching | None:
    """The search that a session asks for, before any work; None where it asks for none.

    Raises:
        UsageError: where there is nothing to search, the budget is too small, or the run to resume is another one.
    """
    options = state.options
    assert options is not None
    run = find_run(options.out, damaged=True) if options.resume else None
    if not options.search:
        if run is not None and holds_search(run):
            raise UsageError(f"--resume: {run.name} is a search; add --search to go on with it")
        return None
    assert state.registry is not None
    assert state.selection is not None
    cells = [cell for planned in state.planned.values() for cell in planned]
    hunt = set_up(state.selection.search, cells, state.registry, options)
    if run is not None:
        if not holds_search(run):
            raise UsageError(f"--resume: {run.name} is no search; leave --search out to go on with it")
        if read_kept(run).asked() != hunt.kept.asked():
            raise UsageError(
                f"--resume: the search of {run.name} was begun with other candidates or rungs; to start anew: "
                f"{command_of(state.config, resume=False)}"
            )
    state.options = replace(options, store_fits=True)
    return _priced(state, hunt, cells)


def _priced(state: State, hunt: Hunt, cells: list[PlannedCell]) -> Searching:
    """The search with what it costs. Raises: UsageError where the budget does not pay for the shortest one."""
    options = state.options
    assert options is not None
    search, costs = hunt.kept.search, Costs(options)
    names = {str(cell.candidate) for cell in hunt.pool}
    own = [cell for cell in cells if str(cell.candidate) in names]
    full, rungs = costs.full_s(cells), costs.rungs(hunt, own)
    counts = len(set(search.streams.values())), len(search.streams)
    planned = predicted_s(search.rungs, counts, rungs)
    predicted = {"full_s": round(full, 1), "search_s": round(planned, 1), "rungs_s": [_shown(one) for one in rungs]}
    hunt = replace(hunt, kept=replace(hunt.kept, predicted=predicted))
    said = [
        f"search: about {planned:.0f} s predicted for {len(search.streams)} candidates on {len(search.rungs)} rungs, "
        f"{full:.0f} s for all of them in full"
    ]
    if options.budget is None:
        return Searching(hunt, None, tuple(said))
    budget = parse_budget(options.budget, options.device)
    allowed = budget.seconds(full, devices_of(options))
    step = next_step(search, [], rungs, allowed)
    if isinstance(step, Out) and not options.resume:
        least = predicted_s(search.rungs, counts, rungs, factor=0.0)
        raise UsageError(
            f"--budget {options.budget} pays for about {allowed:.0f} s, and the shortest search with these rungs needs "
            f"about {least:.0f} s: allow more, or name fewer candidates"
        )
    if planned > allowed:
        said.append(f"search: --budget {options.budget} pays for about {allowed:.0f} s, so its rungs keep fewer")
    return Searching(hunt, Purse(rungs, allowed), tuple(said))


def _shown(cost: RungCost) -> list[float]:
    """As it stands in ``plan.json``: whoever enters, and each of those that do."""
    return [round(cost.fixed_s, 3), round(cost.each_s, 3)]


def narrow(state: State, session: pytest.Session, keeper: RunKeeper) -> None:
    """Score every rung but the last, then deselect the tests of those that were left out.

    Args:
        state: Of the session.
        session: Whose tests are narrowed.
        keeper: The run that the search leads to, which has no plan yet.

    Raises:
        UsageError, RunFolderError: in one line.
    """
    searching, options = state.searching, state.options
    assert searching is not None
    assert options is not None
    keeper.write_manifest(RUNNING)
    write_kept(keeper.folder.path, searching.hunt.kept)
    for line in searching.sentences:
        keeper.progress.write(line)
    assert state.registry is not None
    driver = Driver(
        keeper.folder.path,
        searching.hunt,
        state.registry,
        replace(options, resume=False),
        keeper.progress,
        keeper.command,
        purse=searching.purse,
        check=state.stopping.check,
    )
    found = driver.narrow()
    if isinstance(found, Out):
        searching.out = found.reason
        keeper.leave(STOPPED)
        session.shouldstop = f"search: {found.reason}; what is done is kept, go on with --resume and a greater --budget"
        return
    searching.over = True
    _deselect(state, session, found)
    if options.resume:
        left = {item.nodeid for item in session.items}
        cells = [cell for name, planned in state.planned.items() if name in left for cell in planned]
        check_resume(state.registry, options, cells, command_of(state.config, resume=False))


def _deselect(state: State, session: pytest.Session, found: Standing) -> None:
    """Keep the tests of survivors, of their twins, and of what was never searched among."""
    assert state.selection is not None
    assert state.registry is not None
    assert state.options is not None
    assert state.searching is not None
    kept = _kept(state.selection, state.searching.hunt, set(found.survivors))
    names = {str(one) for one in with_twins(kept, state.registry, state.options).candidates}
    for planned in state.planned.values():
        planned[:] = [cell for cell in planned if str(cell.candidate) in names]
    gone = [item for item in session.items if item.nodeid in state.planned and not state.planned[item.nodeid]]
    for item in gone:
        del state.planned[item.nodeid]
    session.config.hook.pytest_deselected(items=gone)
    left_out = set(map(id, gone))
    session.items[:] = [item for item in session.items if id(item) not in left_out]
    session.testscollected = len(session.items)


def _kept(selection: Selection, hunt: Hunt, survivors: Collection[str]) -> Selection:
    """The selection without those that were left out; of a suite without decoders, whatever their decoder is."""
    cells = hunt.pool
    by_decoder = cells[0].suite.uses_decoder
    gone = {_key(cell.candidate, by_decoder) for cell in cells if str(cell.candidate) not in survivors}
    return selection._replace(
        candidates=tuple(
            one
            for one in selection.candidates
            if str(one) not in selection.added and (one.role != "candidate" or _key(one, by_decoder) not in gone)
        ),
        added=frozenset(),
    )


def _key(candidate: ResolvedCandidate, by_decoder: bool) -> object:
    return str(candidate) if by_decoder else modules_of(candidate)
