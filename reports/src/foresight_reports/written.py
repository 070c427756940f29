"""All tables of a run as files: CSV for spreadsheets and JSON for programs, the numbers unrounded."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from foresight_reports.analysis.files import Analysis, Measured
from foresight_reports.analysis.ties import head_to_head
from foresight_reports.board import Board, Row
from foresight_reports.boards import build_boards
from foresight_reports.reading import read_run
from foresight_reports.refusals import told_apart

Lines = list[dict[str, Any]]


def write_tables(run: Path, folder: Path) -> list[Path]:
    """Write every board and every conclusion of a run as ``<name>.csv`` and ``<name>.json``; give their paths.

    Raises:
        RunFolderError: when the run cannot be read.
    """
    read = read_run(Path(run))
    boards = told_apart(build_boards([read]), [read])
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    found = dict(read.analyses)
    if (met := head_to_head(found.get("rankings"))) is not None:
        found[met.kind] = met
    for name, lines in [*_boards(boards), *((kind, conclusion(each)) for kind, each in found.items())]:
        stem = re.sub(r"[^\w.-]+", "_", name)
        for suffix, text in ((".csv", as_csv(lines)), (".json", json.dumps(lines, ensure_ascii=False, indent=1))):
            file = folder / f"{stem}{suffix}"
            file.write_bytes(text.encode("utf-8", "replace"))
            written.append(file)
    return written


def _boards(boards: Sequence[Board]) -> Iterator[tuple[str, Lines]]:
    for board in boards:
        group = board.group
        name = "-".join(
            part for part in (group.suite, group.dataset, group.probe, board.anchor.removeprefix("b-")) if part
        )
        yield name, [_row(board, row) for row in (*board.rows, *board.controls)]


def _row(board: Board, row: Row) -> dict[str, Any]:
    line: dict[str, Any] = {
        "rank": row.rank,
        "candidate": row.pipeline.candidate,
        "role": row.role,
        "weights": row.weights,
        "protocol": board.group.protocol,
        "controls_ok": not board.broken,
    }
    for column in board.columns:
        record = row.records.get(column.metric)
        line[column.metric] = None if record is None else record.value
        line[f"{column.metric}_ci_low"] = None if record is None else record.ci_low
        line[f"{column.metric}_ci_high"] = None if record is None else record.ci_high
        line[f"{column.metric}_n"] = None if record is None else record.n
    return line


def conclusion(analysis: Analysis) -> Lines:
    """Rows of a conclusion, a measured value as four cells."""
    lines = []
    for row in analysis.rows:
        line: dict[str, Any] = {}
        for head in analysis.columns:
            value = row.get(head.key)
            measured = isinstance(value, Measured)
            line[head.key] = value.value if isinstance(value, Measured) else value
            if measured or any(isinstance(other.get(head.key), Measured) for other in analysis.rows[:1]):
                known = value if isinstance(value, Measured) else Measured(None)
                line |= {f"{head.key}_low": known.low, f"{head.key}_high": known.high, f"{head.key}_n": known.n}
        lines.append(line)
    return lines


def as_csv(lines: Sequence[Mapping[str, Any]]) -> str:
    """Rows with one heading; a text that a spreadsheet would run is quoted away."""
    heads = list(dict.fromkeys(key for line in lines for key in line))
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow([_plain(head) for head in heads])
    writer.writerows([[_plain(line.get(head)) for head in heads] for line in lines])
    return buffer.getvalue()


def _plain(value: Any) -> Any:
    if isinstance(value, str) and value[:1] in ("=", "+", "-", "@", "\t", "\r"):
        return f"'{value}"
    return value
