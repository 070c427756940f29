"""Local worker processes: spawned, supervised, one job at a time each. A pool that dies whole is of no use here."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import threading
import time
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any

from foresight_harness.running.engines.executor import Ended, Job


class LocalWorkers:
    """``local:N``: N processes on this machine, each bound to one device and its share of the cores."""

    def __init__(self, slots: int, devices: list[str] | None = None) -> None:
        self.slots = slots
        self.retired: frozenset[int] = frozenset()
        self._devices = devices or []
        self._context = multiprocessing.get_context("spawn")
        self._workers: list[tuple[BaseProcess, Connection] | None] = [None] * slots
        self._busy: set[int] = set()

    def start(self) -> None:
        """Start every worker; they import while the driver plans."""
        for slot in range(self.slots):
            self._start(slot)

    def _start(self, slot: int) -> None:
        ours, theirs = self._context.Pipe()
        environment = {"CUDA_VISIBLE_DEVICES": self._devices[slot % len(self._devices)]} if self._devices else {}
        environment["OMP_NUM_THREADS"] = str(
            threads_of(os.environ.get("OMP_NUM_THREADS"), os.cpu_count() or 1, self.slots)
        )
        process = self._context.Process(target=_serve, args=(theirs, environment, os.getpid()), daemon=True)
        with _environment(environment):  # before the child imports torch
            process.start()
        theirs.close()
        self._workers[slot] = (process, ours)

    def submit(self, slot: int, job: Job) -> None:
        """Send a job; a worker that is already gone is noticed by ``wait``."""
        worker = self._workers[slot]
        assert worker is not None
        self._busy.add(slot)
        with contextlib.suppress(BrokenPipeError, OSError):
            worker[1].send(dict(job))

    def wait(self, timeout_s: float) -> list[Ended]:
        """Answers of workers, and workers that died over their job."""
        pipes = {worker[1]: slot for slot, worker in enumerate(self._workers) if worker and slot in self._busy}
        if not pipes:
            time.sleep(min(timeout_s, 0.05))
            return []
        ended = []
        ready = set(wait(list(pipes), timeout_s))
        for pipe, slot in pipes.items():
            if pipe not in ready:
                continue
            self._busy.discard(slot)
            try:
                answer: dict[str, Any] = pipe.recv()
                ended.append(Ended(slot, answer["outcome"], answer.get("error", "")))
            except (EOFError, OSError):
                ended.append(Ended(slot, "lost", self._obituary(slot)))
                self._replace(slot)
        return ended

    def rss_bytes(self, slot: int) -> int:
        """Resident memory of a slot's worker; 0 where it cannot be read."""
        import psutil

        worker = self._workers[slot]
        try:
            return int(psutil.Process(worker[0].pid).memory_info().rss) if worker else 0
        except psutil.Error:
            return 0

    def kill(self, slot: int) -> None:
        """End the worker of a slot at once and start another."""
        self._busy.discard(slot)
        self._replace(slot)

    def close(self) -> None:
        """End all workers: those that are idle leave by themselves, the others are killed."""
        for slot in range(self.slots):
            self._end(slot)

    def _replace(self, slot: int) -> None:
        self._end(slot)
        self._start(slot)

    def _end(self, slot: int) -> None:
        worker = self._workers[slot]
        if worker is None:
            return
        process, pipe = worker
        pipe.close()
        if process.is_alive():
            process.kill()
        process.join(10)
        self._workers[slot] = None

    def _obituary(self, slot: int) -> str:
        worker = self._workers[slot]
        assert worker is not None
        worker[0].join(5)
        code = worker[0].exitcode
        if code is not None and code < 0:
            return f"the worker was killed by {signal.Signals(-code).name}"
        return f"the worker process ended with exit code {code}"


@contextlib.contextmanager
def _environment(values: dict[str, str]) -> Any:
    """Environment of this process for as long as a child is started: a spawned child inherits it."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _serve(pipe: Connection, environment: dict[str, str], parent: int) -> None:
    """The worker: jobs in, answers out, until the pipe closes or the driver is gone."""
    os.environ.update(environment)
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):  # they reach the whole group; the driver decides
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    threading.Thread(target=_leave_with, args=(parent,), daemon=True).start()
    from foresight_harness.contracts.errors import RunFolderError
    from foresight_harness.running.engines.work import run_job

    while True:
        try:
            job = pipe.recv()
        except (EOFError, OSError):
            return
        try:
            run_job(job)
            pipe.send({"outcome": "done"})
        except RunFolderError as error:
            pipe.send({"outcome": "unwritable", "error": str(error)})
        except Exception as error:
            pipe.send({"outcome": "lost", "error": " ".join(f"{type(error).__name__}: {error}".split())[:500]})


def _leave_with(parent: int) -> None:
    """End this process when the driver is gone, whatever it was killed with."""
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(1)


def threads_of(asked: str | None, cores: int, workers: int) -> int:
    """Threads of each worker: what is asked for, and never more than its share of the cores.

    Two workers of two threads on two cores wait for each other and take four times as long as two of one.
    """
    share = max(1, cores // workers)
    return min(share, int(asked)) if asked is not None and asked.isdecimal() and int(asked) else share
