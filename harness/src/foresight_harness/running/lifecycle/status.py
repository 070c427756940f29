"""How a run stands: what came of each of its cells, and whether that is all of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence

from foresight_harness.contracts.records import Record

RUNNING, INTERRUPTED, STOPPED, FAILED, COMPLETE = "running", "interrupted", "stopped", "failed", "complete"
STATUSES: Mapping[str, str] = {
    RUNNING: "a session scores cells, or was killed while it did",
    INTERRUPTED: "a signal ended it: Ctrl-C, SIGTERM, SIGHUP",
    STOPPED: "`-x`, `--maxfail` or `--max-failures` ended it",
    FAILED: "it ended by itself and cells have no outcome: a full disk, an internal error",
    COMPLETE: "every planned cell has an outcome; failed ones count",
}
"""Values of ``status`` in ``run.json``, and what each says."""
ENDED = tuple(name for name in STATUSES if name != RUNNING)
OUTCOMES = ("ok", "failed", "oom", "unavailable")
"""What can come of a cell."""


def outcomes_of(records: Sequence[Record]) -> dict[str, str]:
    """What came of each cell, by id; a cell of which some records are missing has no outcome yet."""
    cells: dict[str, list[Record]] = {}
    for record in records:
        cells.setdefault(record.cell, []).append(record)
    found = {}
    for cell, own in cells.items():
        bad = [record.status for record in own if not record.ok]
        if bad:
            found[cell] = bad[0]
        elif len(own) >= (own[0].of_cell or len(own)):
            found[cell] = "ok"
    return found


def counts_of(planned: Collection[str], outcomes: Mapping[str, str]) -> dict[str, int]:
    """Cells by outcome; ``planned`` counts the controls that were scored beside the planned ones, too."""
    found = Counter(outcomes.values())
    return {"planned": len({*planned, *outcomes}), **{name: found[name] for name in OUTCOMES}}


def status_at_end(how: str, planned: Collection[str], outcomes: Mapping[str, str]) -> str:
    """Status of a run whose session has ended.

    Args:
        how: It ended: ``complete`` by itself, else one of the other statuses.
        planned: Ids of its cells.
        outcomes: What came of each.
    """
    if set(planned) <= outcomes.keys():
        return COMPLETE
    return FAILED if how == COMPLETE else how


def without_outcome(counts: Mapping[str, int]) -> int:
    """Planned cells that nothing came of."""
    return counts["planned"] - sum(counts.get(name, 0) for name in OUTCOMES)
