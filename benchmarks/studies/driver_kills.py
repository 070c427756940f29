"""Does a run whose driver is killed again and again end as an undisturbed one?

    python benchmarks/studies/driver_kills.py [--kills 10] [--engine local:2] [--seed 8] [--write]

`pytest benchmarks/` is started on a plan of cheap cells and killed with SIGKILL at moments that are drawn over what the
undisturbed run took: in its start (imports, plan, workers), among its cells (a moment after a drawn record) and at its
end (conclusions, report), each phase by its share of the time and each at least once. Kills at the end come last, since
nothing is left to score after one. Each life resumes what the last one left. After the last kill the run is resumed to
its end, its records are compared by digest with those of the undisturbed run, and cells that were finished at a kill
must not have been scored again.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from foresight_harness.contracts.errors import RunFolderError
from foresight_harness.contracts.records import Record
from foresight_harness.running.run_folder.digests import run_digests
from foresight_harness.running.run_folder.folder import find_run
from foresight_harness.running.run_folder.record_file import read_records

ROOT = Path(__file__).resolve().parents[2]
STREAMS = ("pixels@patch", "oracle@mask")
ENHANCERS = ("identity", "bilinear", "nearest")
RECORD = Path(__file__).with_suffix(".json")
PATIENCE_S = 300.0
LOOK_S = 0.05
PHASES = ("start", "cells", "end")


@dataclass(frozen=True)
class Took:
    """Seconds of the undisturbed run: to its first record, to its last one, to the end of its process."""

    start: float
    cells: float
    end: float


class EndedBeforeTheKill(Exception):
    """A life came to its end: the kills shall be in a row, so they begin anew."""


def launch(folder: Path, engine: str) -> subprocess.Popen[bytes]:
    """Start the run, or go on with the one that is there."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"]
    command += [str(ROOT / "benchmarks" / f"test_{suite}.py") for suite in ("spatial", "alignment")]
    command += ["--engine", engine, "--dataset", "shapes"]
    command += ["--out", str(folder / "runs"), "--feature-cache", str(folder / "cache")]
    for stream in STREAMS:
        for enhancer in ENHANCERS:
            command += ["--candidate", f"{stream}/{enhancer}/single/linear"]
    if run_of(folder) is not None:
        command.append("--resume")
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    with (folder / "log.txt").open("ab") as log:
        return subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log, env=environment)


def run_of(folder: Path) -> Path | None:
    """The run folder; None before there is one to resume."""
    try:
        return find_run(folder / "runs")
    except RunFolderError:
        return None


def records_of(folder: Path) -> list[Record]:
    """Records so far; none before the run has a folder."""
    run = run_of(folder)
    return [] if run is None else read_records(run / "records.jsonl")


def closed_since(folder: Path, began: datetime) -> bool:
    """Whether this life has scored everything and goes on to conclusions and report."""
    run = run_of(folder)
    if run is None:
        return False
    manifest = json.loads((run / "run.json").read_text(encoding="utf-8"))
    return manifest["status"] == "complete" and datetime.fromisoformat(manifest["ended"]) >= began


def now() -> datetime:
    """To the second, as manifests have it."""
    return datetime.now(UTC).replace(microsecond=0)


def finished(records: list[Record]) -> dict[str, float | None]:
    """Seconds of every cell whose records are all there: they tell whether it was scored again."""
    by_cell: dict[str, list[Record]] = {}
    for record in records:
        by_cell.setdefault(record.cell, []).append(record)
    return {cell: lines[0].wall_s for cell, lines in by_cell.items() if len(lines) == lines[0].of_cell}


def wait_for(process: subprocess.Popen[bytes], reached: Any) -> None:
    """Until something is reached. Raises: EndedBeforeTheKill."""
    ends = time.monotonic() + PATIENCE_S
    while not reached():
        if process.poll() is not None or time.monotonic() > ends:
            raise EndedBeforeTheKill
        time.sleep(LOOK_S)


def linger(process: subprocess.Popen[bytes], seconds: float) -> None:
    """Let it run on. Raises: EndedBeforeTheKill."""
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        return
    raise EndedBeforeTheKill


def undisturbed(folder: Path, engine: str) -> Took:
    """Run to the end and tell what each phase took."""
    began, since = time.monotonic(), now()
    process = launch(folder, engine)
    try:
        wait_for(process, lambda: bool(records_of(folder)))
        first = time.monotonic()
        wait_for(process, lambda: closed_since(folder, since))
    except EndedBeforeTheKill:
        sys.exit((folder / "log.txt").read_text())
    last = time.monotonic()
    if process.wait(PATIENCE_S) != 0:
        sys.exit((folder / "log.txt").read_text())
    return Took(first - began, last - first, time.monotonic() - last)


def phases_of(kills: int, took: Took, draw: random.Random) -> list[str]:
    """A phase a kill: at least one each, the others by their share of the time; the end's come last."""
    drawn = draw.choices(PHASES, list(asdict(took).values()), k=max(0, kills - len(PHASES)))
    found = [*PHASES[: min(kills, len(PHASES))], *drawn]
    draw.shuffle(found)
    return sorted(found, key=lambda phase: phase == "end")


def kill_in(phase: str, folder: Path, engine: str, took: Took, most: int, draw: random.Random) -> dict[str, Any]:
    """One life and its end by SIGKILL.

    Args:
        phase: Where the kill falls.
        folder: Of the torn run.
        engine: As pytest takes it.
        took: What the undisturbed run took.
        most: Records that this life may add before the kill, so that some are left for later ones.
        draw: Where the moment comes from.

    Raises:
        EndedBeforeTheKill: where the run was quicker than the undisturbed one.
    """
    before = len(records_of(folder))
    since, began = now(), time.monotonic()
    process = launch(folder, engine)
    try:
        if phase == "start":
            linger(process, draw.uniform(0, took.start))
        elif phase == "cells":
            at = before + draw.randint(1, max(1, most))
            wait_for(process, lambda: len(records_of(folder)) >= at)
            linger(process, draw.uniform(0, 0.5))
        else:
            wait_for(process, lambda: closed_since(folder, since))
            linger(process, draw.uniform(0, 0.8 * took.end))
    finally:
        process.kill()
        process.wait()
    return {"phase": phase, "after_s": round(time.monotonic() - began, 2), "records": len(records_of(folder))}


def torn(folder: Path, arguments: argparse.Namespace, took: Took, whole: int) -> list[dict[str, Any]]:
    """Kill the driver again and again; what was there at each kill."""
    draw = random.Random(arguments.seed)
    while True:
        phases = phases_of(arguments.kills, took, draw)
        kills: list[dict[str, Any]] = []
        try:
            for phase in phases:
                lives = sum(later == "cells" for later in phases[len(kills) :])
                most = (whole - len(records_of(folder))) // (lives + 1) if lives else 0
                kills.append(kill_in(phase, folder, arguments.engine, took, most, draw))
                print(json.dumps(kills[-1]), flush=True)
                time.sleep(1.0)  # workers look twice a second whether their driver is there
        except EndedBeforeTheKill:
            print(f"the run ended before kill {len(kills) + 1}; all over again", flush=True)
            shutil.rmtree(folder)
            folder.mkdir()
            took = Took(took.start / 2, took.cells, took.end / 2)  # the machine was busier when it was measured
            continue
        return kills


def main() -> None:
    """Run whole, run torn, compare."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--engine", default="local:2")
    parser.add_argument("--seed", type=int, default=8)
    parser.add_argument("--write", action="store_true", help=f"keep the figures under the engine in {RECORD.name}")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        calm, rent = Path(place, "calm"), Path(place, "torn")
        calm.mkdir()
        rent.mkdir()
        took = undisturbed(calm, arguments.engine)
        print(json.dumps(asdict(took)), flush=True)
        whole = records_of(calm)
        kills = torn(rent, arguments, took, len(whole))
        left = finished(records_of(rent))
        if launch(rent, arguments.engine).wait(PATIENCE_S) != 0:
            sys.exit((rent / "log.txt").read_text())
        ended = records_of(rent)
    again = [cell for cell, wall_s in left.items() if finished(ended).get(cell) != wall_s]
    found = {
        "command": " ".join(["python benchmarks/studies/driver_kills.py", *sys.argv[1:]]),
        "undisturbed_s": {phase: round(seconds, 1) for phase, seconds in asdict(took).items()},
        "kills": kills,
        "records": len(whole),
        "cells": len(finished(whole)),
        "finished_at_the_last_kill": len(left),
        "scored_again": len(again),
        "digests_equal": run_digests(ended) == run_digests(whole) and len(ended) == len(whole),
    }
    print(json.dumps(found, indent=1))
    if arguments.write:
        kept = json.loads(RECORD.read_text(encoding="utf-8")) if RECORD.is_file() else {}
        RECORD.write_text(json.dumps({**kept, arguments.engine: found}, indent=1) + "\n", encoding="utf-8")
    if not found["digests_equal"] or again:
        sys.exit("the torn run did not end as the undisturbed one")


if __name__ == "__main__":
    main()
