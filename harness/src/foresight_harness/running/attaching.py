"""A process that works for a run which another process keeps: a worker of an engine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from foresight_harness.contracts.progress import silent
from foresight_harness.planning.candidates import parse_candidate, resolve
from foresight_harness.planning.options import Scale, parse_dataset
from foresight_harness.planning.options.options import options_from_json
from foresight_harness.planning.plan import PlannedCell
from foresight_harness.planning.registry import load_registry
from foresight_harness.running.keeper import RunKeeper
from foresight_harness.running.run_folder.folder import RunFolder


def attach(run: Path, plan: Mapping[str, Any]) -> RunKeeper:
    """Open a run for work from its ``plan.json``: same options, sizes and cells as the process that keeps it.

    Raises:
        UsageError: if a plugin that the plan needs is not installed here.
    """
    registry = load_registry()
    options = replace(options_from_json(plan["options"]), custom_scale=Scale(**plan["sizes"]))
    keeper = RunKeeper(registry, options, silent(), plan["command"], attached=RunFolder(run))
    resolved = {name: resolve(parse_candidate(name), registry) for name, _, _ in plan["cells"]}
    keeper.plan(
        PlannedCell(resolved[candidate], registry.suite(name), parse_dataset(dataset))
        for candidate, name, dataset in plan["cells"]
    )
    return keeper
