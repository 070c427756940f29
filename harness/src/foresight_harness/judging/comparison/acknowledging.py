"""Acknowledged regressions: somebody has looked, said why, and until when that holds."""

from __future__ import annotations

import fnmatch
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from foresight_harness.contracts.errors import UsageError
from foresight_harness.judging.comparison.matching import Key


@dataclass(frozen=True)
class Acknowledgement:
    """A worse number that is accepted for a while."""

    candidate: str
    """Glob."""
    metric: str
    reason: str
    expires: str
    """ISO date; from that day on it no longer counts."""
    at_most: float | None = None
    """Largest difference to the bad side that it covers; None is any."""
    spent: bool = False
    """The run that was promoted with it holds the worse number already, so a further drop is not covered."""

    def covers(self, key: Key, delta: float, direction: str) -> bool:
        """Whether a regression is acknowledged today. A crash has no difference, and is never."""
        if self.spent or math.isnan(delta):
            return False
        if self.expired:
            return False
        if not fnmatch.fnmatchcase(key[0], self.candidate) or key[3] != self.metric:
            return False
        bad = -delta if direction == "higher" else delta
        return self.at_most is None or bad <= self.at_most

    @property
    def expired(self) -> bool:
        """Whether its day has come."""
        return datetime.now(UTC).date() >= date.fromisoformat(self.expires)

    def as_json(self) -> dict[str, Any]:
        """As it stands in a baseline."""
        return dict(vars(self))


def parse_acknowledgement(text: str) -> Acknowledgement:
    """``CANDIDATE_GLOB|METRIC|REASON|YYYY-MM-DD``, with ``|AT_MOST`` where only so much is accepted.

    Raises:
        UsageError: naming the part that is wrong.
    """
    parts = [part.strip() for part in text.split("|")]
    if len(parts) not in (4, 5) or not all(parts):
        raise UsageError(f"--ack {text!r}: write CANDIDATE_GLOB|METRIC|REASON|YYYY-MM-DD or ...|AT_MOST")
    candidate, metric, reason, expires = parts[:4]
    try:
        date.fromisoformat(expires)
    except ValueError as error:
        raise UsageError(f"--ack: {expires!r} is no date; write YYYY-MM-DD") from error
    try:
        at_most = float(parts[4]) if len(parts) == 5 else None
    except ValueError as error:
        raise UsageError(f"--ack: {parts[4]!r} is no number") from error
    return Acknowledgement(candidate, metric, reason, expires, at_most)


def acknowledgement_of(entry: Mapping[str, Any]) -> Acknowledgement:
    """From a baseline's JSON. Raises: KeyError, TypeError where it is none."""
    at_most = entry.get("at_most")
    return Acknowledgement(
        str(entry["candidate"]),
        str(entry["metric"]),
        str(entry["reason"]),
        str(entry["expires"]),
        None if at_most is None else float(at_most),
        bool(entry.get("spent", False)),
    )
