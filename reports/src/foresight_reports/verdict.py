"""The first thing that a reader sees: what was measured, what leads, and what must not be concluded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from foresight_reports import fits
from foresight_reports.analysis.gates import Gate, summary
from foresight_reports.boards import RANDOM, Board, Row
from foresight_reports.captions import LOUD, counted, listed, real_leader
from foresight_reports.captions import board as board_sentence
from foresight_reports.reading import Run
from foresight_reports.records import Record
from foresight_reports.refusals import Refusal
from foresight_reports.shares import off_the_way, share_of_range

TRAINED = ("pretrained", "published")
FLOOR_NOTES = {"worse": "below a floor", "not told apart": "not told from a floor", "absent": "no floor beside it"}
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
        state, word, sentence = _measured(ranked, run, gates)
    return Verdict(state, word, headline, sentence, _tiles(mine, run), _caveats(runs, boards, refused, loud, rows))


def _measured(ranked: Sequence[Board], run: Run, gates: Sequence[Gate]) -> tuple[str, str, str]:
    """Look, word and sentence of a whole run with real weights: *Measured* only where controls and twins stand."""
    lacking = _lacking(ranked, run)
    chosen = quoted_of(ranked)
    alone = chosen is None or not holds(chosen)
    state, word = ("provisional", "Provisional") if lacking or alone else ("measured", "Measured")
    sentence = " ".join([_sentence(ranked), *lacking])
    tone, answer, counts = summary(gates)
    if answer:
        # Gates decide only where the run is whole and its weights are real: anything else was said above.
        state = "provisional" if (lacking or alone) and tone == "good" else GATED[tone]
        return state, answer, f"{counts}. {sentence}"
    return state, word, sentence


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


def missing_controls(board: Board, run: Run) -> list[str]:
    """Controls that the board's suite is scored with and that left no row; *control* where the run lists none."""
    group = board.group
    facts = run.section("suite_facts").get(group.suite)
    scored = [r for r in run.records if (r.suite, r.dataset) == (group.suite, group.dataset) and r.metric is not None]
    present = {stream for record in scored if record.role != "candidate" for stream in record.axes.streams}
    if isinstance(facts, Mapping):
        wanted = [facts.get(name) for name in ("controls", "controls_without_masks")]
        sets = [[str(each) for each in names] for names in wanted if isinstance(names, list) and names]
        return min(([name for name in names if name not in present] for names in sets), key=len, default=[])
    return [] if present or board.references else ["control"]


def _failed_words(failed: Sequence[Record]) -> str:
    said = []
    for status in FAILURES:
        count = sum(record.status == status for record in failed)
        if count:
            said.append(f"{count:,} {FAILURE_WORDS[status]}")
    return ", ".join(said)


def _sentence(ranked: Sequence[Board]) -> str:
    """The finding of the board that tells most of the first suite that ranks anything; never of a saturated one."""
    chosen = quoted_of(ranked)
    if chosen is None:
        return "No suite has a ranking."
    said = chosen.judged.sentences if chosen.judged else board_sentence(chosen)
    if chosen.judged and chosen.leader is not None:
        said += real_leader(chosen, chosen.leader)
    return said if not chosen.saturated else f"Every table of {chosen.group.suite} is saturated. {said}"


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
    found, count = board.judged, len(board.rows)
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
        which = f" ({listed(sorted(loud))})" if len(loud) < len(rows) else ""
        said.append(
            f"{len(loud)} of {counted(len(rows), 'candidate')} ran with {' or '.join(kinds)} weights{which}; each "
            "number of theirs is marked and no gate takes it."
        )
    for board in boards:
        if board.broken:
            said.append(f"{board.title} is not ranked: a control left its known range.")
        elif missing := missing_controls(board, run):
            said.append(f"{board.title} has no {listed(missing)}: nothing says that its probe measures what it claims.")
        if board.saturated:
            said.append(f"{board.title} is saturated: better candidates could not show it there.")
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
