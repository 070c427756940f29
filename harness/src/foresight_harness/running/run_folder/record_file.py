"""``records.jsonl`` on disk: whole lines in, whole lines out, whatever killed whoever wrote it."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from io import FileIO
from pathlib import Path

from foresight_harness.contracts.errors import RunFolderError
from foresight_harness.contracts.records import Record, parse


def read_records(path: Path) -> list[Record]:
    """Records of a file; a line that is cut short at its end is left out, anything else that cannot be read an error.

    Raises:
        RunFolderError: naming line and field.
    """
    if not path.is_file():
        return []
    lines = path.read_bytes().split(b"\n")
    found = []
    for number, line in enumerate(lines, start=1):
        if not line:
            continue
        try:
            content = json.loads(line.decode("utf-8"))
        except (ValueError, RecursionError) as error:
            if number == len(lines):
                break
            kind = "text in UTF-8" if isinstance(error, UnicodeDecodeError) else "JSON"
            raise RunFolderError(f"{path}, line {number} is not {kind}: {error}") from error
        found.append(parse(content, f"{path}, line {number}"))
    return found


def whole_records(path: Path) -> list[Record]:
    """Records of a file without the lines that are damaged: what a resumed run can go on from."""
    try:
        lines = path.read_bytes().split(b"\n")
    except OSError:
        return []
    found = []
    for line in lines:
        with suppress(ValueError, RecursionError, RunFolderError):
            found.append(parse(json.loads(line.decode("utf-8"))))
    return found


def whole_lines(path: Path, start: int) -> tuple[list[str], int]:
    """The lines that have come since a place in the file, and the place after them; half a line is left for later."""
    try:
        with path.open("rb") as stream:
            stream.seek(start)
            whole, newline, _ = stream.read().rpartition(b"\n")
    except FileNotFoundError:
        return [], start
    text = whole.decode("utf-8", "replace")
    return [line for line in text.split("\n") if line], start + len(whole) + len(newline)


def append(path: Path, content: bytes) -> None:
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
