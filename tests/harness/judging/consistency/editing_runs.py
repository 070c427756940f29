"""Edits of a run folder's files, as someone might make them by hand."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

Change = Callable[[Any], None]


def other(value: Any) -> Any:
    """Another value of the same kind."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return value + 1
    if isinstance(value, str):
        return value + "x"
    if isinstance(value, list):
        return [*value, value[0]] if value else ["x"]
    return {**value, "x": 1} if isinstance(value, dict) else "x"


def edit_lines(run: Path, change: Callable[[list[dict[str, Any]]], None]) -> None:
    path = run / "records.jsonl"
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    change(lines)
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))


def edit_manifest(run: Path, change: Change) -> None:
    content = json.loads((run / "run.json").read_text())
    change(content)
    (run / "run.json").write_text(json.dumps(content, indent=1) + "\n")


def edit_rows(run: Path, change: Callable[[list[dict[str, Any]]], None], **metadata: str) -> None:
    path = sorted((run / "samples").glob("*.parquet"))[0]
    table = pq.read_table(path)
    rows = table.to_pylist()
    change(rows)
    told = {name.encode(): value for name, value in metadata.items()}
    schema = table.schema.with_metadata({**table.schema.metadata, **told})
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), path, compression="zstd")
