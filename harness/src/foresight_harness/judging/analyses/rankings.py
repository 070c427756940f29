"""Analysis ``rankings``: who cannot be told from the best? Tie groups among records of one protocol."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from foresight_harness.contracts.records import Record
from foresight_harness.judging.analyses.comparing import NotComparableError, require_comparable
from foresight_harness.judging.analyses.envelope import Analysis, Column, Measured
from foresight_harness.parts.statistics.paired import ALPHA
from foresight_harness.parts.statistics.power import minimum_detectable_effect
from foresight_harness.parts.statistics.ranking import TieGroup, tie_groups
from foresight_harness.running.run_folder.run_data import RunData

COLUMNS = (
    Column("suite", "suite"),
    Column("dataset", "data set"),
    Column("metric", "metric"),
    Column("probe", "probe"),
    Column("protocol", "protocol"),
    Column("place", "tie group"),
    Column("candidate", "candidate"),
    Column("role", "role"),
    Column("measured", "measured"),
    Column("p", "p against the group's first, Holm"),
)


@dataclass(frozen=True)
class Ranking:
    """Tie groups of records that may be compared."""

    records: tuple[Record, ...]
    groups: tuple[TieGroup, ...]
    detectable: float | None
    """Difference that these samples would show between the best and another with 80 % power; median over the others."""

    @property
    def first(self) -> Record:
        """What all of them share stands in any of them."""
        return self.records[0]


def rank(run: RunData, records: Sequence[Record]) -> Ranking:
    """Rank records of one metric on one data set.

    Raises:
        NotComparableError: where protocols, samples or directions differ, or a control left its range; the message
            names the choice.
        RunFolderError: where samples cannot be read.
    """
    records = [record for record in records if not record.refused]
    if not records:
        raise NotComparableError("nothing to rank: no record fits")
    require_comparable(run, records)
    columns: dict[str, Any] = {}
    first = None
    for record in records:
        values = run.values(record)
        if values is None:
            raise NotComparableError(f"{record.metric} has no value a sample, so its differences cannot be tested")
        first = first or values
        if values.samples != first.samples:
            raise NotComparableError(
                f"{records[0].candidate} and {record.candidate} were not scored on the same samples"
            )
        columns[record.candidate] = values.mean_over_seeds
    assert first is not None
    groups = tie_groups(columns, first.groups, "lower" if records[0].direction == "lower" else "higher")
    return Ranking(tuple(records), tuple(groups), _detectable(columns, groups, first.groups))


def _detectable(columns: Mapping[str, Any], groups: Sequence[TieGroup], clusters: Sequence[str]) -> float | None:
    names = [name for group in groups for name in group.members]
    if len(names) < 2:
        return None
    effects = [
        minimum_detectable_effect(columns[name] - columns[names[0]], clusters, tests=len(names) - 1)
        for name in names[1:]
    ]
    found = [effect for effect in effects if np.isfinite(effect)]
    return float(np.median(found)) if found else None


def analyse(run: RunData) -> Analysis | None:
    """Rank every suite by its metrics, each protocol by itself; None where no two records can be ranked."""
    rankings, caveats = [], []
    for records in _comparable(run):
        try:
            rankings.append(rank(run, records))
        except NotComparableError as error:
            caveats.append(str(error))
    if not rankings:
        return None
    kept = {(found.first.suite, found.first.dataset, found.first.metric) for found in rankings}
    boards = len(rankings) - len(kept)
    if boards:
        caveats.append(f"{boards} more boards than metrics: unequal protocols are never ranked together")
    return Analysis(
        kind="rankings",
        title="Tie groups",
        finding=_sentence(rankings[0]),
        caveats=tuple(dict.fromkeys(caveats)),
        inputs={
            "method": f"paired sign flips against the best of a group, Holm, alpha {ALPHA:g}; clusters are pictures",
            "metrics": sorted({found.first.metric for found in rankings}),
        },
        columns=COLUMNS,
        rows=tuple(row for found in rankings for row in _rows(found)),
        further={"boards": [_board(found) for found in rankings]},
    )


def _comparable(run: RunData) -> list[list[Record]]:
    """Records that share suite, data set, metric, probe and protocol, where there are at least two.

    Floors are ranked beside candidates; ceilings know the answer and would only head every board.
    """
    found: dict[tuple[Any, ...], list[Record]] = {}
    for record in run.records:
        suite = run.suites.get(record.suite)
        ranked = suite is not None and record.metric in suite.ranked_by
        if ranked and record.role != "ceiling" and record.value is not None and not record.refused:
            key = tuple(_board_of(record).values())
            found.setdefault(key, []).append(record)
    return [records for records in found.values() if len(records) > 1]


def _board_of(record: Record) -> dict[str, str | None]:
    """What records that are ranked together have in common."""
    return {
        "suite": record.suite,
        "dataset": record.dataset,
        "metric": record.metric,
        "probe": record.probe,
        "protocol": record.protocol,
    }


def _sentence(found: Ranking) -> str:
    first, best = found.first, found.groups[0]
    head = next(record for record in found.records if record.candidate == best.members[0])
    tied = f"{len(best.members) - 1} of {len(found.records) - 1} others cannot be told from it"
    probe = f" (probe {first.probe})" if first.probe else ""
    best_mean = f"{head.candidate} has the best mean ({head.value:.3f})"
    return f"By {first.metric}{probe} on {first.dataset}, {best_mean}; {tied}."


def _rows(found: Ranking) -> list[dict[str, Any]]:
    records = {record.candidate: record for record in found.records}
    rows = []
    for place, group in enumerate(found.groups, start=1):
        for name, p_value in zip(group.members, group.p_values, strict=True):
            record = records[name]
            rows.append(
                {
                    **_board_of(record),
                    "place": place,
                    "candidate": name,
                    "role": record.role,
                    "measured": Measured.of(record),
                    "p": p_value,
                }
            )
    return rows


def _board(found: Ranking) -> dict[str, Any]:
    first = found.first
    return {
        **_board_of(first),
        "direction": first.direction,
        "candidates": len(found.records),
        "groups": len(found.groups),
        "best": list(found.groups[0].members),
        "detectable": found.detectable,
    }
