"""The conclusion ``rankings`` of a generated run, as the harness writes it: what is tested is how it is shown."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from foresight_reports.analysis.files import Analysis, parse_analysis
from foresight_reports.board import Board

Lines = Sequence[Mapping[str, Any]]


def keys_of(board: Board, metric: str = "") -> dict[str, Any]:
    """What all rows of a board share."""
    group = board.group
    own = {"suite": group.suite, "dataset": group.dataset, "metric": metric or board.primary.metric}
    return {**own, "probe": group.probe, "protocol": group.protocol}


def rows_of(board: Board, letters: Sequence[str], **changes: Any) -> list[dict[str, Any]]:
    """A line a candidate, best first; those after the last letter share it."""
    rows = []
    for place, row in enumerate(board.rows):
        own = letters[min(place, len(letters) - 1)]
        named = {"candidate": row.pipeline.candidate, "place": place + 1, "letters": own, "best": own.startswith("a")}
        rows.append({**keys_of(board), **named, **changes})
    return rows


def board_of(board: Board, **changes: Any) -> dict[str, Any]:
    """What is said of a board."""
    names = [row.pipeline.candidate for row in board.rows]
    said = {"finding": f"By iou on shapes, {names[0]} is the best of {len(names)}: 0.5.", "best": names[:1]}
    floors = {"against_floors": f"{names[0]} is better than every floor; the strongest is pixels (0.1)."}
    standing = {"floors": "better", "twin": "better"}
    numbers = {"separation": 0.5, "saturated": False, "detectable": 0.1, "leader": names[0]}
    return {**keys_of(board), **said, **floors, **standing, **numbers, **changes}


def rankings(rows: Lines, boards: Lines, form: int = 2, **further: Any) -> Analysis:
    """The conclusion."""
    content = {"schema": 1, "form": form, "rows": list(rows), "boards": list(boards), **further}
    found = parse_analysis(json.loads(json.dumps(content)), "rankings", "analysis/rankings.json", [])
    assert found is not None
    return found


def write_rankings(run: Path, rows: Lines, boards: Lines, **further: Any) -> None:
    """The conclusion as a file of a run."""
    (run / "analysis").mkdir(exist_ok=True)
    content = {"schema": 1, "form": 2, "kind": "rankings", "rows": list(rows), "boards": list(boards), **further}
    (run / "analysis" / "rankings.json").write_text(json.dumps(content))
