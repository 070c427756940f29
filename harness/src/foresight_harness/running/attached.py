"""A process that works for a run which another process keeps: a worker of an engine."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from foresight_harness.measuring.suites.memory import peak_bytes
from foresight_harness.planning.options import scale

if TYPE_CHECKING:
    from foresight_harness.running.bench import Bench


@dataclass
class RemoteFacts:
    """What an attached process has already told about itself."""

    told: dict[str, dict[str, int]] = field(default_factory=dict)

    def drained(self, bench: Bench) -> dict[str, Any]:
        """Protocols so far, and the counts added since the last call."""
        now = {
            "forwards": dict(bench.extraction.forwards),
            "hits": dict(bench.extraction.hits),
            "builds": dict(bench.pool.builds),
        }
        fresh = {
            kind: {name: count - self.told.get(kind, {}).get(name, 0) for name, count in counts.items()}
            for kind, counts in now.items()
        }
        self.told = now
        keys = sorted(key[:16] for key in bench.store.used)
        controls = [[*key, ok, list(said)] for key, (ok, said) in controls_of(bench).items()]
        peak = {f"{platform.node()} {os.getpid()}": peak_bytes()}
        return {"protocols": bench.protocols, "peak_bytes": peak, "cache_keys": keys, "controls": controls, **fresh}


def controls_of(bench: Bench) -> dict[tuple[str, str], tuple[bool, tuple[str, ...]]]:
    """By suite and data set whether controls are in range and what they scored, whoever measured them."""
    own = {key: (found.ok, found.sentences) for key, found in bench.calibrations.items()}
    return {**bench.remote_controls, **own}


def attach(run: Path, plan: Mapping[str, Any]) -> Bench:
    """Open a run for work from its ``plan.json``: same options, sizes and cells as the process that keeps it.

    Raises:
        UsageError: if a plugin that the plan needs is not installed here.
    """
    from foresight_harness.contracts.progress import silent
    from foresight_harness.planning.candidates import parse_candidate, resolve
    from foresight_harness.planning.options import parse_dataset
    from foresight_harness.planning.options.options import options_from_json
    from foresight_harness.planning.plan import PlannedCell
    from foresight_harness.planning.registry import load_registry
    from foresight_harness.planning.suites import suite
    from foresight_harness.running.bench import Bench
    from foresight_harness.running.run_folder.folder import RunFolder

    sizes = scale.Scale(**plan["sizes"])
    scale.SCALES[sizes.name] = sizes
    registry = load_registry()
    bench = Bench(registry, options_from_json(plan["options"]), silent(), plan["command"], attached=RunFolder(run))
    resolved = {name: resolve(parse_candidate(name), registry) for name, _, _ in plan["cells"]}
    bench.plan(
        PlannedCell(resolved[candidate], suite(name), parse_dataset(dataset))
        for candidate, name, dataset in plan["cells"]
    )
    return bench
