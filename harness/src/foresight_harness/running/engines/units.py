"""Units of work: cells that share encoders, cut so that each takes seconds to minutes. Imports no torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from foresight_harness.contracts.identity import digest
from foresight_harness.planning.options import RunOptions
from foresight_harness.planning.plan import PlannedCell
from foresight_harness.running.costs.history import CostBook

LONGEST_S = 300.0
"""A unit that is lost with its worker is done again, so it should not be longer than people care to wait."""

SHORTEST_S = 10.0
"""Below this the start of a unit is felt; groups are not cut into shorter ones to keep workers busy."""


@dataclass(frozen=True)
class Unit:
    """What is handed to one worker at a time."""

    id: str
    cells: tuple[tuple[str, str, str], ...]
    """Candidate, suite and data set, as text: all that a worker is sent."""
    affinity: str
    """Encoders: the worker that has them in memory is preferred."""
    est_s: float
    exclusive: bool = False
    """True for latency: alone on the machine, after everything else."""


def cell_key(cell: PlannedCell) -> tuple[str, str, str]:
    """Candidate, suite and data set of a cell, as text."""
    return str(cell.candidate), cell.suite.name, str(cell.dataset)


def units_of(cells: Sequence[PlannedCell], options: RunOptions, workers: int, costs: CostBook) -> list[Unit]:
    """Cut a plan into units, longest first, latency last.

    Cells of one set of encoders stay together: they read the same features. A group that would keep one worker busy
    after the others are idle is cut, but not below ``SHORTEST_S``.
    """
    groups: dict[tuple[str, bool], list[PlannedCell]] = {}
    for cell in cells:
        groups.setdefault(("+".join(cell.candidate.candidate.encoders), cell.suite.live_encoder), []).append(cell)
    total = sum(costs.cell_s(cell, options) for cell in cells if not cell.suite.live_encoder)
    longest = min(LONGEST_S, max(SHORTEST_S, total / max(1, 3 * workers)))
    units = [
        unit
        for (affinity, exclusive), members in groups.items()
        for unit in _cut(members, affinity, exclusive, longest, options, costs)
    ]
    return sorted(units, key=lambda unit: (unit.exclusive, -unit.est_s, unit.id))


def _cut(
    members: Sequence[PlannedCell],
    affinity: str,
    exclusive: bool,
    longest: float,
    options: RunOptions,
    costs: CostBook,
) -> list[Unit]:
    units: list[Unit] = []
    pending: list[PlannedCell] = []
    spent = 0.0
    for cell in members:
        cost = costs.cell_s(cell, options)
        if pending and spent + cost > longest:
            units.append(_unit(pending, affinity, exclusive, spent))
            pending, spent = [], 0.0
        pending.append(cell)
        spent += cost
    return [*units, _unit(pending, affinity, exclusive, spent)]


def _unit(cells: Sequence[PlannedCell], affinity: str, exclusive: bool, est_s: float) -> Unit:
    keys = tuple(cell_key(cell) for cell in cells)
    return Unit(digest({"cells": [list(key) for key in keys]}), keys, affinity, round(est_s, 3), exclusive)
