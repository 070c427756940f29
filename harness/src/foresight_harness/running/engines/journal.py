"""What a worker writes while it works: one line an event, in the run folder, so that every engine reports alike."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from foresight_harness.contracts.text import without_secrets_in
from foresight_harness.running.run_folder.folder import writing

FOLDER = "work"


class Journal:
    """The events of one attempt at one unit. Written by a worker, read by the driver."""

    def __init__(self, run: Path, unit: str, attempt: int) -> None:
        self.path = run / FOLDER / f"{unit}.{attempt}.jsonl"
        self._read = 0

    @staticmethod
    def first_unused(run: Path, unit: str, attempt: int) -> int:
        """The number of an attempt that has left no journal: an earlier session may have tried the same unit, and what
        it wrote of failures and half a line is no news of this one."""
        while Journal(run, unit, attempt).path.exists():
            attempt += 1
        return attempt

    def write(self, event: str, **facts: Any) -> None:
        """Append one event in one write, so that a reader sees whole lines or a start. Raises: RunFolderError."""
        line = json.dumps({"event": event, **without_secrets_in(facts)}, allow_nan=False, default=str) + "\n"
        with writing(self.path.parent.parent):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("a", encoding="utf-8") as stream:
                stream.write(line)

    def news(self) -> list[Mapping[str, Any]]:
        """Events since the last look; a line that is still being written is left for the next one."""
        try:
            with self.path.open("rb") as stream:
                stream.seek(self._read)
                found = stream.read()
        except FileNotFoundError:
            return []
        whole, newline, _ = found.rpartition(b"\n")
        self._read += len(whole) + len(newline)
        return [json.loads(line) for line in whole.decode("utf-8").split("\n") if line]
