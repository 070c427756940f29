"""No file of a run folder holds a secret of an address; workers are still told the whole of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from foresight_harness.contracts.records import parse
from foresight_harness.running.engines.driver import Driver, Limits
from foresight_harness.running.engines.journal import Journal
from foresight_harness.running.engines.units import Unit
from foresight_harness.running.run_folder.folder import RunFolder

ADDRESS = "https://me:PASSWORD@host/set?token=PASSWORD"


class OneSlot:
    """Takes a job and does nothing with it."""

    slots = 1

    def __init__(self) -> None:
        self.jobs: list[Any] = []

    def submit(self, slot: int, job: Any) -> None:
        self.jobs.append(job)

    def wait(self, timeout_s: float) -> list[Any]:
        return []


def test_manifest_records_plan_and_journals_hold_no_secret_and_the_job_does(tmp_path: Path, record) -> None:
    folder = RunFolder(tmp_path / "run")
    folder.write_manifest({"command": f"pytest --dataset coco:{ADDRESS}", "options": {"cache_url": ADDRESS}})
    failed = record(status="failed", metric=None, value=None, error=f"{ADDRESS} is gone", trace=f"at {ADDRESS}")
    folder.append_records([parse(failed)])
    cell = ("oracle@mask/identity/single/linear", "alignment", f"coco:{ADDRESS}")
    executor = OneSlot()
    unit = Unit("u", (cell,), "oracle", 1.0)
    driver = Driver(folder.path, executor, [unit], Limits(), on_facts=print, on_lost=print)  # type: ignore[arg-type]
    plan = {"options": {"datasets": [f"coco:{ADDRESS}"]}, "cells": [list(cell)]}
    driver.write_plan(plan)
    driver.step()
    assert executor.jobs[0]["plan"] == plan
    journal = Journal(folder.path, "u", 0)
    journal.write("cell", cell=list(cell))
    journal.write("cell_ended", cell=list(cell), status="ok", wall_s=1.0)
    driver.step()
    assert driver.ended == {cell: "ok"}
    for path in folder.path.rglob("*"):
        if path.is_file():
            assert b"PASSWORD" not in path.read_bytes(), path.name


def test_plan_without_a_secret_is_read_from_its_file(tmp_path: Path) -> None:
    executor = OneSlot()
    unit = Unit("u", (("a", "b", "c"),), "a", 1.0)
    driver = Driver(tmp_path, executor, [unit], Limits(), on_facts=print, on_lost=print)  # type: ignore[arg-type]
    driver.write_plan({"options": {"out": "runs"}, "cells": [["a", "b", "c"]]})
    driver.step()
    assert "plan" not in executor.jobs[0]


@pytest.mark.parametrize("text", ["a\n::error::x", "::error::x"])
def test_error_of_a_record_is_one_line(text: str) -> None:
    from foresight_harness.contracts.errors import DataError

    line = str(DataError(text))
    assert line.splitlines() == [line]
    assert not line.startswith("::")
