"""What probes found, kept for the next suite or decoder that asks the same."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Mapping
from typing import Any, NamedTuple

from foresight_harness.contracts.probes import Detections

MOST_READINGS = 64
"""Kept of a run: about half a megabyte each at 1,000 pictures."""


class KeptReading(NamedTuple):
    """What a probe found once, and how its fit went."""

    found: list[Detections]
    curve: Mapping[str, Any] | None


class KeptReadings:
    """Readings of a run by what decides them: candidates that differ in the decoder, and suites that ask for the same
    probe, share one factorisation (or training) and one pass. The oldest go first."""

    def __init__(self) -> None:
        self._kept: OrderedDict[Hashable, KeptReading] = OrderedDict()

    def get(self, key: Hashable) -> KeptReading | None:
        """The reading; None where there is none."""
        return self._kept.get(key)

    def keep(self, key: Hashable, reading: KeptReading) -> None:
        """Keep a reading for the next suite or decoder."""
        self._kept[key] = reading
        while len(self._kept) > MOST_READINGS:
            self._kept.popitem(last=False)
