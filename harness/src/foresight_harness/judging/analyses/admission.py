"""Analysis ``admission``: which rows are not to be believed, or are too good: what a reader must see first."""

from __future__ import annotations

from typing import Any

from foresight_harness.contracts.records import Record
from foresight_harness.judging.analyses.envelope import Analysis, Column
from foresight_harness.running.run_folder.run_data import RunData

AT_CEILING = 1e-3
"""Units of the metric within which a candidate equals what knows the answer."""
COLUMNS = (
    Column("what", "what"),
    Column("candidate", "candidate"),
    Column("suite", "suite"),
    Column("dataset", "data set"),
    Column("metric", "metric"),
    Column("reason", "why"),
)
REFUSED, TOO_GOOD, UNCHECKED, PARTLY = "refused", "at the ceiling", "not checked", "partly checked"


def analyse(run: RunData) -> Analysis | None:
    """Refused, too good and unchecked rows; None where there are none."""
    rows = [*_refused(run), *_too_good(run), *_unchecked(run)]
    if not rows:
        return None
    counts = {what: len({row["candidate"] for row in rows if row["what"] == what}) for what in (REFUSED, TOO_GOOD)}
    return Analysis(
        kind="admission",
        title="Admission",
        finding=_sentence(rows, counts),
        caveats=(),
        inputs={"at_ceiling": AT_CEILING},
        columns=COLUMNS,
        rows=tuple(rows),
        further={"lines": lines_of(rows)},
    )


def lines_of(rows: list[dict[str, Any]]) -> list[str]:
    """One line a candidate and finding, for terminals and the top of the page: what is refused, what is too good."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for row in rows:
        if row["what"] in (REFUSED, TOO_GOOD):
            found.setdefault((row["what"], row["candidate"]), row)
    said = []
    for (what, candidate), row in found.items():
        verb = "is refused and not ranked" if what == REFUSED else "is too good to be believed unseen"
        said.append(f"{candidate} {verb}: {row['reason']}")
    whole = sorted({row["candidate"] for row in rows if row["what"] == UNCHECKED})
    if whole:
        more = f" and {len(whole) - 1} more" if len(whole) > 1 else ""
        said.append(f"{whole[0]}{more} not checked before ranking (--admission on checks)")
    return said


def _sentence(rows: list[dict[str, Any]], counts: dict[str, int]) -> str:
    said = []
    if counts[REFUSED]:
        said.append(f"{counts[REFUSED]} refused and not ranked")
    if counts[TOO_GOOD]:
        said.append(f"{counts[TOO_GOOD]} at or above the ceiling")
    others = len({row["candidate"] for row in rows if row["what"] in (UNCHECKED, PARTLY)})
    if others:
        said.append(f"{others} with checks that were not made")
    return f"Candidates: {', '.join(said)}."


def _refused(run: RunData) -> list[dict[str, Any]]:
    rows = [_row(REFUSED, record, record.admission_reason) for record in run.all_records if record.refused]
    return _each_once(rows, ("candidate", "suite", "dataset"))


def _too_good(run: RunData) -> list[dict[str, Any]]:
    """Candidates that reach the row that knows the answer, by what their suite is ranked by."""
    rows = []
    for record in run.records:
        suite = run.suites.get(record.suite)
        ranked = suite is not None and record.metric in suite.ranked_by
        if not ranked or not record.is_candidate or record.value is None or record.ceiling is None:
            continue
        sign = -1.0 if record.direction == "lower" else 1.0
        ends = [end for end in record.range if end is not None]
        saturated = any(abs(record.ceiling - end) <= AT_CEILING for end in ends)
        saturated = saturated or _at_a_floor(run, record, sign)
        if record.direction in ("higher", "lower") and not saturated:
            ahead = sign * (record.value - record.ceiling)
            if ahead >= -AT_CEILING:
                by = record.ceiling_by or "the ceiling"
                reason = f"{record.metric} {record.value:.4g} on {record.dataset}, {by} reaches {record.ceiling:.4g}"
                rows.append(_row(TOO_GOOD, record, f"{reason}: does it see the answer?"))
    return rows


def _at_a_floor(run: RunData, record: Record, sign: float) -> bool:
    """Whether a floor reaches the ceiling too: then everything does, and nobody needs to see the answer for it."""
    beside = run.select(suite=record.suite, metric=record.metric)
    floors = [one for one in beside if one.role == "floor" and one.value is not None]
    alike = [one for one in floors if (one.dataset, one.probe) == (record.dataset, record.probe)]
    return any(sign * ((one.value or 0.0) - (record.ceiling or 0.0)) >= -AT_CEILING for one in alike)


def _unchecked(run: RunData) -> list[dict[str, Any]]:
    rows = []
    for record in run.records:
        if record.admission == "not checked":
            rows.append(_row(UNCHECKED, record, record.admission_reason))
        elif record.admission == "admitted" and record.admission_reason:
            rows.append(_row(PARTLY, record, record.admission_reason))
    return _each_once(rows, ("what", "candidate"))


def _row(what: str, record: Record, reason: str | None) -> dict[str, Any]:
    return {
        **{"what": what, "candidate": record.candidate, "suite": record.suite, "dataset": record.dataset},
        **{"metric": record.metric or None, "reason": reason},
    }


def _each_once(rows: list[dict[str, Any]], names: tuple[str, ...]) -> list[dict[str, Any]]:
    found: dict[tuple[Any, ...], dict[str, Any]] = {}
    for row in rows:
        found.setdefault(tuple(row[name] for name in names), row)
    return list(found.values())
