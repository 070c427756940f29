"""What must not be concluded from a run: what was refused, broken, suspicious or lost, and further remarks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from foresight_reports import fits
from foresight_reports.board import Board, Row
from foresight_reports.captions import LOUD, counted, listed
from foresight_reports.reading import Run
from foresight_reports.records import Record
from foresight_reports.refusals import Refusal

FAILURES = ("failed", "oom", "unavailable")
FAILURE_WORDS = {"failed": "failed", "oom": "ran out of memory", "unavailable": "could not be had"}


class Warnings(NamedTuple):
    """``urgent`` is always in sight, ``remarks`` are one click away."""

    urgent: list[str]
    remarks: list[str]


def warnings(
    runs: Sequence[Run], boards: Sequence[Board], refused: Sequence[Refusal], rows: Mapping[str, Row]
) -> Warnings:
    """All warnings of a page about the first of its runs; ``rows`` are that run's candidates by name."""
    run = runs[0]
    urgent = [*admission(run), *_unchecked(run, rows)]
    for board in boards:
        if board.broken:
            urgent.append(f"{board.title} is not ranked: a control left its known range.")
        elif missing := missing_controls(board, run):
            without = f"{board.title} has no {listed(missing)}"
            urgent.append(f"{without}: nothing says that its probe measures what it claims.")
    urgent += _broken_ceilings(boards)
    urgent += fits.caveats(run.records)
    failed = failures(run)
    if failed:
        urgent.append(f"{counted(len(failed), 'cell')} gave no number ({failed_words(failed)}); see Failed cells.")
    lost = _without_record(run)
    if lost > 0:
        urgent.append(f"{counted(lost, 'planned cell')} left no record.")
    absent = [p for p in run.manifest.get("plugins") or () if isinstance(p, dict) and p.get("error")]
    if absent:
        names = [str(plugin.get("name")) for plugin in absent]
        count = counted(len(absent), "plugin")
        urgent.append(f"{count} could not be imported: {listed(names)}. Their rows are missing.")
    urgent += _left_out(run)
    for each in runs:
        prefix = f"{each.name}: " if len(runs) > 1 else ""
        urgent += [prefix + note for note in each.notes]
    return Warnings(urgent, _remarks(runs, boards, refused, rows))


def _remarks(
    runs: Sequence[Run], boards: Sequence[Board], refused: Sequence[Refusal], rows: Mapping[str, Row]
) -> list[str]:
    said = []
    loud = sorted(name for name, row in rows.items() if row.weights in LOUD)
    if loud:
        kinds = sorted({rows[name].weights for name in loud})
        which = f" ({listed(loud)})" if len(loud) < len(rows) else ""
        said.append(
            f"{len(loud)} of {counted(len(rows), 'candidate')} ran with {' or '.join(kinds)} weights{which}; each "
            "number of theirs is marked and no gate takes it."
        )
    full = [board.title for board in boards if board.saturated]
    if full:
        verb = "is" if len(full) == 1 else "are"
        said.append(f"{listed(full, 6)} {verb} saturated: better candidates could not show it there.")
    if refused:
        tables = sum(len(family.boards) for family in refused)
        said.append(
            f"{tables} tables of {counted(len(refused), 'subject')} differ in protocol, data or machine: "
            "no rank holds across them."
        )
    if len({each.hardware for each in runs}) > 1:
        said.append("The runs come from different machines: latencies are not compared between them.")
    return said


def _left_out(run: Run) -> list[str]:
    """Candidates of the matrix that this run could not score, each with its reason."""
    reasons = run.manifest.get("left_out")
    return [f"Left out of the matrix: {reason}." for reason in reasons] if isinstance(reasons, list) else []


def _unchecked(run: Run, rows: Mapping[str, Row]) -> list[str]:
    """Candidates that were ranked without having been admitted, in one sentence."""
    names = sorted(name for name, row in rows.items() if row.admission == "not checked")
    if not names:
        return []
    was = "was" if len(names) == 1 else "were"
    why = rows[names[0]].any_record.admission_reason
    return [f"{listed(names)} {was} not checked before being ranked" + (f": {why.rstrip('.')}." if why else ".")]


def _broken_ceilings(boards: Sequence[Board]) -> list[str]:
    """Tables whose ceiling a candidate beats: nothing there may be read as a share of the way to it."""
    broken = [b.title for b in boards if b.judged is not None and b.judged.ceilings.endswith("the ceiling is broken.")]
    if not broken:
        return []
    tables = counted(len(broken), "table")
    return [f"The best is better than its ceiling in {tables}, so that ceiling is no bound: {listed(broken)}."]


def failures(run: Run) -> list[Record]:
    """Records of cells that gave no number."""
    return [record for record in run.records if record.status in FAILURES]


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


def failed_words(failed: Sequence[Record]) -> str:
    """How many cells ended without a number, in words."""
    said = []
    for status in FAILURES:
        count = sum(record.status == status for record in failed)
        if count:
            said.append(f"{count:,} {FAILURE_WORDS[status]}")
    return ", ".join(said)


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
