"""A run in a process of its own, to be killed at any moment. Imported by that process, so it holds no tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

NAMES = ("pixels@patch/identity/single/linear", "oracle@mask/bilinear/single/linear")


def dies(after: int, delay_s: float) -> None:
    """This process is killed ``delay_s`` after the run holds more than ``after`` lines, whatever it does by then.

    By a thread of its own: an onlooker may be kept waiting on a busy machine until the run is over.
    """
    import os
    import signal
    import threading

    from foresight_harness.running.run_folder.folder import RunFolder

    append = RunFolder.append_records

    def counted(run: RunFolder, *lines: Any, **more: Any) -> Any:
        done = append(run, *lines, **more)
        if len(run.records()) > after:
            threading.Timer(delay_s, os.kill, (os.getpid(), signal.SIGKILL)).start()
        return done

    RunFolder.append_records = counted  # type: ignore[method-assign]


def carry_out(folder: str, few: dict[str, int], resume: bool, death: tuple[int, float] | None = None) -> None:
    """Score every candidate in two suites in this process, from a fresh start or where the latest run was left."""
    from dataclasses import replace

    import torch
    from foresight_harness.contracts.progress import silent
    from foresight_harness.planning.candidates import parse_candidate, resolve
    from foresight_harness.planning.options import DatasetChoice, RunOptions, scale
    from foresight_harness.planning.plan import PlannedCell
    from foresight_harness.planning.registry import own_registry
    from foresight_harness.running.engines.engines import engine_for
    from foresight_harness.running.keeper import RunKeeper

    if death is not None:
        dies(*death)
    torch.set_num_threads(1)
    scale.SCALES["smoke"] = replace(scale.SCALES["smoke"], **few)
    registry = own_registry()
    data = DatasetChoice("shapes")
    places = {"out": Path(folder, "runs"), "cache": Path(folder, "cache")}
    keeper = RunKeeper(registry, RunOptions(datasets=(data,), resume=resume, **places), silent(), "pytest benchmarks/")
    cells = [
        PlannedCell(resolve(parse_candidate(name), registry), registry.suite(kind), data)
        for name in NAMES
        for kind in ("spatial", "alignment")
    ]
    keeper.plan(cells)
    engine = engine_for(keeper, cells)
    for cell in cells:
        engine.score(cell, None)
    engine.close()
    keeper.close("complete")
