"""Tokens of one cell that conclusions need later, as Parquet: few, bounded, with their places."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from foresight_harness.contracts.errors import DataError, RunFolderError
from foresight_harness.contracts.records import SCHEMA
from foresight_harness.running.run_folder.samples import check_table, write_table

if TYPE_CHECKING:  # both import torch, and reading a run does not
    from foresight_harness.contracts.batches import Labels
    from foresight_harness.contracts.outcomes import KeptTokens

FOLDER = "tokens"
MOST_BYTES = 2 << 20
"""Of the features of one cell, before compression."""
COLUMNS = pa.schema(
    [
        ("part", pa.string()),
        ("sample", pa.string()),
        ("group", pa.string()),
        ("frame", pa.int32()),
        ("row", pa.int32()),
        ("col", pa.int32()),
        ("class", pa.string()),
        ("features", pa.list_(pa.float32())),
    ]
)


class Tokens(NamedTuple):
    """One part of a tokens file: what stands in equal places belongs together."""

    features: NDArray[np.float32]
    """[n, d]"""
    samples: tuple[str, ...]
    groups: tuple[str, ...]
    places: tuple[tuple[int, int, int], ...]
    """Frame, row and column."""
    classes: tuple[str | None, ...]


def tokens_path(run: Path, cell: str) -> Path:
    """Where the tokens of a cell lie in a run folder."""
    return run / FOLDER / f"{cell}.parquet"


def write_tokens(run: Path, cell: str, parts: Sequence[KeptTokens], labels: Labels, facts: Mapping[str, str]) -> str:
    """Write the tokens of a cell in one step.

    Returns:
        Their digest.

    Raises:
        DataError: where they would take more than ``MOST_BYTES``.
    """
    size = sum(part.features.size * 4 for part in parts)
    if size > MOST_BYTES:
        raise DataError(f"tokens of cell {cell}: {size} bytes of features, at most {MOST_BYTES} are kept")
    columns: dict[str, list[object]] = {name: [] for name in COLUMNS.names}
    for part in parts:
        count = len(part.features)
        columns["part"] += [part.part] * count
        columns["sample"] += [labels.ids[index] for index in part.pictures]
        columns["group"] += [labels.groups[index] for index in part.pictures]
        for place, name in enumerate(("frame", "row", "col")):
            columns[name] += [where[place] for where in part.places]
        columns["class"] += list(part.classes) or [None] * count
        columns["features"] += list(part.features.astype(np.float32))
    table = pa.table(columns, schema=COLUMNS.with_metadata({"schema": str(SCHEMA), **facts}))
    path = tokens_path(run, cell)
    path.parent.mkdir(exist_ok=True)
    write_table(path, table)
    return tokens_digest(_parts(table))


def read_tokens(run: Path, cell: str) -> dict[str, Tokens]:
    """Tokens of a cell by part; empty where it kept none.

    Raises:
        RunFolderError: where the file is damaged or of a newer schema.
    """
    path = tokens_path(run, cell)
    if not path.is_file():
        return {}
    try:
        table = pq.ParquetFile(path).read(use_threads=False)
    except (OSError, pa.ArrowInvalid) as error:
        raise RunFolderError(f"{path} cannot be read: {' '.join(str(error).split())[:200]}") from error
    check_table(path, table)
    try:
        return _parts(table)
    except (KeyError, ValueError) as error:
        raise RunFolderError(f"{path} holds no tokens: {' '.join(str(error).split())[:200]}") from error


def tokens_digest(parts: Mapping[str, Tokens]) -> str:
    """First 16 hex digits of the sha256 over every part, to the last bit, whatever the file's compression."""
    found = hashlib.sha256()
    for name, part in parts.items():
        found.update(f"{name}\x1f{part.features.shape}\x1f{part[1:]!r}".encode())
        found.update(np.ascontiguousarray(part.features).tobytes())
    return found.hexdigest()[:16]


def _parts(table: pa.Table) -> dict[str, Tokens]:
    names = table.column("part").to_pylist()
    found = {}
    for name in dict.fromkeys(names):
        rows = table.filter(pa.array([entry == name for entry in names]))
        listed = {key: rows.column(key).to_pylist() for key in COLUMNS.names if key != "features"}
        flat = rows.column("features").combine_chunks().flatten().to_numpy(zero_copy_only=False)
        found[name] = Tokens(
            flat.astype(np.float32).reshape(rows.num_rows, -1),
            tuple(listed["sample"]),
            tuple(listed["group"]),
            tuple(zip(listed["frame"], listed["row"], listed["col"], strict=True)),
            tuple(listed["class"]),
        )
    return found
