"""What may be compared: records of one protocol. What may not is refused, and the differing choice is named."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from foresight_harness.contracts.errors import ForesightError
from foresight_harness.running.run_folder.run_data import Record, RunData

ABSENT = object()


class NotComparableError(ForesightError):
    """Records of unequal protocols were asked to be ranked or compared."""


def differing_choices(run: RunData, first: Record, second: Record) -> list[str]:
    """The choices in which two records' protocols differ, as text; empty where they may be compared."""
    if first["protocol"] is not None and first["protocol"] == second["protocol"]:
        return []
    known: Mapping[str, Any] = run.manifest.get("protocols") or {}
    ours, theirs = known.get(first["protocol"]), known.get(second["protocol"])
    if ours is None or theirs is None:
        return [f"protocols {first['protocol']} and {second['protocol']} differ, and run.json does not say in what"]
    found = [
        f"{name} is {_shown(ours, name)} and {_shown(theirs, name)}"
        for name in sorted({*ours, *theirs})
        if ours.get(name, ABSENT) != theirs.get(name, ABSENT)
    ]
    return found or [f"protocols {first['protocol']} and {second['protocol']} differ"]


def require_comparable(run: RunData, records: Sequence[Record]) -> None:
    """Refuse records that no ranking may hold together.

    Raises:
        NotComparableError: naming two candidates and the first choice that differs, or a score that is not to be
            ranked because a control left its known range.
    """
    for record in records:
        if record.get("controls_ok") is False:
            raise NotComparableError(
                f"{record['metric']} of {record['candidate']} on {record['dataset']} is not ranked: a control of its "
                "suite left its known range"
            )
    for record in records[1:]:
        if choices := differing_choices(run, records[0], record):
            raise NotComparableError(
                f"{records[0]['candidate']} and {record['candidate']} are not ranked together: {'; '.join(choices[:3])}"
            )


def _shown(choices: Mapping[str, Any], name: str) -> str:
    return f"{choices[name]!r:.60}" if name in choices else "not there"
