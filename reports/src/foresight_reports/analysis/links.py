"""From a row of a conclusion to the record behind it: every number leads to its evidence."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from markupsafe import Markup

from foresight_reports.analysis.files import Line, amount, said
from foresight_reports.board import Board, Pipeline
from foresight_reports.reading import Run
from foresight_reports.records import Record
from foresight_reports.tables import breakable

FIELDS = ("suite", "dataset", "metric", "probe")


class Index:
    """Finds the one record that a row speaks of, and the place of a candidate in the page."""

    def __init__(self, run: Run, boards: Sequence[Board] = (), name: Callable[..., Markup] = breakable) -> None:
        self.suites = run.suites
        self.name = name
        """How a text that may name candidates is written."""
        self._boards = boards
        self._streams: dict[str, str] = {}
        self._run = run.name
        self._records: dict[str, list[Record]] = {}
        self._candidates: set[str] = set()
        self._directions: dict[str, str] = {}
        self._weights: dict[str, str] = {}
        for record in run.records:
            if record.value is None:
                continue
            self._candidates.add(record.candidate)
            self._directions.setdefault(record.metric or "", record.direction)
            self._weights[record.anchor] = record.weights
            streams = record.axes.streams
            names = [record.candidate]
            if len(streams) == 1:
                names.append(streams[0])
                self._streams.setdefault(streams[0], record.candidate)
            for own in names:
                self._records.setdefault(own, []).append(record)

    def candidate(self, name: str) -> str:
        """Anchor of a candidate with at least one number, empty for any other name."""
        return Pipeline(self._run, name, "", "", "").anchor if name in self._candidates else ""

    def direction(self, metric: str) -> str:
        """Which side of a metric is better, ``none`` where no record says."""
        return self._directions.get(metric, "none")

    def weights(self, anchor: str) -> str:
        """Kind of the weights behind the record of an anchor, empty for an unknown one."""
        return self._weights.get(anchor, "")

    def record(self, line: Line, value: float | None, key: str = "") -> str:
        """Anchor of the record that a row speaks of; empty where none is, or where several could be meant."""
        names = [said(line, "candidate"), said(line, "stream"), f"{said(line, 'encoder')}@{said(line, 'tap')}"]
        found = next((self._records[name] for name in names if name in self._records), [])
        for field in FIELDS:
            wanted = said(line, field) or (key if field == "metric" else "")
            if wanted:
                found = [record for record in found if str(getattr(record, field)) == wanted] or (
                    [] if field in ("metric", "dataset") else found
                )
        if value is not None:
            found = [r for r in found if r.value is not None and abs(r.value - value) <= 1e-9 * max(1.0, abs(value))]
        return found[0].anchor if len(found) == 1 else ""

    def anchor(self, line: Line, key: str) -> str:
        """Where a number of a row leads: to its record, else to its candidate, else nowhere."""
        return self.record(line, amount(line, key)) or self.candidate(said(line, "candidate"))

    def stream(self, name: str) -> str:
        """Anchor of the first candidate that has this stream alone, empty where none has."""
        return self.candidate(self._streams.get(name, ""))

    def board(self, line: Line) -> str:
        """Anchor of the table that a number over many candidates was computed from, empty where none can be told."""
        metric = said(line, "outcome") or said(line, "metric")
        # The probe of a proxy is the cheap metric's, not the outcome's.
        probe = "" if said(line, "outcome") else said(line, "probe")
        found = [board for board in self._boards if metric and any(c.metric == metric for c in board.columns)]
        for name, wanted in (("suite", said(line, "suite")), ("dataset", said(line, "dataset")), ("probe", probe)):
            if wanted and not (name == "suite" and said(line, "outcome")):
                found = [board for board in found if str(getattr(board.group, name)) == wanted]
        if decoder := said(line, "decoder"):
            found = [b for b in found if any(row.any_record.axes.decoder == decoder for row in b.rows)]
        return found[0].anchor if found else ""


def ordered(names: Sequence[str]) -> list[str]:
    """Each name once, in the order of its first place."""
    return list(dict.fromkeys(names))
