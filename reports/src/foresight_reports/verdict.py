"""The first thing that a reader sees: what was measured, what leads, and what must not be concluded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from foresight_reports import fits, metrics
from foresight_reports.analysis.gates import Gate, summary
from foresight_reports.boards import Board, Row, share_of_range
from foresight_reports.captions import LOUD, counted, listed
from foresight_reports.reading import Run
from foresight_reports.records import Record
from foresight_reports.refusals import Refusal

FAILURES = ("failed", "oom", "unavailable")
FAILURE_WORDS = {"failed": "failed", "oom": "ran out of memory", "unavailable": "could not be had"}


GATED = {"bad": "broken", "warn": "provisional", "good": "measured"}
"""Look of the banner by the answers of the gates."""


@dataclass(frozen=True)
class Tile:
    """The leader of one suite."""

    board: Board
    row: Row
    record: Record
    share: float | None
    note: str


@dataclass(frozen=True)
class Verdict:
    """``state`` is ``measured``, ``provisional``, ``incomplete`` or ``broken``."""

    state: str
    word: str
    headline: str
    sentence: str
    tiles: Sequence[Tile]
    caveats: Sequence[str]


def failures(run: Run) -> list[Record]:
    """Records of cells that gave no number."""
    return [record for record in run.records if record.status in FAILURES]


def judge(
    runs: Sequence[Run], boards: Sequence[Board], refused: Sequence[Refusal], gates: Sequence[Gate] = ()
) -> Verdict:
    """The verdict over the first run; the others are what it is compared with."""
    run = runs[0]
    mine = [board for board in boards if any(row.pipeline.run == run.name for row in board.rows)]
    failed = failures(run)
    cells = {record.cell for record in run.records if record.status == "ok"}
    rows = {row.pipeline.candidate: row for board in mine for row in board.rows if row.pipeline.run == run.name}
    loud = [name for name, row in rows.items() if row.weights in ("random", "nano")]
    status = str(run.manifest.get("status") or "unknown")
    ranked = [board for board in mine if not board.broken]
    planned = run.section("counts").get("planned")
    of = f" of {planned:,} planned" if isinstance(planned, int) and planned else ""
    headline = f"{counted(len(rows), 'candidate')} measured in {len(cells):,}{of} cells"
    if failed:
        headline += f"; {_failed_words(failed)}"
    if not cells:
        state, word, sentence = "incomplete", "No numbers", "No cell of this run has given a number."
    elif status != "complete":
        state, word = "incomplete", "Incomplete"
        sentence = f"The run is {status}: what stands below may change when it is resumed."
    elif mine and not ranked:
        state, word = "broken", "Not ranked"
        sentence = "Every suite has a control out of its known range, so no number here may be ranked."
    elif rows and len(loud) == len(rows):
        state, word = "provisional", "Provisional"
        sentence = (
            "Every candidate ran on random or nano weights: the page shows that the pipelines run and what they "
            "cost, not which encoder is better. No number here can pass a gate."
        )
    else:
        state, word = "measured", "Measured"
        sentence = _sentence(ranked)
        tone, answer, counts = summary(gates)
        if answer:
            # Gates decide only where the run is whole and its weights are real: anything else was said above.
            state, word = GATED[tone], answer
            sentence = f"{counts}. {sentence}"
    return Verdict(state, word, headline, sentence, _tiles(mine, run), _caveats(runs, boards, refused, loud, rows))


def _failed_words(failed: Sequence[Record]) -> str:
    said = []
    for status in FAILURES:
        count = sum(record.status == status for record in failed)
        if count:
            said.append(f"{count:,} {FAILURE_WORDS[status]}")
    return ", ".join(said)


def _sentence(ranked: Sequence[Board]) -> str:
    for board in ranked:
        row = first_real(board.rows)
        if row is None or row.rank is None:
            continue
        record = row.records[board.primary.metric]
        share = share_of_range(record)
        said = (
            f"{row.pipeline.candidate} leads {board.group.suite} on {board.group.dataset} with {board.primary.label} "
            f"{metrics.write(record.value, record.unit)}"
        )
        said += f", {share:.0%} of the way from the floor to the ceiling" if share is not None else ""
        above = row.rank - 1
        return said + (f"; {counted(above, 'candidate')} above it ran without real weights." if above else ".")
    return "No suite has a ranking."


def first_real(rows: Sequence[Row]) -> Row | None:
    """The first row whose weights are neither random nor nano: the one that the numbers speak about."""
    return next((row for row in rows if row.rank is not None and row.weights not in LOUD), None)


def _tiles(boards: Sequence[Board], run: Run) -> list[Tile]:
    """One tile a suite: its first board with a ranking."""
    first: dict[str, list[Board]] = {}
    for board in boards:
        if board.leader is not None:
            first.setdefault(board.group.suite, []).append(board)
    tiles = []
    for found in first.values():
        board = next((each for each in found if not each.flat), found[0])
        mine = [row for row in board.rows if row.pipeline.run == run.name and row.rank]
        if not mine:
            continue
        row = first_real(mine) or mine[0]
        record = row.records[board.primary.metric]
        tiles.append(Tile(board, row, record, share_of_range(record), _tile_note(board, row, len(found) - 1)))
    return tiles


def _tile_note(board: Board, row: Row, more: int) -> str:
    """What the reader must know beside the number: its rank where it does not lead, or who is as good."""
    said = []
    tied = sum(each.tied for each in board.rows)
    if row.rank != 1:
        above = [each for each in board.rows[: (row.rank or 1) - 1] if each.weights in LOUD]
        real = row.weights not in LOUD and len(above) == (row.rank or 1) - 1
        said.append(f"rank {row.rank} of {len(board.rows)}" + (", the first with real weights" if real else ""))
    elif board.judged_by:
        said.append(f"not told from the floor {board.judged_by}")
    elif board.tested:
        said.append(f"{tied} of {counted(len(board.rows) - 1, 'other')} cannot be told from it")
    elif tied:
        said.append(counted(tied, "other interval reaches", "other intervals reach") + " into its own")
    elif row.records[board.primary.metric].has_interval and len(board.rows) > 1:
        said.append("no other interval reaches into its own")
    if more:
        said.append(f"{counted(more, 'further table')} of this suite")
    return "; ".join(said)


def _without_record(run: Run) -> int:
    """Planned cells that neither gave a number nor a failure; 0 where the manifest does not count."""
    counts = run.section("counts")
    planned = counts.get("planned")
    ended = [counts.get(state) for state in ("ok", *FAILURES)]
    if not isinstance(planned, int) or run.manifest.get("status") != "complete":
        return 0
    return planned - sum(count for count in ended if isinstance(count, int))


def admission(run: Run) -> list[str]:
    """What was refused or is too good, as the run's own analysis says it; without one, what its records say."""
    found = run.analyses.get("admission")
    lines = found.extra.get("lines") if found is not None else None
    if isinstance(lines, list):
        return [str(line) for line in lines]
    reasons = {r.candidate: r.admission_reason for r in run.records if r.admission == "refused"}
    return [f"{name} is refused and not ranked: {why}" for name, why in reasons.items()]


def _caveats(
    runs: Sequence[Run],
    boards: Sequence[Board],
    refused: Sequence[Refusal],
    loud: Sequence[str],
    rows: dict[str, Row],
) -> list[str]:
    run = runs[0]
    said = admission(run)
    if loud:
        kinds = sorted({rows[name].weights for name in loud})
        said.append(
            f"{len(loud)} of {counted(len(rows), 'candidate')} ran with {' or '.join(kinds)} weights; each number of "
            "theirs is marked and no gate takes it."
        )
    for board in boards:
        if board.broken:
            said.append(f"{board.title} is not ranked: a control left its known range.")
    if refused:
        tables = sum(len(family.boards) for family in refused)
        said.append(
            f"{tables} tables of {counted(len(refused), 'subject')} differ in protocol, data or machine: "
            "no rank holds across them."
        )
    said += fits.caveats(run.records)
    failed = failures(run)
    if failed:
        said.append(f"{counted(len(failed), 'cell')} gave no number ({_failed_words(failed)}); see Failed cells.")
    lost = _without_record(run)
    if lost > 0:
        said.append(f"{counted(lost, 'planned cell')} left no record.")
    absent = [p for p in run.manifest.get("plugins") or () if isinstance(p, dict) and p.get("error")]
    if absent:
        names = [str(plugin.get("name")) for plugin in absent]
        said.append(f"{counted(len(absent), 'plugin')} could not be imported: {listed(names)}. Their rows are missing.")
    machines = {each.hardware for each in runs}
    if len(machines) > 1:
        said.append("The runs come from different machines: latencies are not compared between them.")
    for each in runs:
        prefix = f"{each.name}: " if len(runs) > 1 else ""
        said += [prefix + note for note in each.notes]
    return said
