"""What a process that works for a run tells the one that keeps it."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from foresight_harness.measuring.suites.memory import peak_bytes
from foresight_harness.measuring.workshop.workshop import Workshop


@dataclass
class RemoteFacts:
    """What an attached process has already told about itself."""

    told: dict[str, dict[str, int]] = field(default_factory=dict)
    findings: list[str] = field(default_factory=list)

    def drained(
        self,
        workshop: Workshop,
        protocols: Mapping[str, Any],
        controls: Mapping[tuple[str, str], tuple[bool | None, tuple[str, ...]]],
    ) -> dict[str, Any]:
        """Protocols so far, and the counts added since the last call."""
        now = {
            "forwards": dict(workshop.extraction.forwards),
            "hits": dict(workshop.extraction.hits),
            "builds": dict(workshop.pool.builds),
            "spot_checked": {"samples": workshop.checks.checked},
        }
        fresh = {
            kind: {name: count - self.told.get(kind, {}).get(name, 0) for name, count in counts.items()}
            for kind, counts in now.items()
        }
        self.told = now
        keys = sorted(key[:16] for key in workshop.store.used)
        found = [line for line in workshop.checks.findings if line not in self.findings]
        self.findings += found
        told = [[*key, ok, list(said)] for key, (ok, said) in controls.items()]
        peak = {f"{platform.node()} {os.getpid()}": peak_bytes()}
        return {
            "protocols": protocols,
            "peak_bytes": peak,
            "cache_keys": keys,
            "controls": told,
            "stale": found,
            "admission": workshop.admission.facts(),
            **fresh,
        }
