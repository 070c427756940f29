"""The first thing that a reader sees: what was measured, what leads, and what must not be concluded."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from foresight_reports.analysis.gates import Gate, summary
from foresight_reports.board import RANDOM, Board, Row
from foresight_reports.brief.warnings import failed_words, failures, missing_controls, warnings
from foresight_reports.captions import LOUD, counted, listed, real_leader
from foresight_reports.captions import board as board_sentence
from foresight_reports.reading import Run
from foresight_reports.records import Record
from foresight_reports.refusals import Refusal
from foresight_reports.shares import off_the_way, share_of_range

TRAINED = ("pretrained", "published")
FLOOR_NOTES = {"worse": "below a floor", "not told apart": "not told from a floor", "absent": "no floor beside it"}
GATED = {"bad": "broken", "warn": "provisional", "good": "measured"}
"""Look of the banner by the answers of the gates."""

SENTENCE_END = re.compile(r"(?<=[.!?])\s+(?=[A-Z])")
MOST_SENTENCES = 5
"""Conclusions at the top of a page."""


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
    sentences: Sequence[str]
    """What may be concluded, ``MOST_SENTENCES`` at most."""
    tiles: Sequence[Tile]
    urgent: Sequence[str]
    """What was refused, is broken, suspicious or lost: always in sight."""
    remarks: Sequence[str]
    """What else must not be concluded: one click away."""

    @property
    def sentence(self) -> str:
        """The conclusions in one go."""
        return " ".join(self.sentences)

    @property
    def caveats(self) -> list[str]:
        """All that must not be concluded, the urgent first."""
        return [*self.urgent, *self.remarks]


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
        headline += f"; {failed_words(failed)}"
    if not cells:
        state, word, said = "incomplete", "No numbers", ["No cell of this run has given a number."]
    elif status != "complete":
        state, word = "incomplete", "Incomplete"
        said = [f"The run is {status}: what stands below may change when it is resumed."]
    elif mine and not ranked:
        state, word = "broken", "Not ranked"
        said = ["Every suite has a control out of its known range, so no number here may be ranked."]
    elif rows and len(loud) == len(rows):
        state, word = "provisional", "Provisional"
        said = [
            "Every candidate ran on random or nano weights: the page shows that the pipelines run and what they "
            "cost, not which encoder is better.",
            "No number here can pass a gate.",
        ]
    else:
        state, word, said = _measured(ranked, run, gates)
        if loud and len(said) < MOST_SENTENCES:
            said.append(
                f"{len(loud)} of {counted(len(rows), 'candidate')} have random or nano weights, marked r and n: their "
                "numbers say nothing about a published model."
            )
    warned = warnings(runs, boards, refused, rows)
    said = [each for text in said for each in SENTENCE_END.split(text)]
    shown, rest = said[:MOST_SENTENCES], said[MOST_SENTENCES:]
    return Verdict(state, word, headline, shown, _tiles(mine, run), warned.urgent, [*rest, *warned.remarks])


def _measured(ranked: Sequence[Board], run: Run, gates: Sequence[Gate]) -> tuple[str, str, list[str]]:
    """Look, word and sentences of a whole run with real weights: *Measured* only where controls and twins stand."""
    lacking = _lacking(ranked, run)
    chosen = quoted_of(ranked)
    alone = chosen is None or not holds(chosen)
    state, word = ("provisional", "Provisional") if lacking or alone else ("measured", "Measured")
    said = [*_sentences(ranked), *lacking]
    tone, answer, counts = summary(gates)
    if answer:
        # Gates decide only where the run is whole and its weights are real: anything else was said above.
        state = "provisional" if (lacking or alone) and tone == "good" else GATED[tone]
        return state, answer, [f"{counts}.", *said]
    return state, word, said


def _lacking(ranked: Sequence[Board], run: Run) -> list[str]:
    """What a number must stand beside before it means anything, and does not: controls, twins."""
    judged = [board for board in ranked if not board.timed and any(row.rank for row in board.rows)]
    said = []
    bare = [board.title for board in judged if missing_controls(board, run)]
    if bare:
        said.append(f"Controls are missing on {listed(bare)}, so nothing says that these probes measure anything.")
    chosen = quoted_of(ranked)
    alone = twins_missing(chosen) if chosen is not None else []
    if alone:
        verb = "was" if len(alone) == 1 else "were"
        said.append(
            f"{counted(len(alone), 'candidate')} with trained weights {verb} scored without a twin with random weights "
            f"({listed(alone, 2)}), so nothing says what training adds."
        )
    return said


def holds(board: Board) -> bool:
    """Whether the leader is told to be better than every floor, and than its twin where it has one."""
    return board.judged is None or (board.judged.floor == "better" and board.judged.twin in ("better", "absent"))


def twins_missing(board: Board) -> list[str]:
    """Candidates with trained weights whose architecture was not scored with random ones beside them."""
    twins = {row.pipeline.candidate.replace(RANDOM, "") for row in board.controls if row.role == "twin"}
    rows = [row for row in board.rows if row.rank is not None and row.weights in TRAINED]
    return [row.pipeline.candidate for row in rows if row.pipeline.candidate not in twins]


def _sentences(ranked: Sequence[Board]) -> list[str]:
    """The finding of the board that tells most of the first suite that ranks anything; never of a saturated one."""
    chosen = quoted_of(ranked)
    if chosen is None:
        return ["No suite has a ranking."]
    if chosen.judged is None:
        said = [board_sentence(chosen)]
    else:
        found = chosen.judged
        said = [each for each in (found.finding, found.floors, found.twins, found.ceilings) if each]
        if chosen.leader is not None and (real := real_leader(chosen, chosen.leader).strip()):
            said.insert(1, real)
    return [f"Every table of {chosen.group.suite} is saturated.", *said] if chosen.saturated else said


def quoted_of(ranked: Sequence[Board]) -> Board | None:
    """The board that the verdict speaks of: of the first suite that ranks anything."""
    usable = [board for board in ranked if board.leader is not None and not board.timed]
    return quoted([board for board in usable if board.group.suite == usable[0].group.suite]) if usable else None


def quoted(boards: Sequence[Board]) -> Board | None:
    """Of several boards of one suite the one that tells most of its rows apart; a saturated or flat one comes last."""
    order = sorted(boards, key=lambda board: (board.saturated, board.flat, -board.separation))
    return order[0] if order else None


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
        board = quoted(found) or found[0]
        mine = [row for row in board.rows if row.pipeline.run == run.name and row.rank]
        if not mine:
            continue
        row = first_real(mine) or mine[0]
        record = row.records[board.primary.metric]
        tiles.append(Tile(board, row, record, share_of_range(record), _tile_note(board, row, len(found) - 1)))
    return tiles


def _tile_note(board: Board, row: Row, more: int) -> str:
    """What the reader must know beside the number: its rank where it does not lead, or who is as good."""
    said, record = [], row.records[board.primary.metric]
    found, count = board.judged, len(board.ranked)
    if row.rank != 1:
        above = [each for each in board.rows[: (row.rank or 1) - 1] if each.weights in LOUD]
        real = row.weights not in LOUD and len(above) == (row.rank or 1) - 1
        said.append(f"rank {row.rank} of {count}" + (", the first with real weights" if real else ""))
    elif found is not None and count > 1:
        best = len(found.best)
        said.append(f"the best of {count}" if best == 1 else f"{best} of {count} candidates can be the best")
    elif found is None and count > 1:
        said.append("not tested")
    if found is not None and row.rank == 1:
        said += [FLOOR_NOTES[found.floor]] if found.floor in FLOOR_NOTES else []
    said += ["saturated"] if board.saturated else []
    said += [off] if (off := off_the_way(record)) else []
    if more:
        said.append(f"{counted(more, 'further table')} of this suite")
    return "; ".join(said)
