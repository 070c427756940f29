"""The run folder on disk: manifest, records, samples, media. ``docs/run-folder.md`` is its description."""

from __future__ import annotations

import json
import os
import secrets
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from io import FileIO
from pathlib import Path
from typing import Any

from filelock import FileLock

from foresight_harness.contracts.errors import RunFolderError, UsageError

SCHEMA = 1
"""Version of manifest, records, samples and media index. 1: first."""


def new_run_id(git_sha: str) -> str:
    """``<UTC time>_<git sha7>_<4 hex>``; sorts by time."""
    return f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}_{git_sha[:7]}_{secrets.token_hex(2)}"


def check_writable(out: Path, option: str = "--out") -> None:
    """Refuse a place where nothing can be written, before any work; ``option`` names it. Raises: UsageError."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        probe = out / f".write-{secrets.token_hex(4)}"
        probe.write_text("", encoding="utf-8")
        probe.unlink()
    except OSError as error:
        raise UsageError(f"{option} {out} cannot be written ({error.strerror}); choose another folder") from error


class RunFolder:
    """A run being written. Everything that is written is complete: a kill loses at most the cell it was in."""

    def __init__(self, path: Path) -> None:
        self.path = path
        (path / "samples").mkdir(parents=True, exist_ok=True)
        (path / "media").mkdir(exist_ok=True)
        self._lock = FileLock(path / ".lock")
        self._seen = 0
        self._lines: dict[str, list[tuple[int, str]]] = {}
        self._media_seen = 0
        self._media: set[str] = set()

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
        with self.writing():
            fresh.write_text(text + "\n", encoding="utf-8")
            fresh.replace(self.path / "run.json")

    def manifest(self) -> dict[str, Any]:
        """``run.json`` as it stands; empty where there is none yet."""
        try:
            found: dict[str, Any] = json.loads((self.path / "run.json").read_text(encoding="utf-8"))
        except FileNotFoundError:
            return {}
        return found

    def append_records(self, records: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Append the records of one cell, all or (after a kill) a part that ``finished`` does not count.

        Several processes may append: one at a time, and what a killed one left of a line is cut off first. A cell that
        another process has finished meanwhile (a control that two workers needed) keeps the records of the first.

        Returns:
            The records with schema and run, as they were written.
        """
        whole = [{"schema": SCHEMA, "run": self.run_id, **record} for record in records]
        lines = [json.dumps(record, allow_nan=False) + "\n" for record in whole]
        with self.writing(), self._lock:
            if not records or not {record["cell"] for record in records} <= self.finished():
                _append(self.path / "records.jsonl", "".join(lines).encode("utf-8"))
        return whole

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Around whatever writes below this folder: a full or lost disk is one line that says how to go on.

        Raises:
            RunFolderError: instead of an OSError.
        """
        with writing(self.path):
            yield

    def finished(self) -> set[str]:
        """Ids of cells whose records are all there and none of which failed. Reads only what is new."""
        fresh, self._seen = _whole_lines(self.path / "records.jsonl", self._seen)
        for line in fresh:
            record = json.loads(line)
            self._lines.setdefault(record["cell"], []).append((record["of_cell"], record["status"]))
        return {
            cell
            for cell, lines in self._lines.items()
            if len(lines) == lines[0][0] and all(status == "ok" for _, status in lines)
        }

    def append_media(self, items: Sequence[Mapping[str, Any]]) -> None:
        """Append lines to the media index, but none that stands there already: its cell was done twice."""
        path = self.path / "media" / "index.jsonl"
        lines = [json.dumps({"schema": SCHEMA, **item}, allow_nan=False) for item in items]
        with self.writing(), self._lock:
            fresh, self._media_seen = _whole_lines(path, self._media_seen)
            self._media.update(fresh)
            _append(path, "".join(f"{line}\n" for line in lines if line not in self._media).encode("utf-8"))

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
        with self.writing():
            fresh.write_text("".join(kept), encoding="utf-8")
            fresh.replace(self.path / "records.jsonl")
        self._seen, self._lines = 0, {}
        return done


@contextmanager
def writing(run: Path) -> Iterator[None]:
    """See ``RunFolder.writing``."""
    try:
        yield
    except OSError as error:
        raise RunFolderError(
            f"run folder {run} cannot be written ({error.strerror or error}): free space there, then finish "
            "the run with --resume"
        ) from error


def _whole_lines(path: Path, start: int) -> tuple[list[str], int]:
    """The lines that have come since a place in the file, and the place after them; half a line is left for later."""
    try:
        with path.open("rb") as stream:
            stream.seek(start)
            whole, newline, _ = stream.read().rpartition(b"\n")
    except FileNotFoundError:
        return [], start
    return [line for line in whole.decode("utf-8").split("\n") if line], start + len(whole) + len(newline)


def _append(path: Path, content: bytes) -> None:
    """Append all of it or, where the disk is full, nothing; what a killed process left of a line is cut off first."""
    with path.open("a+b", buffering=0) as stream:
        _cut_partial_line(stream)
        start = stream.tell()
        try:
            written = 0
            while written < len(content):
                written += stream.write(content[written:])
            os.fsync(stream.fileno())
        except OSError:
            with suppress(OSError):
                stream.truncate(start)
            raise


def _cut_partial_line(stream: FileIO) -> None:
    """Cut off what a killed process left of a line, so that the next line is whole."""
    size = stream.seek(0, os.SEEK_END)
    keep = size
    while keep > 0:
        start = max(0, keep - 65536)
        stream.seek(start)
        block = stream.read(keep - start)
        place = block.rfind(b"\n")
        if place >= 0:
            keep = start + place + 1
            break
        keep = start
    if keep != size:
        stream.truncate(keep)
    stream.seek(0, os.SEEK_END)


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
