"""Sessions of a run: the one that began it, and one for each ``--resume``. What an earlier one said is kept."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from foresight_harness.contracts.records import Record

Session = Mapping[str, Any]
COUNTED = ("pictures_forwarded", "cache_hits", "encoder_builds")
"""Fields of ``extraction`` that are counts by encoder."""
OWN = ("started", "ended", "status", "command", "counts", "extraction", "exporters", "plan")
"""Fields of a manifest that are of its last session alone, where there is no list of sessions."""


def earlier_sessions(manifest: Mapping[str, Any], records: Sequence[Record]) -> list[dict[str, Any]]:
    """What a manifest says of the sessions so far, for the one that goes on.

    Args:
        manifest: Empty where it was lost.
        records: Of the run: what failed is tried again, so its failure is kept here.

    Returns:
        One each; of a run of before that has no list, what the manifest says of itself.
    """
    listed = manifest.get("sessions")
    if isinstance(listed, list) and listed:
        found = [dict(one) for one in listed if isinstance(one, Mapping)]
    else:
        found = [{name: manifest[name] for name in OWN if name in manifest}]
    last = found[-1]
    failures: list[dict[str, Any]] = [
        {"cell": one.cell, "candidate": one.candidate, "suite": one.suite, "dataset": one.dataset}
        | {"status": one.status, "error": one.error}
        for one in records
        if not one.ok
    ]
    if failures:
        last["failures"] = failures
    if last.get("status", "running") == "running":
        last |= {"status": "killed", "ended": None}
    return found


def all_extraction(sessions: Sequence[Session]) -> dict[str, Any]:
    """``extraction`` of the whole run: counts added up, every cache key that any session has read."""
    told = [found for one in sessions if isinstance(found := one.get("extraction"), Mapping)]
    sums: dict[str, Any] = {}
    for name in COUNTED:
        total: Counter[str] = Counter()
        for one in told:
            total.update(one.get(name) or {})
        sums[name] = dict(total)
    if any("spot_checked" in one for one in told):
        sums["spot_checked"] = sum(one.get("spot_checked") or 0 for one in told)
        sums["stale"] = list(dict.fromkeys(line for one in told for line in one.get("stale") or ()))
    return sums | {"cache_keys": sorted({key for one in told for key in one.get("cache_keys") or ()})}


def with_earlier(kept: Any, now: Sequence[Mapping[str, Any]], *key: str) -> list[dict[str, Any]]:
    """A list of the manifest: what earlier sessions had and this one does not name, then this one's."""
    own = {tuple(str(one.get(name)) for name in key) for one in now}
    before = [dict(one) for one in kept or () if isinstance(one, Mapping)]
    return [*(one for one in before if tuple(str(one.get(name)) for name in key) not in own), *map(dict, now)]
