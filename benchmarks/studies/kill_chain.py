"""One run of `random_kills.py`: its lives, each a pytest session in a forked process, and what they leave."""

from __future__ import annotations

import atexit
import multiprocessing
import os
import random
import sys
from multiprocessing.process import BaseProcess
from pathlib import Path

from foresight_harness.contracts.records import Record
from foresight_harness.running.run_folder.record_file import read_records
from kill_targets import Clusters

ROOT = Path(__file__).resolve().parents[2]
STREAMS = ("pixels@patch/identity", "pixels@patch/bilinear", "oracle@mask/identity", "oracle@mask/bilinear")
SIZES = ("--train-size", "24", "--picture-px", "64", "--no-twins", "--dataset", "shapes")
QUIET = ("-q", "-p", "no:cacheprovider", "--assert=plain", "-W", "ignore")
PATIENCE_S = 400.0


class Chain:
    """One run and what is killed of it."""

    def __init__(self, folder: Path, engine: str, seed: str, clusters: Clusters) -> None:
        self.folder, self.engine, self.draw = folder, engine, random.Random(seed)
        self.process: BaseProcess | None = None
        self.clusters, self.cluster = clusters, None if not engine.startswith("ray") else clusters.of(2)
        self.lives = 0
        self.codes: list[int | None] = []

    def launch(self) -> BaseProcess:
        """Start the run, or go on with the one that is there."""
        arguments = [*QUIET, "--engine", self.engine, *SIZES]
        arguments += ["--out", str(self.folder / "runs"), "--feature-cache", str(self.folder / "cache")]
        arguments.append(str(ROOT / "benchmarks" / "test_alignment.py"))
        for name in STREAMS:
            arguments += ["--candidate", f"{name}/single/linear"]
        if any(self.folder.glob("runs/*/")):
            arguments.append("--resume")
        environment = {"RAY_ADDRESS": self.cluster.address} if self.cluster else {}
        self.lives += 1
        context = multiprocessing.get_context("forkserver")
        self.process = context.Process(target=live, args=(arguments, environment, str(self.log)))
        self.process.start()
        return self.process

    @property
    def log(self) -> Path:
        """What the life of now prints."""
        return self.folder / f"life{self.lives}.txt"

    def run(self) -> Path:
        """The run folder. Raises: ValueError where there is not exactly one."""
        (found,) = [path for path in self.folder.glob("runs/*") if path.is_dir() and not path.is_symlink()]
        return found

    def records(self) -> list[Record]:
        """Whole records of it."""
        return read_records(self.run() / "records.jsonl")

    def lines_now(self) -> int:
        """Record lines on disk at this moment, whole or not; 0 before there is a run."""
        try:
            return (self.run() / "records.jsonl").read_bytes().count(b"\n")
        except (OSError, ValueError):
            return 0

    def ended(self) -> bool:
        """Whether the life of now is over, by itself or not."""
        return self.process is not None and self.process.exitcode is not None

    def finish(self) -> int | None:
        """Wait for the end of a life; its exit code."""
        assert self.process is not None
        self.process.join(PATIENCE_S)
        code = self.process.exitcode
        if code is None:
            self.process.kill()
            self.process.join()
        self.codes.append(code)
        self.process = None
        return code

    def nodes(self, count: int) -> None:
        """See that the cluster has so many nodes, where the engine wants one."""
        if self.cluster is not None:
            self.cluster = self.clusters.of(count)

    def close(self) -> None:
        """End the life that is left."""
        if self.process is not None:
            self.process.kill()
            self.process.join()


def live(arguments: list[str], environment: dict[str, str], log: str) -> None:
    """A pytest session in a forked process. One thread everywhere, so that sums are in equal order."""
    os.environ.update(environment)
    stream = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(stream, 1)
    os.dup2(stream, 2)
    os.chdir(ROOT)
    sys.argv = ["pytest", *arguments]
    import pytest

    code = int(pytest.main(arguments))
    sys.stdout.flush()
    atexit._run_exitfuncs()  # the end of an interpreter, which a forked process leaves out
    os._exit(code)
