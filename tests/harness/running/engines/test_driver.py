"""The driver against an executor whose workers do as they are told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from foresight_harness.contracts.errors import EngineGone, RunFolderError
from foresight_harness.running.engines import driver as driver_module
from foresight_harness.running.engines.driver import Driver, Limits
from foresight_harness.running.engines.executor import Ended
from foresight_harness.running.engines.journal import Journal
from foresight_harness.running.engines.units import Unit
from foresight_harness.running.timeout import too_long


class Scripted:
    """Slots that play a script: for each cell ``ok``, an error's name, ``die`` or ``hang``."""

    def __init__(self, slots: int, script: dict[str, list[str]] | None = None) -> None:
        self.slots = slots
        self.script = script or {}
        self.jobs: list[tuple[int, dict[str, Any]]] = []
        self.together: list[set[str]] = []
        self.ends: list[Ended] = []
        self.live: dict[int, str] = {}
        self.killed: list[int] = []
        self.rss = 0

    def start(self) -> None: ...

    def close(self) -> None: ...

    def rss_bytes(self, slot: int) -> int:
        return self.rss

    def submit(self, slot: int, job: Any) -> None:
        self.jobs.append((slot, dict(job)))
        self.live[slot] = job["unit"]
        self.together.append(set(self.live.values()))
        journal = Journal(Path(job["run"]), job["unit"], job["attempt"])
        for cell in job["cells"]:
            journal.write("cell", cell=cell)
            acts = self.script.get(cell[0], ["ok"])
            act = acts.pop(0) if len(acts) > 1 else acts[0]
            if act == "die":
                self.ends.append(Ended(slot, "lost", "the worker was killed by SIGKILL"))
                return
            if act == "hang":
                return
            if act == "full":
                self.ends.append(Ended(slot, "unwritable", "run folder r cannot be written (No space left on device)"))
                return
            journal.write("cell_ended", cell=cell, status=act, wall_s=0.1)
        journal.write("ended", facts={"forwards": {"pixels": len(job["cells"])}})
        self.ends.append(Ended(slot, "done"))

    def wait(self, timeout_s: float) -> list[Ended]:
        found, self.ends = self.ends, []
        for each in found:
            self.live.pop(each.slot, None)
        return found

    def kill(self, slot: int) -> None:
        self.live.pop(slot, None)
        self.killed.append(slot)


def unit(name: str, *candidates: str, est: float = 1.0, exclusive: bool = False) -> Unit:
    return Unit(name, tuple((candidate, "spatial", "shapes") for candidate in candidates), name, est, exclusive)


class Told(list[tuple[str, str, str]]):
    def lost(self, cell: tuple[str, str, str], status: str, reason: str, wall_s: float) -> None:
        self.append((cell[0], status, reason))


def drive(tmp_path: Path, executor: Scripted, units: list[Unit], limits: Limits | None = None) -> tuple[Driver, Told]:
    told = Told()
    facts: list[dict[str, Any]] = []
    driver = Driver(tmp_path, executor, units, limits or Limits(), facts.append, told.lost)
    for each in units:
        for cell in each.cells:
            driver.until(cell)
    return driver, told


def test_every_cell_ends_and_facts_arrive(tmp_path: Path) -> None:
    facts: list[dict[str, Any]] = []
    driver = Driver(tmp_path, Scripted(2), [unit("a", "x", "y"), unit("b", "z")], Limits(), facts.append, Told().lost)
    assert driver.until(("z", "spatial", "shapes")) == "ok"
    assert driver.until(("y", "spatial", "shapes")) == "ok"
    assert sorted(entry["forwards"]["pixels"] for entry in facts) == [1, 2]


def test_a_cell_that_is_not_planned_is_not_waited_for(tmp_path: Path) -> None:
    driver = Driver(tmp_path, Scripted(1), [], Limits(), lambda facts: None, Told().lost)
    assert driver.until(("x", "spatial", "shapes")) == "unplanned"


def test_failed_cell_is_a_result_and_is_not_tried_again(tmp_path: Path) -> None:
    executor = Scripted(1, {"x": ["ValueError"]})
    driver, told = drive(tmp_path, executor, [unit("a", "x", "y")])
    assert driver.ended == {("x", "spatial", "shapes"): "ValueError", ("y", "spatial", "shapes"): "ok"}
    assert (len(executor.jobs), told) == (1, [])


def test_lost_worker_costs_one_retry_of_what_was_not_finished(tmp_path: Path) -> None:
    executor = Scripted(1, {"y": ["die", "ok"]})
    driver, told = drive(tmp_path, executor, [unit("a", "x", "y", "z")])
    assert set(driver.ended.values()) == {"ok"}
    assert [[cell[0] for cell in job["cells"]] for _, job in executor.jobs] == [["x", "y", "z"], ["y", "z"]]
    assert told == []


def test_cell_that_kills_every_worker_is_given_up_and_the_rest_is_scored(tmp_path: Path) -> None:
    driver, told = drive(tmp_path, Scripted(1, {"y": ["die"]}), [unit("a", "x", "y", "z")])
    assert driver.ended["z", "spatial", "shapes"] == "ok"
    assert driver.ended["y", "spatial", "shapes"] == "failed"
    assert driver.retried["y", "spatial", "shapes"] == driver_module.RETRIES + 1
    assert [(name, status) for name, status, _ in told] == [("y", "failed")]
    assert "SIGKILL" in told[0][2]
    assert told[0][2].endswith("3 times in this cell; run it alone with --engine local to see why")


def test_full_run_folder_is_said_at_once_and_not_tried_on_another_worker(tmp_path: Path) -> None:
    executor, told = Scripted(2, {"y": ["full"]}), Told()
    driver = Driver(tmp_path, executor, [unit("a", "x", "y", "z")], Limits(), lambda facts: None, told.lost)
    with pytest.raises(RunFolderError, match="No space left"):
        driver.until(("z", "spatial", "shapes"))
    assert len(executor.jobs) == 1
    assert told == []
    assert not driver.retried


def test_hanging_cell_is_ended_and_the_rest_is_scored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(driver_module, "GRACE_S", 0.0)
    executor = Scripted(1, {"y": ["hang"]})
    driver, told = drive(tmp_path, executor, [unit("a", "x", "y", "z")], Limits(cell_timeout_s=0.01))
    assert driver.ended["z", "spatial", "shapes"] == "ok"
    assert executor.killed == [0]
    assert told == [("y", "failed", too_long(0.01))]


def test_leaking_cell_is_out_of_memory(tmp_path: Path) -> None:
    executor = Scripted(1, {"x": ["hang"]})
    executor.rss = 3 * 2**30
    _, told = drive(tmp_path, executor, [unit("a", "x")], Limits(worker_rss_bytes=2 * 2**30))
    assert told == [("x", "oom", "the worker grew to 3.0 GiB, over --worker-memory 2 GiB; allow more")]


def test_latency_runs_when_nothing_else_does(tmp_path: Path) -> None:
    executor = Scripted(3)
    units = [unit("a", "x"), unit("b", "y"), unit("c", "z", exclusive=True), unit("d", "w", exclusive=True)]
    drive(tmp_path, executor, units)
    for live in executor.together:
        assert len(live) == 1 or not live & {"c", "d"}


def test_slot_prefers_the_encoder_that_it_has_in_memory(tmp_path: Path) -> None:
    executor = Scripted(2)
    first = [Unit(f"{name}{i}", ((f"{name}{i}", "s", "d"),), name, 9.0 - i) for name in "ab" for i in range(2)]
    drive(tmp_path, executor, sorted(first, key=lambda unit: -unit.est_s))
    slot_of = {job["unit"]: slot for slot, job in executor.jobs}
    assert slot_of["a0"] == slot_of["a1"]
    assert slot_of["b0"] == slot_of["b1"]
    assert slot_of["a0"] != slot_of["b0"]


def test_journal_leaves_a_line_that_is_still_being_written(tmp_path: Path) -> None:
    journal = Journal(tmp_path, "a", 0)
    journal.write("begun", pid=1)
    with journal.path.open("a") as stream:
        stream.write('{"event": "ce')
        stream.flush()
        assert [event["event"] for event in journal.news()] == ["begun"]
        stream.write('ll", "cell": ["x", "s", "d"]}\n')
    assert [event["event"] for event in journal.news()] == ["cell"]
    assert journal.news() == []


class Moving(Scripted):
    """Of two slots the first loses its machine with its first job."""

    def __init__(self) -> None:
        super().__init__(2)
        self.retired: set[int] = set()

    def submit(self, slot: int, job: Any) -> None:
        if slot == 0:
            self.jobs.append((slot, dict(job)))
            self.retired.add(0)
            Journal(Path(job["run"]), job["unit"], job["attempt"]).write("cell", cell=job["cells"][0])
            self.ends.append(Ended(slot, "moved", "a node is gone"))
            return
        super().submit(slot, job)


def test_units_of_a_machine_that_is_gone_go_to_the_others_and_no_cell_is_suspected(tmp_path: Path) -> None:
    executor = Moving()
    driver, told = drive(tmp_path, executor, [unit("a", "x"), unit("b", "y"), unit("c", "z")])
    assert set(driver.ended.values()) == {"ok"}
    assert (told, driver.retried) == ([], {})
    assert [slot for slot, _ in executor.jobs].count(0) == 1


def test_an_engine_that_is_gone_ends_the_work_in_one_line(tmp_path: Path) -> None:
    class Gone(Scripted):
        def wait(self, timeout_s: float) -> list[Ended]:
            raise EngineGone("--engine ray: the cluster is gone: none of its nodes is alive")

    with pytest.raises(EngineGone, match="the cluster is gone"):
        drive(tmp_path, Gone(1), [unit("a", "x")])


def test_what_an_earlier_session_wrote_of_the_same_unit_is_no_news_of_this_one(tmp_path: Path) -> None:
    drive(tmp_path, Scripted(1, {"a": ["ValueError"]}), [unit("u", "a")])
    with (tmp_path / "work" / "u.0.jsonl").open("a") as stream:
        stream.write('{"event": "cel')  # the worker was killed while it wrote
    again = Scripted(1)
    driver, told = drive(tmp_path, again, [unit("u", "a")])
    assert driver.ended == {("a", "spatial", "shapes"): "ok"}
    assert told == []
    assert [job["attempt"] for _, job in again.jobs] == [1]
    assert sorted(path.name for path in (tmp_path / "work").iterdir()) == ["u.0.jsonl", "u.1.jsonl"]
