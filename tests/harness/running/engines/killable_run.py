"""A run in a process of its own, to be killed at any moment. Imported by that process, so it holds no tests."""

from __future__ import annotations

from pathlib import Path

NAMES = ("pixels@patch/identity/single/linear", "oracle@mask/bilinear/single/linear")


def carry_out(folder: str, few: dict[str, int], resume: bool) -> None:
    """Score every candidate in two suites in this process, from a fresh start or where the latest run was left."""
    from dataclasses import replace

    import torch
    from foresight_harness.contracts.progress import silent
    from foresight_harness.parts import builtin
    from foresight_harness.planning.candidates import parse_candidate, resolve
    from foresight_harness.planning.options import DatasetChoice, RunOptions, scale
    from foresight_harness.planning.plan import PlannedCell
    from foresight_harness.planning.registry import PluginInfo, registry_from
    from foresight_harness.planning.suites import suite
    from foresight_harness.running.bench import Bench
    from foresight_harness.running.engines.engines import engine_for

    torch.set_num_threads(1)
    scale.SCALES["smoke"] = replace(scale.SCALES["smoke"], **few)
    registry = registry_from([(PluginInfo("builtin", "foresight-harness", "0", "0"), builtin)])
    data = DatasetChoice("shapes")
    places = {"out": Path(folder, "runs"), "cache": Path(folder, "cache")}
    bench = Bench(registry, RunOptions(datasets=(data,), resume=resume, **places), silent(), "pytest benchmarks/")
    cells = [
        PlannedCell(resolve(parse_candidate(name), registry), suite(kind), data)
        for name in NAMES
        for kind in ("spatial", "alignment")
    ]
    bench.plan(cells)
    engine = engine_for(bench, cells)
    for cell in cells:
        engine.score(cell, None)
    engine.close()
    bench.close("complete")
