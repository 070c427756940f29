"""Comparability groups: which numbers may stand in one table, in which order, and which may not be ranked at all."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from foresight_reports import metrics
from foresight_reports.board import RANDOM, Board, Column, Group, Pipeline, Reference, Row
from foresight_reports.reading import Run, suites_of
from foresight_reports.records import Record

CONTROL_ROLES = ("floor", "ceiling", "twin")


def pipeline_of(record: Record, run: Run) -> Pipeline:
    """The row that a record belongs to."""
    return Pipeline(run.name, record.candidate, record.dtype, record.device, record.attention)


def group_of(record: Record, run: Run) -> Group:
    """The comparability group of a record; times belong to the machine that took them."""
    timed = record.timed or (record.metric or "").startswith("latency")
    return Group(
        record.suite,
        record.dataset,
        record.split,
        record.fingerprint,
        record.probe,
        record.protocol,
        run.hardware if timed else "",
    )


def build_boards(runs: Sequence[Run]) -> list[Board]:
    """Boards of all groups: what is kept first, then how it is kept, then what it costs; large boards first."""
    members: dict[Group, list[tuple[Run, Record]]] = {}
    for run in runs:
        for record in run.records:
            if record.metric is not None and record.status == "ok":
                members.setdefault(group_of(record, run), []).append((run, record))
    boards = [_build(group, pairs) for group, pairs in members.items()]
    suites = suites_of(runs)
    boards.sort(key=lambda b: (suites.place(b.group.suite), b.group.suite, -len(b.rows)))
    return boards


def _build(group: Group, pairs: Sequence[tuple[Run, Record]]) -> Board:
    rows: dict[Pipeline, dict[str, Record]] = {}
    for run, record in pairs:
        if record.metric is not None:
            rows.setdefault(pipeline_of(record, run), {})[record.metric] = record
    records = [record for _, record in pairs]
    columns = _columns(records)
    built = [Row(pipeline, role_of(next(iter(r.values()))), r) for pipeline, r in rows.items()]
    broken = any(record.controls_ok is False for record in records)
    candidates = _ranked(
        [row for row in built if row.role not in CONTROL_ROLES],
        columns[0],
        broken,
        list(dict.fromkeys(run.name for run, _ in pairs)),
    )
    controls = sorted(
        (row for row in built if row.role in CONTROL_ROLES),
        key=lambda row: (CONTROL_ROLES.index(row.role), row.pipeline),
    )
    return Board(group, columns, candidates, controls, _references(records), broken, _control_notes(records))


def role_of(record: Record) -> str:
    """The record's role; a twin is told by its encoder's name too."""
    return "twin" if any(name.startswith(RANDOM) for name in record.axes.encoders) else record.role


def _control_notes(records: Iterable[Record]) -> list[str]:
    """What the harness says about the controls of the suite, each sentence once."""
    found: dict[str, None] = {}
    for record in records:
        notes = record.details.get("controls")
        if isinstance(notes, list):
            found.update(dict.fromkeys(str(note) for note in notes))
    return list(found)


def _columns(records: Iterable[Record]) -> list[Column]:
    found: dict[str, list[Record]] = {}
    for record in records:
        if record.metric is not None:
            found.setdefault(record.metric, []).append(record)
    columns = []
    # Facts without a direction, such as parameter counts, never lead a board.
    for metric in sorted(found, key=lambda m: (found[m][0].direction == "none", *found[m][0].suites.rank_of(m))):
        group = found[metric]
        first = group[0]
        ends = [
            end for r in group for end in (r.value, r.ci_low, r.ci_high, r.floor, r.ceiling) if end is not None
        ] or [0.0]
        family = first.suites.family(metric) or "others"
        columns.append(Column(metric, first.label, first.unit, first.direction, min(ends), max(ends), family))
    return columns


def _ranked(rows: list[Row], column: Column, broken: bool, runs: Sequence[str]) -> list[Row]:
    """Best first; the ones whose interval reaches into the leader's are marked as tied with it."""
    sign = -1.0 if column.direction == "higher" else 1.0

    def key(row: Row) -> tuple[bool, float, int, Pipeline]:
        value = row.value(column.metric)
        return (value is None, 0.0 if value is None else sign * value, runs.index(row.pipeline.run), row.pipeline)

    if broken or column.direction not in metrics.MARKS:
        return sorted(rows, key=lambda row: row.pipeline)
    refused = sorted((row for row in rows if row.admission == "refused"), key=lambda row: row.pipeline)
    ordered = sorted((row for row in rows if row.admission != "refused"), key=key)
    leader = ordered[0].records.get(column.metric) if ordered else None
    ranked: list[Row] = []
    for position, row in enumerate(ordered):
        own = row.records.get(column.metric)
        rank = None if own is None or own.value is None else position + 1
        # Equal to the last digit, such as one candidate of two equal runs: one rank.
        if rank and ranked and ranked[-1].value(column.metric) == row.value(column.metric):
            rank = ranked[-1].rank
        tied = own is not None and leader is not None and own is not leader and _overlap(own, leader)
        ranked.append(Row(row.pipeline, row.role, row.records, rank, tied))
    return [*ranked, *refused]


def _overlap(left: Record, right: Record) -> bool:
    if left.ci_low is None or left.ci_high is None or right.ci_low is None or right.ci_high is None:
        return False
    return left.ci_low <= right.ci_high and right.ci_low <= left.ci_high


def _references(records: Iterable[Record]) -> list[Reference]:
    found: dict[tuple[str, str], dict[str, float]] = {}
    for record in records:
        for role, value, name in (
            ("ceiling", record.ceiling, record.ceiling_by),
            ("floor", record.floor, record.floor_by),
        ):
            if value is not None and record.metric is not None:
                found.setdefault((role, name or f"the {role}"), {})[record.metric] = value
    return [Reference(role, name, values) for (role, name), values in found.items()]
