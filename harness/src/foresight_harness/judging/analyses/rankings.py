"""Analysis ``rankings``: which candidates can be the best, board by board, and how floors and twins stand to them."""

from __future__ import annotations

from typing import Any

from foresight_harness.contracts.records import Record
from foresight_harness.judging.analyses.comparing import NotComparableError
from foresight_harness.judging.analyses.envelope import Analysis, Column, Measured
from foresight_harness.judging.ranking import saying
from foresight_harness.judging.ranking.head_to_head import as_section, of_leaders
from foresight_harness.judging.ranking.judged import Judged, judge, turned
from foresight_harness.judging.ranking.scores import CEILING, FLOOR, TWIN, kind_of
from foresight_harness.parts.metrics.told_apart import ENDINGS
from foresight_harness.parts.statistics.families import Comparison
from foresight_harness.parts.statistics.paired import ALPHA
from foresight_harness.running.run_folder.run_data import RunData

FORM = 2
"""1 set candidates and floors in tie groups, each against the head of its group."""
MANY = 500
"""Pictures from which what they add to average precision is below a hundredth."""
COLUMNS = (
    Column("suite", "suite"),
    Column("dataset", "data set"),
    Column("metric", "metric"),
    Column("probe", "probe"),
    Column("protocol", "protocol"),
    Column("place", "place"),
    Column("candidate", "candidate"),
    Column("role", "role"),
    Column("measured", "measured"),
    Column("letters", "letters"),
    Column("best", "can be the best"),
    Column("against", "against"),
    Column("difference", "difference"),
    Column("p", "p, corrected"),
    Column("told", "told apart"),
)


def analyse(run: RunData) -> Analysis | None:
    """Judge every suite by its metrics, each protocol by itself; None where no candidate stands beside anything."""
    boards, caveats = [], []
    for records in _comparable(run):
        try:
            boards.append(judge(run, records))
        except NotComparableError as error:
            caveats.append(str(error))
    if not boards:
        return None
    caveats += _read_high(run)
    kept = {(one.any_record.suite, one.any_record.dataset, one.any_record.metric) for one in boards}
    if more := len(boards) - len(kept):
        caveats.append(f"{more} more boards than metrics: unequal protocols are never ranked together")
    return Analysis(
        kind="rankings",
        title="Who can be the best",
        finding=saying.finding(max(boards, key=lambda one: one.separation or 0.0)),
        caveats=tuple(dict.fromkeys(caveats)),
        inputs={
            "method": next(one.board.method for one in boards if one.board is not None),
            "alpha": ALPHA,
            "families": "candidates each against each; candidates against floors, their twins and ceilings",
            "metrics": sorted({one.any_record.metric for one in boards}),
        },
        columns=COLUMNS,
        rows=tuple(row for one in boards for row in _rows(one)),
        further={"boards": [_board(one) for one in boards], "head_to_head": as_section(of_leaders(boards))},
        form=FORM,
    )


def _read_high(run: RunData) -> list[str]:
    """Metrics of a whole corpus that few pictures lift, average precision: said here, worked out by ``rank``."""
    found = {
        record.metric: record.n
        for record in run.records
        if record.per_sample == "stats" and record.n < MANY and not record.metric.endswith(ENDINGS)
    }
    if not found:
        return []
    names = ", ".join(sorted(found))
    return [
        f"{names} read high on few pictures ({min(found.values())} here): foresight-bench rank --metric "
        f"{min(found)} says by how much, and judges without it."
    ]


def _comparable(run: RunData) -> list[list[Record]]:
    """Records that share suite, data set, metric, probe and protocol, where a candidate stands beside something."""
    found: dict[tuple[Any, ...], list[Record]] = {}
    for record in run.records:
        suite = run.suites.get(record.suite)
        if suite is not None and record.metric in suite.ranked_by and record.value is not None and not record.refused:
            found.setdefault(tuple(board_of(record).values()), []).append(record)
    return [records for records in found.values() if len(records) > 1 and any(map(_is_candidate, records))]


def _is_candidate(record: Record) -> bool:
    return kind_of(record) == "candidate"


def board_of(record: Record) -> dict[str, str | None]:
    """What records that are ranked together have in common."""
    return {
        "suite": record.suite,
        "dataset": record.dataset,
        "metric": record.metric,
        "probe": record.probe,
        "protocol": record.protocol,
    }


def _rows(found: Judged) -> list[dict[str, Any]]:
    """Candidates, best mean first, then twins and floors; ceilings stand in the sentence alone."""
    leader, best = found.leader, set(map(id, found.best))
    rows = []
    for place, record in enumerate(found.ordered, start=1):
        pair = found.pair(record, leader) if leader is not None and record is not leader else None
        own = {"letters": found.letters(record), "best": id(record) in best}
        rows.append({**_row(found, record, leader, pair), **own, "place": place})
    for record in found.controls:
        if kind_of(record) == CEILING:
            continue
        against = next((one for one in found.twins if one.control is record), None)
        if against is not None:
            rows.append(_row(found, record, against.candidate, turned(against.comparison)))
        else:
            rows.append(_row(found, record, leader, found.pair(record, leader) if leader is not None else None))
    return rows


def _row(found: Judged, record: Record, against: Record | None, pair: Comparison | None) -> dict[str, Any]:
    row = {**board_of(record), "candidate": record.candidate, "role": kind_of(record), "measured": Measured.of(record)}
    if pair is None or against is None or found.board is None:
        return row
    difference = Measured(pair.difference, pair.low, pair.high, found.board.n, found.board.method)
    return {
        **row,
        **{"against": against.candidate, "difference": difference, "p": pair.p_value, "told": pair.separated},
    }


def _board(found: Judged) -> dict[str, Any]:
    first, interval, board = found.any_record, found.leader_interval, found.board
    assert board is not None
    assert interval is not None
    assert found.leader is not None
    return {
        **board_of(first),
        "direction": first.direction,
        "candidates": len(found.records),
        "leader": found.leader.candidate,
        "leader_interval": Measured(interval.value, interval.low, interval.high, interval.n, interval.method),
        "best": [record.candidate for record in found.best],
        "pairs": len(board.pairs),
        "pairs_told": sum(pair.separated for pair in board.pairs),
        "separation": found.separation,
        "saturated": found.saturated,
        "detectable": found.detectable,
        "n": board.n,
        "clusters": board.clusters,
        "left_out": board.left_out,
        "seeds_unknown": [record.candidate for record in found.seeds_unknown],
        "twins_missing": [record.candidate for record in saying.twins_missing(found)],
        "floors": saying.standing(found, FLOOR),
        "twin": saying.standing(found, TWIN),
        "finding": saying.finding(found),
        "against_floors": saying.against_floors(found),
        "against_twins": saying.against_twins(found),
        "against_ceilings": saying.against_ceilings(found),
    }
