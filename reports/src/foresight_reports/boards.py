"""Comparability groups: which numbers may stand in one table, in which order, and which may not be ranked at all."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from typing import NamedTuple

from foresight_reports import metrics
from foresight_reports.judged import Judged
from foresight_reports.reading import Run, suites_of
from foresight_reports.records import Record

CONTROL_ROLES = ("floor", "ceiling", "twin")
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


def pipeline_of(record: Record, run: Run) -> Pipeline:
    """The row that a record belongs to."""
    return Pipeline(run.name, record.candidate, record.dtype, record.device, record.attention)


def group_of(record: Record, run: Run) -> Group:
    """The comparability group of a record; times belong to the machine that took them."""
    timed = record.timed or (record.metric or "").startswith("latency")
    return Group(
        record.suite,
        record.dataset,
        record.split,
        record.fingerprint,
        record.probe,
        record.protocol,
        run.hardware if timed else "",
    )


def build_boards(runs: Sequence[Run]) -> list[Board]:
    """Boards of all groups: what is kept first, then how it is kept, then what it costs; large boards first."""
    members: dict[Group, list[tuple[Run, Record]]] = {}
    for run in runs:
        for record in run.records:
            if record.metric is not None and record.status == "ok":
                members.setdefault(group_of(record, run), []).append((run, record))
    boards = [_build(group, pairs) for group, pairs in members.items()]
    suites = suites_of(runs)
    boards.sort(key=lambda b: (suites.place(b.group.suite), b.group.suite, -len(b.rows)))
    return boards


def _build(group: Group, pairs: Sequence[tuple[Run, Record]]) -> Board:
    rows: dict[Pipeline, dict[str, Record]] = {}
    for run, record in pairs:
        if record.metric is not None:
            rows.setdefault(pipeline_of(record, run), {})[record.metric] = record
    records = [record for _, record in pairs]
    columns = _columns(records)
    built = [Row(pipeline, role_of(next(iter(r.values()))), r) for pipeline, r in rows.items()]
    broken = any(record.controls_ok is False for record in records)
    candidates = _ranked(
        [row for row in built if row.role not in CONTROL_ROLES],
        columns[0],
        broken,
        list(dict.fromkeys(run.name for run, _ in pairs)),
    )
    controls = sorted(
        (row for row in built if row.role in CONTROL_ROLES),
        key=lambda row: (CONTROL_ROLES.index(row.role), row.pipeline),
    )
    return Board(group, columns, candidates, controls, _references(records), broken, _control_notes(records))


def role_of(record: Record) -> str:
    """The record's role; a twin is told by its encoder's name too."""
    return "twin" if any(name.startswith(RANDOM) for name in record.axes.encoders) else record.role


def _control_notes(records: Iterable[Record]) -> list[str]:
    """What the harness says about the controls of the suite, each sentence once."""
    found: dict[str, None] = {}
    for record in records:
        notes = record.details.get("controls")
        if isinstance(notes, list):
            found.update(dict.fromkeys(str(note) for note in notes))
    return list(found)


def _columns(records: Iterable[Record]) -> list[Column]:
    found: dict[str, list[Record]] = {}
    for record in records:
        if record.metric is not None:
            found.setdefault(record.metric, []).append(record)
    columns = []
    # Facts without a direction, such as parameter counts, never lead a board.
    for metric in sorted(found, key=lambda m: (found[m][0].direction == "none", *found[m][0].suites.rank_of(m))):
        group = found[metric]
        first = group[0]
        ends = [
            end for r in group for end in (r.value, r.ci_low, r.ci_high, r.floor, r.ceiling) if end is not None
        ] or [0.0]
        family = first.suites.family(metric) or "others"
        columns.append(Column(metric, first.label, first.unit, first.direction, min(ends), max(ends), family))
    return columns


def _ranked(rows: list[Row], column: Column, broken: bool, runs: Sequence[str]) -> list[Row]:
    """Best first; the ones whose interval reaches into the leader's are marked as tied with it."""
    sign = -1.0 if column.direction == "higher" else 1.0

    def key(row: Row) -> tuple[bool, float, int, Pipeline]:
        value = row.value(column.metric)
        return (value is None, 0.0 if value is None else sign * value, runs.index(row.pipeline.run), row.pipeline)

    if broken or column.direction not in metrics.MARKS:
        return sorted(rows, key=lambda row: row.pipeline)
    refused = sorted((row for row in rows if row.admission == "refused"), key=lambda row: row.pipeline)
    ordered = sorted((row for row in rows if row.admission != "refused"), key=key)
    leader = ordered[0].records.get(column.metric) if ordered else None
    ranked: list[Row] = []
    for position, row in enumerate(ordered):
        own = row.records.get(column.metric)
        rank = None if own is None or own.value is None else position + 1
        # Equal to the last digit, such as one candidate of two equal runs: one rank.
        if rank and ranked and ranked[-1].value(column.metric) == row.value(column.metric):
            rank = ranked[-1].rank
        tied = own is not None and leader is not None and own is not leader and _overlap(own, leader)
        ranked.append(Row(row.pipeline, row.role, row.records, rank, tied))
    return [*ranked, *refused]


def _overlap(left: Record, right: Record) -> bool:
    if left.ci_low is None or left.ci_high is None or right.ci_low is None or right.ci_high is None:
        return False
    return left.ci_low <= right.ci_high and right.ci_low <= left.ci_high


def _references(records: Iterable[Record]) -> list[Reference]:
    found: dict[tuple[str, str], dict[str, float]] = {}
    for record in records:
        for role, value, name in (
            ("ceiling", record.ceiling, record.ceiling_by),
            ("floor", record.floor, record.floor_by),
        ):
            if value is not None and record.metric is not None:
                found.setdefault((role, name or f"the {role}"), {})[record.metric] = value
    return [Reference(role, name, values) for (role, name), values in found.items()]


def _same(reference: Reference, row: Row) -> bool:
    return row.role == reference.role and all(row.value(name) == value for name, value in reference.values.items())
