"""A checkout with its environment, used as anybody uses it: by its command, by pytest, by the files of its runs."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PIXELS = "pixels@patch/identity/single/linear"
SMALL = ("--train-size", "24", "--picture-px", "64")
PATIENCE_S = 900.0


@dataclass(frozen=True)
class Done:
    """A command that has ended."""

    code: int
    text: str
    """Both streams."""
    peak_mib: float
    """Largest memory of its own process."""


@dataclass(frozen=True)
class Seen:
    """What was seen of a row."""

    holds: bool
    seen: str
    """In one sentence."""


class Place:
    """A checkout, and a folder for what one row makes. Sessions of a row have one cache unless another is named."""

    def __init__(self, checkout: Path, folder: Path) -> None:
        self.checkout, self.folder = checkout, folder
        self.sites: list[Path] = []
        """Folders with plugins, on the path of every command."""

    @property
    def runs(self) -> Path:
        """Where runs lie."""
        return self.folder / "runs"

    def environment(self, **more: str) -> dict[str, str]:
        """Of its commands: one thread, and the plugins of the row."""
        path = os.pathsep.join(map(str, self.sites))
        return {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": path, "COLUMNS": "200", **more}

    def start(self, command: Sequence[str], *, deaf: bool = False, log: Any, **more: str) -> subprocess.Popen[bytes]:
        """A command of the checkout, in the checkout's folder. ``deaf``: SIGINT is ignored, as in the background of a
        shell."""
        first = str(self.checkout / ".venv" / "bin" / command[0])
        return subprocess.Popen(
            [first, *command[1:]],
            cwd=self.checkout,
            env=self.environment(**more),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_IGN if deaf else signal.default_int_handler),
        )

    def do(self, *command: str, deaf: bool = False, **more: str) -> Done:
        """Carry a command out to its end; one that is not done in time ends with -9."""
        with tempfile.TemporaryFile() as log:
            process = self.start(command, deaf=deaf, log=log, **more)
            signal.signal(signal.SIGALRM, lambda *_: process.kill())
            signal.alarm(int(PATIENCE_S))
            try:
                _, status, used = os.wait4(process.pid, 0)
            finally:
                signal.alarm(0)
            process.returncode = os.waitstatus_to_exitcode(status)
            log.seek(0)
            text = log.read().decode("utf-8", errors="replace")
        return Done(process.returncode, text, used.ru_maxrss / 1024)

    def bench(self, *words: str) -> Done:
        """The command ``foresight-bench``."""
        return self.do("foresight-bench", *words)

    def session(self, *options: str, candidates: Sequence[str] = (PIXELS,), cache: str = "cache") -> list[str]:
        """The words of a small pytest session that scores boxes on ``shapes`` where no data set is named."""
        words = ["pytest", "benchmarks/test_spatial.py", "-q", "-p", "no:cacheprovider", *SMALL]
        words += ["--out", str(self.runs), "--feature-cache", str(self.folder / cache)]
        if "--dataset" not in options:
            words += ["--dataset", "shapes"]
        return [*words, *(word for name in candidates for word in ("--candidate", name)), *options]

    def score(self, *options: str, **how: Any) -> Done:
        """That session, carried out."""
        deaf = bool(how.pop("deaf", False))
        environment = how.pop("environment", {})
        return self.do(*self.session(*options, **how), deaf=deaf, **environment)

    def folders(self) -> list[Path]:
        """Run folders, in the order in which they were begun."""
        found = [path for path in self.runs.glob("2*") if path.is_dir() and not path.is_symlink()]
        return sorted(found, key=lambda path: path.stat().st_ctime_ns)

    def run(self) -> Path:
        """The one run folder. Raises: RuntimeError where there is not exactly one."""
        found = self.folders()
        if len(found) != 1:
            raise RuntimeError(f"{len(found)} runs where there should be one")
        return found[0]


def manifest_of(run: Path) -> dict[str, Any]:
    """``run.json``."""
    return dict(json.loads((run / "run.json").read_text(encoding="utf-8")))


def records_of(run: Path) -> list[dict[str, Any]]:
    """Record lines."""
    return [json.loads(line) for line in (run / "records.jsonl").read_text(encoding="utf-8").splitlines()]


def value_of(run: Path, candidate: str, metric: str = "iou") -> float | None:
    """A candidate's value by the first probe; None where it has none."""
    for record in records_of(run):
        if record["candidate"] == candidate and record["metric"] == metric and record["status"] == "ok":
            return float(record["value"])
    return None


def expect(done: Done, *codes: int) -> Done:
    """What a row needs before it can look at anything. Raises: RuntimeError, with the end of what was printed."""
    if done.code not in codes:
        raise RuntimeError(f"exit {done.code}: {done.text[-1500:]}")
    return done
