"""A board: one table of candidates, its rows, columns and what stands beside them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from typing import NamedTuple

from foresight_reports import metrics
from foresight_reports.judged import Judged
from foresight_reports.records import Record

RANDOM = "random:"
"""Begins the name of an encoder's twin: its architecture with random weights."""


class Group(NamedTuple):
    """Records of one group may be ranked together, records of two groups never."""

    suite: str
    dataset: str
    split: str
    fingerprint: str
    probe: str | None
    protocol: str
    hardware: str


class Pipeline(NamedTuple):
    """What stands in one row: a candidate as it was run."""

    run: str
    candidate: str
    dtype: str
    device: str
    attention: str

    @property
    def anchor(self) -> str:
        """Name of the candidate's place in the page: depends on nothing but its run and its name."""
        return "c-" + sha256(f"{self.run}\n{self.candidate}".encode("utf-8", "replace")).hexdigest()[:10]


@dataclass(frozen=True)
class Column:
    """One metric of a board, with what its bars are scaled by."""

    metric: str
    label: str
    unit: str
    direction: str
    low: float
    high: float
    family: str = "others"
    """What the metric tells about, for choices of columns that span suites."""

    @property
    def mark(self) -> str:
        """An arrow that says which way is better, empty for a fact."""
        return metrics.MARKS.get(self.direction, "")

    @property
    def words(self) -> str:
        """The direction in words, empty for a fact."""
        return metrics.WORDS.get(self.direction, "")


@dataclass(frozen=True)
class Row:
    """One candidate or control of a board."""

    pipeline: Pipeline
    role: str
    records: Mapping[str, Record]
    rank: int | None = None
    tied: bool = False
    letters: str = ""
    """Shared by rows that are not told apart; empty where nothing was tested."""
    best: bool | None = None
    """Whether it can be the best; None where nothing was tested."""

    @cached_property
    def any_record(self) -> Record:
        """Some record of the row: what does not depend on the metric is read from it."""
        return next(iter(self.records.values()))

    @property
    def admission(self) -> str | None:
        """What was said of its encoders before it was ranked; None where nothing had to be."""
        return self.any_record.admission

    @property
    def weights(self) -> str:
        """Kind of the weights behind every number of this row."""
        return self.any_record.weights

    @property
    def tokens(self) -> str:
        """Tokens a picture of each stream, empty where the run does not say."""
        return "+".join(f"{count:,}" for count in self.any_record.tokens or ())

    def value(self, metric: str) -> float | None:
        """The number, None where it was not measured."""
        record = self.records.get(metric)
        return None if record is None else record.value


@dataclass(frozen=True)
class Reference:
    """A floor or a ceiling that the records quote: marked, never ranked."""

    role: str
    name: str
    values: Mapping[str, float]


@dataclass(frozen=True)
class Board:
    """All rows of one comparability group."""

    group: Group
    columns: Sequence[Column]
    rows: Sequence[Row]
    controls: Sequence[Row]
    references: Sequence[Reference]
    broken: bool
    control_notes: Sequence[str] = ()
    distinction: str = ""
    judged: Judged | None = None
    """What tests on the samples say; None where only intervals can be laid side by side."""
    elsewhere: Sequence[str] = ()
    """Other metrics of the board by which its leader is told not to be the best."""

    @property
    def anchor(self) -> str:
        """Name of the board's place in the page."""
        return "b-" + sha256("\n".join(str(part) for part in self.group).encode("utf-8", "replace")).hexdigest()[:8]

    @property
    def tokens(self) -> str:
        """What all its candidates make of a picture, empty where they differ or nobody says."""
        found = {row.tokens for row in self.rows}
        return found.pop() if len(found) == 1 else ""

    @property
    def timed(self) -> bool:
        """Whether its numbers are times."""
        return any(row.any_record.timed for row in (*self.rows, *self.controls))

    @property
    def primary(self) -> Column:
        """The metric that the board is ordered by."""
        return self.columns[0]

    @property
    def leader(self) -> Row | None:
        """The first of the ranking, None where nothing may be ranked."""
        return self.rows[0] if self.rows and self.rows[0].rank == 1 else None

    @property
    def ranked(self) -> list[Row]:
        """Rows that were ranked; refused ones were not."""
        return [row for row in self.rows if row.rank is not None]

    @property
    def separation(self) -> float:
        """How much the board tells: share of its pairs told apart; below every tested board where it was not."""
        found = self.judged.separation if self.judged else None
        return -1.0 if found is None else found

    @property
    def saturated(self) -> bool:
        """Whether better candidates could not show it here."""
        return self.judged is not None and self.judged.saturated

    @property
    def flat(self) -> bool:
        """Whether all ranked rows have one value, such as those of a constant answer: then nobody leads."""
        return len(self.ranked) > 1 and len({row.value(self.primary.metric) for row in self.ranked}) == 1

    @property
    def title(self) -> str:
        """What the board measures, in the words of a reader."""
        probe = f", {self.group.probe}" if self.group.probe else ""
        split = f" ({self.group.split})" if self.group.split else ""
        apart = f"; {self.distinction}" if self.distinction else ""
        return f"{self.group.suite.capitalize()} on {self.group.dataset or 'no data'}{split}{probe}{apart}"

    @property
    def quoted(self) -> Sequence[Reference]:
        """Floors and ceilings that no control of the board repeats number by number."""
        return [each for each in self.references if not any(_same(each, row) for row in self.controls)]

    @property
    def n(self) -> tuple[int, int] | None:
        """Fewest and most samples behind the primary numbers."""
        sizes = [r.records[self.primary.metric].n for r in self.rows if self.primary.metric in r.records]
        known = [size for size in sizes if size is not None]
        return (min(known), max(known)) if known else None


def _same(reference: Reference, row: Row) -> bool:
    return row.role == reference.role and all(row.value(name) == value for name, value in reference.values.items())
