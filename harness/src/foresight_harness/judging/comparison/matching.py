"""Which record of a baseline belongs to which record of a run, and why two may not be compared."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from foresight_harness.contracts.records import Record
from foresight_harness.judging.analyses.comparing import ABSENT
from foresight_harness.running.run_folder.run_data import RunData

Key = tuple[str, str, str, str, str | None]
"""Candidate, suite, data set, metric, probe."""


class Pair(NamedTuple):
    """The two records of one number; one of them is None where the other run has no such number."""

    key: Key
    base: Record | None
    head: Record | None
    reason: str
    """Why they are not compared; empty where they are."""


def key_of(record: Record) -> Key:
    """What makes a number the same number in another run."""
    return record.candidate, record.suite, record.dataset, record.metric, record.probe


def pairs(base: RunData, head: RunData, *, any_machine: bool = False) -> Iterator[Pair]:
    """Every number of either run, in the head's order, then what only the baseline has."""
    elsewhere = "" if any_machine else _other_machine(base, head)
    before = {key_of(record): record for record in base.records}
    after = {key_of(record): record for record in head.records}
    failed = {(record.candidate, record.suite, record.dataset): record for record in head.all_records if not record.ok}
    for key, record in after.items():
        other = before.get(key)
        reason = "the baseline has no such cell" if other is None else elsewhere or why_not(base, head, other, record)
        yield Pair(key, other, record, reason)
    for key, record in before.items():
        if key in after:
            continue
        crash = failed.get(key[:3])
        reason = f"{crash.status}: {crash.error}" if crash else "this run has no such cell"
        yield Pair(key, record, None, reason)


def why_not(base: RunData, head: RunData, before: Record, after: Record) -> str:
    """The first field in which two records differ so that their values mean different things; empty where none."""
    suite = head.suites.get(after.suite)
    if suite is not None and suite.timed and after.direction != "none":
        return "time is compared only side by side, never between runs"
    if before.fingerprint != after.fingerprint:
        return f"other data: fingerprint {_short(before.fingerprint)} and {_short(after.fingerprint)}"
    if before.protocol != after.protocol:
        return f"other protocol: {_choice(base, head, before, after)}"
    alike = {
        "dtype": (before.dtype, after.dtype),
        "unit": (before.unit, after.unit),
        "direction": (before.direction, after.direction),
        "seeds": (list(before.seeds), list(after.seeds)),
    }
    for name, (first, second) in alike.items():
        if first != second:
            return f"other {name}: {first} and {second}"
    ours, theirs = _weights(before), _weights(after)
    for name in sorted({*ours, *theirs}):
        if ours.get(name) != theirs.get(name):
            return f"other weights: {name} is {ours.get(name, 'absent')} and {theirs.get(name, 'absent')}"
    if before.device.partition(":")[0] != after.device.partition(":")[0]:
        return f"other device: {before.device} and {after.device}"
    if after.distrusted or before.distrusted:
        return "a control of the suite left its known range"
    if after.refused or before.refused:
        return "an encoder was refused at admission"
    return ""


def _other_machine(base: RunData, head: RunData) -> str:
    """Why two runs do not come from machines alike: kernels differ, and fits drift apart from their rounding."""
    ours, theirs = ((run.manifest.get("hardware") or {}) for run in (base, head))
    if ours.get("fingerprint") == theirs.get("fingerprint"):
        return ""
    for name in sorted({*ours, *theirs} - {"fingerprint"}):
        if ours.get(name) != theirs.get(name):
            return f"other machine: {name} is {ours.get(name, 'absent')!s:.60} and {theirs.get(name, 'absent')!s:.60}"
    return f"other machine: {_short(ours.get('fingerprint'))} and {_short(theirs.get('fingerprint'))}"


def _weights(record: Record) -> dict[str, str]:
    return {
        f"{model.part} {model.name}": " ".join(
            filter(None, (_trained(model.kind), _short(model.sha256), model.quantize))
        )
        for model in record.provenance
    }


def _trained(kind: str) -> str:
    """Whether anybody knows a file as published changes no number that it gives."""
    return "pretrained" if kind == "published" else kind


def _choice(base: RunData, head: RunData, before: Record, after: Record) -> str:
    ours: Mapping[str, Any] = (base.manifest.get("protocols") or {}).get(before.protocol) or {}
    theirs: Mapping[str, Any] = (head.manifest.get("protocols") or {}).get(after.protocol) or {}
    for name in sorted({*ours, *theirs}):
        if ours.get(name, ABSENT) != theirs.get(name, ABSENT):
            return f"{name} is {ours.get(name, 'not there')!r:.60} and {theirs.get(name, 'not there')!r:.60}"
    return f"{before.protocol} and {after.protocol}"


def _short(digest: Any) -> str:
    return str(digest)[:8] if digest else "none"
