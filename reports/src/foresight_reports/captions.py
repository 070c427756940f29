"""Sentences that state what a table or chart shows; they are also what a screen reader is told about it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

from foresight_reports import metrics
from foresight_reports.board import Board, Row
from foresight_reports.comparison import Comparison
from foresight_reports.gallery import Gallery
from foresight_reports.grids import HeatMap
from foresight_reports.pareto import Tradeoff
from foresight_reports.profiles import Profile, peak
from foresight_reports.records import Record
from foresight_reports.refusals import Refusal
from foresight_reports.shares import off_the_way, share_of_range

LOUD = {"random": "random weights", "nano": "nano weights"}


def counted(count: int, noun: str, plural: str | None = None) -> str:
    """A count with its noun.

    >>> counted(1, "cell"), counted(2, "cell"), counted(3, "floor or ceiling", "floors or ceilings")
    ('1 cell', '2 cells', '3 floors or ceilings')
    """
    return f"{count:,} {noun if count == 1 else plural or noun + 's'}"


def listed(names: Sequence[str], limit: int = 3) -> str:
    """A few names in a sentence, the others counted."""
    shown = list(names[:limit])
    if len(names) > limit:
        return f"{', '.join(shown)} and {len(names) - limit} more"
    return " and ".join([", ".join(shown[:-1]), shown[-1]] if len(shown) > 1 else shown)


def quantity(record: Record) -> str:
    """Value, unit and interval of a record, with a word on its weights where they mean nothing."""
    unit = metrics.pretty_unit(record.unit)
    said = metrics.write(record.value, record.unit) + (f" {unit}" if unit else "")
    if record.has_interval:
        low, high = metrics.write(record.ci_low, record.unit), metrics.write(record.ci_high, record.unit)
        said += f" [{low}, {high}]"
    return said + (f" ({LOUD[record.weights]})" if record.weights in LOUD else "")


def board(found: Board) -> str:
    """Who leads the board, by how much, and how far from floor and ceiling."""
    primary = found.primary
    if found.broken:
        return (
            "Not ranked: a control of this suite left its known range, so its probe does not measure what it claims. "
            "The rows stand in the order of their names."
        )
    leader = found.leader
    if leader is None:
        rows = counted(len(found.rows), "candidate")
        return f"{rows}; {primary.label} is a fact without a better side, so nothing is ranked."
    record = leader.records[primary.metric]
    if found.flat:
        return f"All {len(found.ranked)} candidates score the same: {primary.label} {quantity(record)}."
    said = found.judged.sentences if found.judged else _untested(found, leader, record)
    if found.judged is None:
        said += _floors_above(found, record)
    elif found.elsewhere:
        said += f" Another candidate is better by {listed(found.elsewhere)}."
    share, off = share_of_range(record), off_the_way(record)
    if share is not None and not found.timed:
        ends = f"an answer without features{_by(record.floor_by)} to the ceiling{_by(record.ceiling_by)}"
        said += f" It is {share:.0%} of the way from {ends}."
    elif off and not found.timed:
        said += f" {off[0].upper()}{off[1:]}."
    return said + real_leader(found, leader)


def _by(name: str | None) -> str:
    return f" ({name})" if name else ""


def real_leader(found: Board, leader: Row) -> str:
    """Which candidate is the first whose weights mean something, where the leader's do not."""
    if leader.weights not in LOUD:
        return ""
    said = f" Its weights are {leader.weights}."
    real = next((row for row in found.rows if row.rank is not None and row.weights not in LOUD), None)
    if real is not None:
        value = quantity(real.records[found.primary.metric])
        said += f" The first with real weights is {real.pipeline.candidate}: {value}."
    return said


def _untested(found: Board, leader: Row, record: Record) -> str:
    """Who has the best number where nothing was tested: intervals laid side by side, which is weaker."""
    said = f"{leader.pipeline.candidate} has the best {found.primary.label}, {quantity(record)}."
    tied = sum(row.tied for row in found.rows)
    if len(found.ranked) == 1:
        others = len(found.rows) > 1
        return said + f" It is the only candidate {'that is ranked here' if others else 'of this table'}."
    if tied:
        reach = counted(tied, "other interval reaches", "other intervals reach")
        return f"{said} Nothing was tested; {reach} into its own."
    return said + (" Nothing was tested; no other interval reaches into its own." if record.has_interval else "")


def _floors_above(found: Board, leader: Record) -> str:
    """Which floors score better than the leader: then no candidate has shown that its encoder adds something."""
    metric, above = found.primary.metric, []
    for row in found.controls:
        value = row.value(metric)
        if row.role == "floor" and value is not None and leader.value is not None:
            above += [(value, row)] if metrics.better(leader.direction, value, leader.value) else []
    # What a floor costs is no bound on anything.
    if not above or found.timed:
        return ""
    best = sorted(above, key=lambda pair: -pair[0] if leader.direction == "higher" else pair[0])[0][1]
    others = f" (and {len(above) - 1} more)" if len(above) > 1 else ""
    return f" No candidate beats the floor {best.pipeline.candidate}{others}: {quantity(best.records[metric])}."


def controls(notes: Sequence[str]) -> str:
    """What the harness says about the controls of a board; what all of them share is said once."""
    if not notes:
        return ""
    known = "as known: "
    if all(note.startswith(known) for note in notes):
        return f"Controls are where they must be: {'; '.join(note.removeprefix(known) for note in notes)}."
    return f"Controls: {'; '.join(notes)}."


def refusals(found: Sequence[Refusal]) -> list[str]:
    """Why boards that look alike are not one, the ones with one reason in one sentence."""
    reasons: dict[tuple[str, ...], list[Refusal]] = {}
    for each in found:
        reasons.setdefault(each.differences, []).append(each)
    said = []
    for differences, families in reasons.items():
        names = [family.boards[0].title.partition(";")[0] for family in families]
        count = len(families[0].boards)
        verb = "stands" if len(names) == 1 else "each stand"
        why = listed(differences, 4) or "their digests differ"
        said.append(f"{listed(names, 6)} {verb} in {count} tables that are not ranked together; they differ in {why}.")
    return said


def tradeoff(found: Tradeoff) -> str:
    """Who is on the front between quality and latency."""
    front = found.front
    fastest, best = front[0], front[-1]
    weights = "" if found.real_only else " Weights are random or nano, so only the latency side carries over."
    among = ", which only real weights may join" if found.real_only else ""
    if fastest is best:
        return (
            f"{best.row.pipeline.candidate} is both the fastest and the best by {found.column.label}: "
            f"{quantity(best.quality)} at {quantity(best.latency)}.{weights}"
        )
    return (
        f"{len(front)} of {counted(len(found.points), 'candidate')} form the front{among}: "
        f"from {fastest.row.pipeline.candidate} ({found.column.label} {_plain(fastest.quality)} at "
        f"{_plain(fastest.latency)}) to {best.row.pipeline.candidate} ({_plain(best.quality)} at "
        f"{_plain(best.latency)}).{weights}"
    )


def _plain(record: Record) -> str:
    unit = metrics.pretty_unit(record.unit)
    return metrics.write(record.value, record.unit) + (f" {unit}" if unit else "")


def profile(found: Sequence[Profile], lines: int) -> str:
    """Where along one encoder the score peaks; ``lines`` is how many were run, of which ``found`` are drawn."""
    best = found[0]
    place = peak(best)
    record, last = best.records[place], best.records[-1]
    label = record.label
    taps = Counter(each.taps[peak(each)] for each in found)
    common, votes = max(sorted(taps.items()), key=lambda item: item[1])
    if len(found) == 1:
        said = f"{label} is best at {best.taps[place]}: {quantity(record)}"
    elif votes == len(found):
        said = f"All {votes} lines are best at {common}; the highest with {best.label}: {label} {quantity(record)}"
    else:
        said = f"{votes} of {len(found)} lines are best at {common}; the best is {best.label} at {best.taps[place]}: "
        said += f"{label} {quantity(record)}"
    if record is not last:
        said += f". Its deepest tap, {best.taps[-1]}, has {metrics.write(last.value, last.unit)}"
    return said + (f". The best {len(found)} of {lines} lines are drawn." if lines > len(found) else ".")


def heat_map(found: HeatMap) -> str:
    """Which column is best for how many encoders."""
    wins: dict[str, int] = {}
    for line in found.cells:
        known = [(other, cell) for other, cell in zip(found.others, line, strict=True) if cell is not None]
        if len(known) < 2:
            continue
        best = known[0]
        for pair in known[1:]:
            if metrics.better(pair[1].record.direction, pair[1].record.value or 0.0, best[1].record.value or 0.0):
                best = pair
        wins[best[0]] = wins.get(best[0], 0) + 1
    absent = sum(cell is None for line in found.cells for cell in line)
    several = max((cell.candidates for line in found.cells for cell in line if cell is not None), default=1)
    total = sum(wins.values())
    said = f"Best {found.board.primary.label} of each pair."
    if wins:
        name, count = max(sorted(wins.items()), key=lambda item: item[1])
        encoders = counted(total, "encoder")
        said = f"{name} is the best {found.axis} for {count} of {encoders} by {found.board.primary.label}."
    if several > 1:
        said += f" A cell is the best of up to {several} candidates."
    return said + (f" {counted(absent, 'pair')} not run." if absent else "")


def alignment(found: Board, rows: Sequence[Row], shown: int) -> str:
    """How many candidates stand clear of the permutation null."""
    metric = found.primary.metric
    clear = 0
    for row in rows:
        record = row.records[metric]
        limit = record.null.p95 if record.null else None
        bound = record.ci_low if record.ci_low is not None else record.value
        clear += limit is not None and bound is not None and bound > limit
    return (
        f"{clear} of {counted(len(rows), 'candidate')} stand clear of the permutation null: the interval of "
        f"{found.primary.label} lies above the null's 95th percentile."
        + (f" The best {shown} are drawn." if shown < len(rows) else "")
    )


def gallery(found: Gallery, label: Callable[[str], str]) -> str:
    """What is shown of how much, and on which scale; ``label`` says what a reader calls a metric."""
    worst = sum(sample.reason == "worst" for sample in found.samples)
    chance = len(found.samples) - worst
    what = {"output": "Reconstructions", "clip": "Clips, and what was read from them"}.get(found.kind, "Boxes")
    by = f" by mean {label(found.metric)}" if found.metric else ""
    said = f"{what}: the {counted(worst, 'worst sample')}{by}"
    said += f", then {chance} that chance picked" if chance else ""
    said += f", of {found.sample_count:,} with pictures."
    if found.shown_candidates < found.candidate_count:
        said += f" {found.shown_candidates} of {found.candidate_count} candidates are shown, the best first."
    if found.kind == "output" and found.scale_max is not None:
        said += f" Error maps share one scale, 0 to {metrics.write(found.scale_max)}."
    return said


def obstacles(found: Comparison) -> list[str]:
    """Why numbers were not compared, each reason once with its count."""
    return [f"{counted(count, 'number')} not compared: {reason}." for reason, count in found.obstacles]


def hundredths(value: float) -> str:
    """A similarity as a cell of a matrix has room for it.

    >>> hundredths(0.8712), hundredths(-0.0004), hundredths(-0.12)
    ('0.87', '0.00', '\u22120.12')
    """
    rounded = round(value, 2) or 0.0
    return f"{rounded:.2f}".replace("-", "\N{MINUS SIGN}")


def signed(value: float | None, unit: str) -> str:
    """A difference with its sign."""
    if value is None:
        return "\N{EM DASH}"
    return ("+" if value > 0 else "") + metrics.write(value, unit)
