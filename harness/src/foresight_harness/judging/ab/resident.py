"""The process of one side, seen from the one that asks."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from types import TracebackType
from typing import Any

from foresight_harness.contracts.errors import ForesightError
from foresight_harness.judging.ab.trees import Tree

PATIENCE_S = 1800.0
"""For one answer: building a large model from a slow disk takes minutes, a process that hangs takes for ever."""


class SideError(ForesightError):
    """A side cannot be started, or is gone."""


class Resident:
    """``with Resident(tree, other, scratch) as side: side.ask("open", ...)``. Ended with the block."""

    def __init__(self, tree: Tree, other: Tree, scratch: Path) -> None:
        self.tree = tree
        self._errors = tempfile.TemporaryFile(mode="w+", encoding="utf-8", errors="replace", dir=scratch)  # noqa: SIM115
        ours, theirs = Pipe()
        self._pipe: Connection = ours
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(_search_path(tree))}
        environment.setdefault("PYTHONHASHSEED", "0")
        command = [sys.executable, "-P", "-m", "foresight_harness.judging.ab.side", str(theirs.fileno())]
        self._process = subprocess.Popen(
            [*command, str(tree.root), str(other.root)],
            cwd=tree.root,
            env=environment,
            pass_fds=[theirs.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=self._errors,
            stderr=self._errors,
        )
        theirs.close()

    def __enter__(self) -> Resident:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pipe.close()
        try:
            self._process.wait(5 if kind is None else 0.2)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._errors.close()

    def send(self, do: str, **fields: Any) -> None:
        """Ask without waiting. Raises: SideError."""
        try:
            self._pipe.send_bytes(json.dumps({"do": do, **fields}).encode())
        except OSError as error:
            raise SideError(self._obituary()) from error

    def answer(self) -> dict[str, Any]:
        """The answer to what was sent; ``ok`` says whether it worked. Raises: SideError."""
        try:
            if not self._pipe.poll(PATIENCE_S):
                raise SideError(f"{self.tree.named} gave no answer for {PATIENCE_S:g} s")
            found: dict[str, Any] = json.loads(self._pipe.recv_bytes())
        except (EOFError, OSError) as error:
            raise SideError(self._obituary()) from error
        return found

    def ask(self, do: str, **fields: Any) -> dict[str, Any]:
        """Send and wait. Raises: SideError."""
        self.send(do, **fields)
        return self.answer()

    def _obituary(self) -> str:
        try:
            code = self._process.wait(5)
        except subprocess.TimeoutExpired:
            code = None
        self._errors.seek(0)
        lines = [line for line in self._errors.read().splitlines() if line.strip()]
        last = " ".join(lines[-1].split())[:300] if lines else f"it ended with exit code {code}"
        if "foresight_harness.judging.ab" in last and "No module" in last:
            last = "its harness is older than this command; choose a later commit as base"
        return f"{self.tree.named} cannot be timed: {last}"


def _search_path(tree: Tree) -> list[str]:
    """Its own sources first; third-party packages come from the environment of this process."""
    inherited = os.environ.get("PYTHONPATH", "")
    return [*map(str, tree.sources()), *filter(None, inherited.split(os.pathsep))]
