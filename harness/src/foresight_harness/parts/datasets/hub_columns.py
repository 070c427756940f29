"""Whether a data set of the ``datasets`` library has boxes, without opening it: by its columns alone."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

OBJECTS = "objects"
"""The column of boxes, as the library's own guides call it."""


def labels_at(path: str) -> frozenset[str]:
    """``boxes`` where the folder has a column of objects, or is none on this machine and may have one."""
    folder = Path(path)
    if not folder.exists():
        return frozenset({"boxes"})
    return frozenset({"boxes"} if any(OBJECTS in columns for columns in _columns(folder)) else ())


def _columns(folder: Path) -> Iterator[set[str]]:
    """Columns of each table below a folder, from its first line or its header."""
    files = [folder] if folder.is_file() else sorted(path for path in folder.rglob("*") if path.is_file())
    for file in files:
        if file.suffix == ".parquet":
            import pyarrow.parquet

            yield set(pyarrow.parquet.read_schema(file).names)
        elif file.suffix == ".arrow":
            import pyarrow

            with pyarrow.memory_map(str(file)) as source:
                yield set(pyarrow.ipc.open_stream(source).schema.names)
        elif file.name in ("metadata.jsonl", "metadata.csv"):
            with file.open(encoding="utf-8-sig") as stream:
                line = stream.readline()
            yield _keys(line) if file.suffix == ".jsonl" else {name.strip() for name in line.split(",")}


def _keys(line: str) -> set[str]:
    try:
        entry = json.loads(line)
    except ValueError:
        return set()
    return set(entry) if isinstance(entry, dict) else set()
