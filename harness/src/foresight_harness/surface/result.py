"""What a finished run found, as the few lines that its reader wants first: one board, best first, and a sentence."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from foresight_harness.contracts.records import Record
from foresight_harness.contracts.specs import SuiteFacts
from foresight_harness.contracts.text import one_line
from foresight_harness.judging.analyses.envelope import analysis_path, read_analysis
from foresight_harness.running.run_folder.run_data import RunData

SHOWN = 12
"""Rows of a table at most; ``foresight-bench rank`` shows all."""
BOARD = ("suite", "dataset", "metric", "probe", "protocol")


@dataclass(frozen=True)
class Result:
    """The first board of a run."""

    title: str
    finding: str
    """One sentence; empty where there are no two candidates to compare."""
    rows: tuple[Mapping[str, Any], ...]
    """``letters``, ``candidate``, ``role``, ``value``, ``low``, ``high``, ``n``; candidates first, best first."""

    def lines(self) -> list[str]:
        """As a terminal shows it: the table, then the sentence."""
        table = [("letters", "candidate", "score", "95 % interval", "n", "role"), *map(_cells, self.rows[:SHOWN])]
        widths = [max(len(row[column]) for row in table) for column in range(len(table[0]))]
        lines = [self.title]
        for row in table:
            cells = [text.ljust(width) for text, width in zip(row, widths, strict=True)]
            lines.append(f"  {'  '.join(cells)}".rstrip())
        if len(self.rows) > SHOWN:
            lines.append(f"  and {len(self.rows) - SHOWN} more: foresight-bench rank")
        return [*lines, *([self.finding] if self.finding else [])]

    def as_json(self) -> dict[str, Any]:
        """JSON types only."""
        return {"title": self.title, "finding": self.finding, "rows": [dict(row) for row in self.rows]}


def result_of(run: Path) -> Result | None:
    """The board that tells most of its first suite, else the numbers of that suite.

    None where it measured nothing.

    Raises:
        RunFolderError: where the run folder is damaged.
    """
    ranked = read_analysis(run, "rankings") if analysis_path(run, "rankings").exists() else {"rows": []}
    if ranked["rows"]:
        board = telling_first(ranked["boards"], RunData.load(run).suites)[0]
        wanted = [board.get(key) for key in BOARD]
        rows = [row for row in ranked["rows"] if [row.get(key) for key in BOARD] == wanted]
        said = " ".join(text for name in ("finding", "against_floors") if (text := board.get(name)))
        return Result(_title(board), one_line(said or ranked["finding"]), _in_order(map(_ranked, rows), board))
    found = _unranked(RunData.load(run))
    return Result(_title(vars(found[0])), "", tuple(map(_measured, found))) if found else None


def telling_first(boards: Sequence[Mapping[str, Any]], suites: Mapping[str, SuiteFacts]) -> list[Mapping[str, Any]]:
    """Boards of the first suite of reports before others; in it those of several candidates that tell most apart."""
    places = {name: facts.order for name, facts in suites.items()}

    def place(board: Mapping[str, Any]) -> tuple[int, bool, bool, float]:
        alone = (board.get("candidates") or 0) < 2
        return places.get(board["suite"], 1000), bool(board.get("saturated")), alone, -(board.get("separation") or 0.0)

    return sorted(boards, key=place)


def _unranked(data: RunData) -> list[Record]:
    """Records of the first metric that ranks in its suite, best first; nothing is said about who is better."""
    for suite in data.suites.values():
        for metric in suite.ranked_by:
            found = [one for one in data.select(suite=suite.name, metric=metric) if one.value is not None]
            alike = [one for one in found if (one.dataset, one.probe) == (found[0].dataset, found[0].probe)]
            if alike:
                return sorted(alike, key=lambda one: one.value or 0.0, reverse=alike[0].direction == "higher")
    return []


def _title(board: Mapping[str, Any]) -> str:
    probe = f" ({board['probe']})" if board.get("probe") else ""
    return one_line(f"{board['metric']}{probe} of {board['suite']} on {board['dataset']}")


def _ranked(row: Mapping[str, Any]) -> dict[str, Any]:
    measured = row["measured"]
    numbers = {name: measured[name] for name in ("value", "low", "high", "n")}
    return {"letters": row.get("letters"), "candidate": row["candidate"], "role": row["role"], **numbers}


def _in_order(rows: Iterable[dict[str, Any]], board: Mapping[str, Any]) -> tuple[dict[str, Any], ...]:
    """Candidates as they were ranked, then what they are compared with, best first."""
    sign = -1.0 if board.get("direction") == "higher" else 1.0

    def place(row: Mapping[str, Any]) -> tuple[bool, float]:
        ranked = row["role"] == "candidate"
        return not ranked, 0.0 if ranked or row["value"] is None else sign * row["value"]

    return tuple(sorted(rows, key=place))


def _measured(record: Record) -> dict[str, Any]:
    numbers = {"value": record.value, "low": record.ci_low, "high": record.ci_high, "n": record.n}
    return {"letters": None, "candidate": record.candidate, "role": record.role, **numbers}


def _cells(row: Mapping[str, Any]) -> Sequence[str]:
    interval = "" if row["low"] is None else f"[{row['low']:.4f}, {row['high']:.4f}]"
    return (
        one_line(row["letters"] or ""),
        one_line(row["candidate"]),
        f"{row['value']:.4f}",
        interval,
        str(row["n"]),
        one_line(row["role"]),
    )
