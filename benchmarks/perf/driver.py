"""What does the driver cost beside the work: a unit, and as a share of a smoke run?

    python benchmarks/perf/driver.py [--units 1000] [--engine local:2] [--write]

A unit: the driver hands out units whose workers write their journal and do nothing, eight slots, so that all that is
timed is handing out, reading journals and taking in ends. A run: the controls at smoke scale in two suites, for real;
the driver's own time, waiting left out, over the wall time of the run.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections import deque
from pathlib import Path
from typing import Any

from foresight_harness.running.engines.driver import Driver, Limits
from foresight_harness.running.engines.engines import Pooled, engine_for
from foresight_harness.running.engines.executor import Ended, Job
from foresight_harness.running.engines.journal import Journal
from foresight_harness.running.engines.units import Unit
from foresight_harness.surface.python_calls import opened

CONTROLS = ("oracle@mask", "pixels@patch", "shuffled@patch", "constant@patch")
MOST_SHARE, MOST_MS = 0.05, 10.0
RECORD = Path(__file__).with_suffix(".json")


class Idle:
    """Eight workers that are done at once; what they write themselves is counted apart."""

    slots = 8

    def __init__(self) -> None:
        self.ends: deque[Ended] = deque()
        self.writing_s = 0.0

    def start(self) -> None:
        """Nothing to start."""

    def close(self) -> None:
        """Nothing to end."""

    def kill(self, slot: int) -> None:
        """Nothing to kill."""

    def submit(self, slot: int, job: Job) -> None:
        """Write what a worker writes."""
        began = time.monotonic()
        journal = Journal(Path(job["run"]), job["unit"], job["attempt"])
        for cell in job["cells"]:
            journal.write("cell", cell=cell)
            journal.write("cell_ended", cell=cell, status="ok", wall_s=0.0)
        journal.write("ended", facts={})
        self.ends.append(Ended(slot, "done"))
        self.writing_s += time.monotonic() - began

    def wait(self, timeout_s: float) -> list[Ended]:
        """All that ended."""
        found = list(self.ends)
        self.ends.clear()
        return found


def a_unit(count: int, cells: int = 4) -> float:
    """Milliseconds of the driver a unit."""
    units = [
        Unit(f"{index:06}", tuple((f"c{index}.{cell}", "spatial", "shapes") for cell in range(cells)), f"e{index}", 1.0)
        for index in range(count)
    ]
    executor = Idle()
    with tempfile.TemporaryDirectory() as folder:
        driver = Driver(Path(folder), executor, units, Limits(), lambda facts: None, lambda *lost: None)
        for unit in units:
            for cell in unit.cells:
                driver.until(cell)
    return 1000 * (driver.overhead_s - executor.writing_s) / count


def a_run(engine_name: str) -> dict[str, Any]:
    """The driver's seconds and those of a smoke run of the controls."""
    with tempfile.TemporaryDirectory() as folder:
        places = {"out": Path(folder, "runs"), "feature_cache": Path(folder, "cache")}
        names = [f"{name}/identity/single/linear" for name in CONTROLS]
        keeper = opened(names, ("spatial", "alignment"), "shapes", engine=engine_name, **places)
        engine = engine_for(keeper, keeper.planned)
        began = time.monotonic()
        for cell in keeper.planned:
            engine.score(cell, None)
        wall_s = time.monotonic() - began
        assert isinstance(engine, Pooled)
        assert engine.driver is not None
        own_s, units = engine.driver.overhead_s, len(engine.driver.units)
        engine.close()
        keeper.close("complete")
    return {"wall_s": round(wall_s, 1), "driver_s": round(own_s, 3), "units": units, "share": round(own_s / wall_s, 4)}


def main() -> None:
    """Measure, print, and fail above the limits."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--units", type=int, default=1000)
    parser.add_argument("--engine", default="local:2")
    parser.add_argument("--write", action="store_true", help=f"keep the figures in {RECORD.name}")
    arguments = parser.parse_args()
    found: dict[str, Any] = {"command": " ".join(["python benchmarks/perf/driver.py", *sys.argv[1:]])}
    found |= {"units": arguments.units, "ms_a_unit": round(a_unit(arguments.units), 3)}
    found["run"] = a_run(arguments.engine)
    print(json.dumps(found, indent=1))
    if arguments.write:
        RECORD.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    if found["ms_a_unit"] > MOST_MS or found["run"]["share"] > MOST_SHARE:
        sys.exit(f"over {MOST_MS:g} ms a unit or {MOST_SHARE:.0%} of the run")


if __name__ == "__main__":
    main()
