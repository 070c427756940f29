"""One side of ``ab``: a resident process that imports one tree and times its pipelines when it is told to.

Started as ``python -P -m foresight_harness.judging.ab.side FD ROOT OTHER``, so each commit is timed by its own measuring code:
that of the suite ``efficiency``. Messages are JSON over one pipe.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from foresight_harness.running.bench import Bench

PROTOCOL = 1
"""Of the messages; two trees that speak another one are not compared."""


def serve(pipe: Connection, root: Path, other: Path) -> None:
    """Answer ``open``, ``prepare``, ``time`` and ``release`` until the pipe closes."""
    side = _Side(root, other)
    answers: Mapping[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
        "open": side.open,
        "prepare": side.prepare,
        "time": side.time,
        "release": side.release,
    }
    while True:
        try:
            asked = json.loads(pipe.recv_bytes())
        except (EOFError, OSError):
            return
        try:
            answer = {"ok": True, **answers[asked["do"]](asked)}
        except Exception as error:  # one candidate that cannot be timed must not end the side
            answer = {"ok": False, "error": " ".join(f"{error}".split())[:400] or type(error).__name__}
        pipe.send_bytes(json.dumps(answer).encode())


class _Side:
    def __init__(self, root: Path, other: Path) -> None:
        self.root, self.other = root, other
        self.bench: Bench | None = None
        self.work: Callable[[], object] | None = None

    def open(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """Import this tree's code and open a bench that writes nothing but its own cache."""
        from foresight_harness.contracts.progress import silent
        from foresight_harness.planning.options.options import options_from_json
        from foresight_harness.planning.registry import load_registry
        from foresight_harness.running.bench import Bench
        from foresight_harness.running.run_folder.environment import hardware
        from foresight_harness.running.run_folder.folder import RunFolder

        registry = load_registry()
        scratch = RunFolder(Path(asked["scratch"]))
        self.bench = Bench(registry, options_from_json(asked["options"]), silent(), "ab", attached=scratch)
        self._refuse_the_other_tree()
        return {"protocol": PROTOCOL, "hardware": hardware()}

    def prepare(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """Build a candidate, warm it up; its choices are told, so that unlike things are not compared."""
        from foresight_harness.measuring.suites.efficiency import WARMUP, live, protocol
        from foresight_harness.measuring.workshop.cell import Cell
        from foresight_harness.planning.candidates import parse_candidate, resolve
        from foresight_harness.planning.options import parse_dataset
        from foresight_harness.planning.suites import suite

        assert self.bench is not None
        candidate = resolve(parse_candidate(asked["candidate"]), self.bench.registry)
        cell = Cell(self.bench, candidate, suite("efficiency"), parse_dataset(asked["dataset"]))
        stages, picture = live(cell)
        self.work = lambda: stages.run(picture)
        self._refuse_the_other_tree()
        seconds = _readings(self.work, WARMUP + 3)[WARMUP:]
        told = {name: value for name, value in protocol(cell).items() if name not in ("rounds", "timed_by")}
        told["picture"] = list(picture.shape)
        return {
            "choices": told,
            "weights": {
                name: self.bench.encoder_request(spec).weights if spec.params else "none"
                for name, spec in stages.specs.items()
            },
            "seconds": min(seconds),
            "params": sum(stages.params().values()),
        }

    def time(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """Seconds of so many repeats in a row."""
        assert self.work is not None
        return {"seconds": _readings(self.work, asked["repeats"])}

    def release(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """Forget the candidate that was prepared."""
        assert self.bench is not None
        self.work = None
        self.bench.pool.trim()
        return {}

    def _refuse_the_other_tree(self) -> None:
        """A module of the other tree would be timed under this one's name."""
        for name, module in list(sys.modules.items()):
            file = getattr(module, "__file__", None)
            if file and _of(Path(file), self.other):
                raise ImportError(f"{name} was imported from {file}, which is the other side's code")


def _readings(work: Callable[[], object], repeats: int) -> list[float]:
    from foresight_harness.measuring.suites.timing import PlainTimer

    return PlainTimer(0)(work, repeats)


def _of(path: Path, root: Path) -> bool:
    """Whether a file is that tree's own: the environment may lie in it, and belongs to both sides."""
    return path.is_relative_to(root) and not path.is_relative_to(sys.prefix)


def _leave_with(parent: int) -> None:
    """End this process when the one that asks is gone, whatever it was killed with."""
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(1)


def main() -> None:
    """Read the command line of ``resident.Resident``."""
    pipe, root, other = Connection(int(sys.argv[1])), Path(sys.argv[2]), Path(sys.argv[3])
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the one that asks decides
    threading.Thread(target=_leave_with, args=(os.getppid(),), daemon=True).start()
    # What the other side installs in editable form stands on the path as well.
    sys.path[:] = [entry for entry in sys.path if not _of(Path(entry), other)]
    serve(pipe, root, other)


if __name__ == "__main__":
    main()
