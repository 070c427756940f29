"""What came of every planned cell, in numbers that add up."""

from __future__ import annotations

from collections.abc import Iterable

from foresight_reports.brief.warnings import FAILURE_WORDS, FAILURES
from foresight_reports.captions import counted
from foresight_reports.reading import Run
from foresight_reports.records import Record


def failures_of_cells(records: Iterable[Record]) -> list[Record]:
    """Cells that gave no number, each once a probe."""
    found: dict[tuple[str, ...], Record] = {}
    for record in records:
        if record.status in FAILURES:
            found[(*cell_of(record), record.probe or "")] = record
    return list(found.values())


def cell_of(record: Record) -> tuple[str, ...]:
    """A cell by its id, or where a line has none by what it is of."""
    return (record.cell,) if record.cell else (record.candidate, record.suite, record.dataset, record.split)


def outcome_sentence(run: Run) -> str:
    """One sentence where a cell gave no number, for the top of the page; empty where all did."""
    ok = {cell_of(record) for record in run.records if record.metric is not None}
    failed = {cell_of(record): record.status for record in run.records if record.status in FAILURES}
    failed = {cell: status for cell, status in failed.items() if cell not in ok}
    told = run.section("counts").get("planned")
    planned = told if isinstance(told, int) and not isinstance(told, bool) else 0
    planned = max(planned, len(ok) + len(failed))
    missing = planned - len(ok) - len(failed)
    if not failed and not missing:
        return ""
    words = [
        f"{count:,} {FAILURE_WORDS[status]}" for status in FAILURES if (count := list(failed.values()).count(status))
    ]
    if missing:
        words.append(f"{missing:,} without an outcome")
    return (
        f"{len(failed) + missing:,} of {counted(planned, 'planned cell')} gave no number: {', '.join(words)}. "
        f"What stands below is of the other {len(ok):,}."
    )
