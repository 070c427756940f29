"""The run folder on disk: manifest, records, samples, media. ``docs/run-folder.md`` is its description."""

from __future__ import annotations

import json
import os
import secrets
import shutil
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from foresight_harness.errors import RunFolderError, UsageError

SCHEMA = 1
"""Version of manifest, records, samples and media index. 1: first."""


def new_run_id(git_sha: str) -> str:
    """``<UTC time>_<git sha7>_<4 hex>``; sorts by time."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}_{git_sha[:7]}_{secrets.token_hex(2)}"


def check_writable(out: Path) -> None:
    """Refuse a place where no run can be written, before any work. Raises: UsageError."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        probe = out / f".write-{secrets.token_hex(4)}"
        probe.write_text("", encoding="utf-8")
        probe.unlink()
    except OSError as error:
        raise UsageError(f"--out {out} cannot be written ({error.strerror}); choose another folder") from error


class RunFolder:
    """A run being written. Everything that is written is complete: a kill loses at most the cell it was in."""

    def __init__(self, path: Path) -> None:
        self.path = path
        (path / "samples").mkdir(parents=True, exist_ok=True)
        (path / "media").mkdir(exist_ok=True)

    @classmethod
    def create(cls, out: Path, git_sha: str) -> RunFolder:
        """A new folder under ``out``, with ``out/latest`` linking to it."""
        folder = cls(out / new_run_id(git_sha))
        link = out / "latest"
        fresh = out / f".latest-{secrets.token_hex(4)}"
        fresh.symlink_to(folder.path.name)
        if link.is_dir() and not link.is_symlink():
            shutil.rmtree(link)
        fresh.replace(link)
        return folder

    @property
    def run_id(self) -> str:
        """Name of the folder."""
        return self.path.name

    def write_manifest(self, manifest: Mapping[str, Any]) -> None:
        """Replace ``run.json`` in one step."""
        fresh = self.path / ".run.json"
        text = json.dumps({"schema": SCHEMA, "run": self.run_id, **manifest}, indent=1, allow_nan=False, default=str)
        fresh.write_text(text + "\n", encoding="utf-8")
        fresh.replace(self.path / "run.json")

    def append_records(self, records: Sequence[Mapping[str, Any]]) -> None:
        """Append the records of one cell, all or (after a kill) a part that ``finished_cells`` does not count."""
        lines = [
            json.dumps({"schema": SCHEMA, "run": self.run_id, **record}, allow_nan=False) + "\n" for record in records
        ]
        with (self.path / "records.jsonl").open("a", encoding="utf-8") as stream:
            stream.write("".join(lines))
            stream.flush()
            os.fsync(stream.fileno())

    def append_media(self, items: Sequence[Mapping[str, Any]]) -> None:
        """Append lines to the media index."""
        with (self.path / "media" / "index.jsonl").open("a", encoding="utf-8") as stream:
            for item in items:
                stream.write(json.dumps({"schema": SCHEMA, **item}, allow_nan=False) + "\n")

    def records(self) -> list[dict[str, Any]]:
        """Records so far; a truncated last line is left out."""
        return read_lines(self.path / "records.jsonl")

    def drop_unfinished(self) -> set[str]:
        """Keep only the records of finished cells, for ``--resume``; returns the ids of those that need no redoing.

        A cell is finished when all its records are there and none of them failed.
        """
        records = self.records()
        found: dict[str, list[dict[str, Any]]] = {}
        for record in records:
            found.setdefault(record["cell"], []).append(record)
        done = {
            cell
            for cell, lines in found.items()
            if len(lines) == lines[0]["of_cell"] and all(line["status"] == "ok" for line in lines)
        }
        fresh = self.path / ".records.jsonl"
        kept = [json.dumps(record, allow_nan=False) + "\n" for record in records if record["cell"] in done]
        fresh.write_text("".join(kept), encoding="utf-8")
        fresh.replace(self.path / "records.jsonl")
        return done


def read_lines(path: Path) -> list[dict[str, Any]]:
    """JSON lines; one that is cut short at the end of the file is left out, one elsewhere is an error.

    Raises:
        RunFolderError: naming the line.
    """
    if not path.is_file():
        return []
    lines = path.read_text(encoding="utf-8").split("\n")
    found = []
    for number, line in enumerate(lines, start=1):
        if not line:
            continue
        try:
            found.append(json.loads(line))
        except json.JSONDecodeError as error:
            if number == len(lines):
                break
            raise RunFolderError(f"{path}, line {number} is not JSON: {error}") from error
    return found


def find_run(out: Path, name: str = "latest") -> Path:
    """The folder of a run: a path, an id under ``out``, or ``latest``. Raises: RunFolderError."""
    for path in (Path(name), out / name):
        if (path / "run.json").is_file():
            return path.resolve()
    raise RunFolderError(f"no run {name!r}: neither {name} nor {out / name} holds a run.json")
