"""What failed in a run, by candidate, suite, data set and probe. Imports no torch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from foresight_harness.contracts.records import Record


class Failure(NamedTuple):
    """A cell, or a reading of one by a probe, that gave no number."""

    candidate: str
    suite: str
    dataset: str
    probe: str | None
    status: str
    reason: str


def failures_of(records: Sequence[Record]) -> list[Failure]:
    """Each once, in the order of the records. A number of the candidate on another data set hides none."""
    found: dict[tuple[str, str | None], Failure] = {}
    for one in records:
        if one.ok:
            continue
        found[one.cell, one.probe] = Failure(
            one.candidate, one.suite, one.dataset, one.probe, one.status, one.error or "no message"
        )
    return list(found.values())
