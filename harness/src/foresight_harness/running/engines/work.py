"""The only remote entry point: carry out the cells of a unit and write records. Workers keep their run in memory."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from foresight_harness.contracts.errors import RunFolderError
from foresight_harness.running.costs.history import LATER
from foresight_harness.running.engines.cell_execution import carry_out
from foresight_harness.running.engines.executor import Job
from foresight_harness.running.engines.journal import Journal

if TYPE_CHECKING:
    from foresight_harness.measuring.workshop.cell import Timer
    from foresight_harness.running.keeper import RunKeeper

PLAN = "plan.json"
"""In the run folder: the cells of the whole run, so that a worker extracts together what belongs together."""

_resident: dict[str, RunKeeper] = {}
"""The run that this process works for: encoders, splits and calibrations stay in memory between units."""


def run_job(job: Job) -> None:
    """Carry out one unit.

    Args:
        job: ``run`` (folder), ``cwd`` (what relative paths of data sets start from), ``unit``, ``attempt``,
            ``cells`` (candidate, suite, data set), and the ``plan`` where it holds a secret, which no file may.

    A failing cell is a record, not an error of the unit. What happens stands in the unit's journal.

    Raises:
        RunFolderError: where the run folder takes no more.
    """
    journal = Journal(Path(job["run"]), job["unit"], job["attempt"])
    journal.write("begun", pid=os.getpid())
    if Path.cwd() != Path(job["cwd"]):
        os.chdir(job["cwd"])
    keeper = _bench_of(Path(job["run"]), job.get("plan"))
    keeper.refresh()
    wanted = {tuple(cell) for cell in job["cells"]}
    for planned in keeper.planned:
        key = (str(planned.candidate), planned.suite.name, str(planned.dataset))
        if key not in wanted:
            continue
        journal.write("cell", cell=list(key))
        began = time.monotonic()
        status, first = "ok", LATER
        try:
            first = carry_out(keeper, planned, _timer() if planned.suite.live_encoder else None).first
        except RunFolderError:  # neither this cell nor another can be recorded
            raise
        except Exception as error:  # recorded by the keeper; the driver reads the record
            status = type(error).__name__
        wall_s = round(time.monotonic() - began, 3)
        journal.write("cell_ended", cell=list(key), status=status, wall_s=wall_s, **asdict(first))
    journal.write("ended", facts=keeper.drain_facts())


def _bench_of(run: Path, unwritten: Mapping[str, Any] | None) -> RunKeeper:
    key = str(run)
    if key not in _resident:
        from foresight_harness.running.attaching import attach

        _resident.clear()
        _resident[key] = attach(run, unwritten or json.loads((run / PLAN).read_text(encoding="utf-8")))
    return _resident[key]


def _timer() -> Timer:
    from foresight_harness.measuring.suites.efficiency import WARMUP
    from foresight_harness.measuring.suites.timing import PlainTimer

    return PlainTimer(WARMUP)


def plan_document(keeper: RunKeeper) -> dict[str, Any]:
    """What ``plan.json`` holds: cells in running order, options, and the sizes behind the scale's name."""

    return {
        "schema": 1,
        "command": keeper.command,
        "options": {**keeper.options.as_json(), "cache": str(keeper.options.cache.resolve())},
        "sizes": asdict(keeper.options.base_sizes),
        "cells": [[str(cell.candidate), cell.suite.name, str(cell.dataset)] for cell in keeper.planned],
    }
