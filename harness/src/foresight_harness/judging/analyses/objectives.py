"""What training asked for: relatives that differ in their objective alone, compared at every tap that they share.

Part of the analysis ``layers``, whose profiles it explains.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any, NamedTuple

from foresight_harness.contracts.records import Record
from foresight_harness.judging.analyses.boards import Aligned, Board, Design, design_of
from foresight_harness.judging.analyses.envelope import Measured
from foresight_harness.parts.statistics.evidence import mean_evidence
from foresight_harness.parts.statistics.families import METHOD, Comparison, compare_family

LEVEL = 0.05
KIN = ("family", "pipeline", "suite", "metric", "probe")
"""What comparisons that one sentence tells of have in common."""


class _Asked(NamedTuple):
    """One relative at one tap."""

    place: tuple[str, str, str]
    """Family, tap and the rest of the pipeline: what relatives share."""
    depth: float
    objective: str
    record: Record


def compared(board: Board, known: Aligned) -> list[dict[str, Any]]:
    """Every two objectives of one family at every tap, all pairs and taps of a board being one family of tests.

    The one with the better mean at a tap stands first: differences are positive where higher is better.

    Args:
        board: Its candidates.
        known: Their values a sample.
    """
    asked = [each for record in board.records if (each := _asked(record)) is not None]
    pairs = [
        (one, other)
        for one, other in combinations(asked, 2)
        if one.place == other.place and one.objective != other.objective
    ]
    if not pairs:
        return []
    designs: list[Design] = list(known.values)
    place = {design: index for index, design in enumerate(designs)}
    trained = [design in known.trained for design in designs]
    evidence = mean_evidence([known.values[design] for design in designs], known.groups, trained)
    sign = -1.0 if board.direction == "lower" else 1.0
    means = {id(each): sign * evidence.means[place[design_of(each.record)]] for each in asked}
    turned = [(one, other) if means[id(one)] >= means[id(other)] else (other, one) for one, other in pairs]
    first = board.records[0]
    found = compare_family(
        evidence,
        [(place[design_of(one.record)], place[design_of(other.record)]) for one, other in turned],
        (first.range[0], first.range[1]),
        alpha=LEVEL,
    )
    return [_row(board, one, other, result, evidence.n) for (one, other), result in zip(turned, found, strict=True)]


def sentence(rows: Sequence[Mapping[str, Any]]) -> str:
    """What the best objective lifts the deepest shared tap by, on the data set that tells most; empty of none."""
    if not rows:
        return ""
    kin = [row for row in rows if all(row[key] == rows[0][key] for key in KIN)]
    last = max((_deepest(kin, name) for name in sorted({row["dataset"] for row in kin})), key=_told)
    first, deepest = last[0], last[0]["tap"]
    beaten = {row["objective"]: sum(other["objective"] == row["objective"] for other in last) for row in last}
    best = max(beaten, key=lambda objective: beaten[objective])
    over = [_over(row) for row in last if row["objective"] == best]
    scale = "lowers" if first["direction"] == "lower" else "lifts"
    probe = f" ({first['probe']})" if first["probe"] else ""
    return (
        f"Training {first['family']} to {best} {scale} its tap {deepest} by {_listed(over)}: "
        f"{first['metric']}{probe} on {first['dataset']}, same architecture, start and pictures."
    )


def _deepest(rows: Sequence[Mapping[str, Any]], dataset: str) -> list[Mapping[str, Any]]:
    """Comparisons on one data set at the deepest tap that relatives share there."""
    mine = [row for row in rows if row["dataset"] == dataset]
    tap = max(mine, key=lambda row: row["depth"])["tap"]
    return [row for row in mine if row["tap"] == tap]


def _told(rows: Sequence[Mapping[str, Any]]) -> tuple[int, float]:
    """How much a data set tells apart: the one that tells most is quoted, whichever was scored first."""
    return sum(row["separated"] for row in rows), sum(abs(row["difference"].value or 0.0) for row in rows)


def _over(row: Mapping[str, Any]) -> str:
    found: Measured = row["difference"]
    sign = -1 if row["direction"] == "lower" else 1
    told = f"{sign * (found.value or 0.0):.3f}"
    if found.low is not None and found.high is not None:
        low, high = sorted((sign * found.low, sign * found.high))
        told += f" [{low:.3f}, {high:.3f}]"
    apart = "" if row["separated"] else ", which is not told apart"
    return f"{told} over training it to {row['over']}{apart}"


def _listed(parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{'; '.join(parts[:-1])}; and by {parts[-1]}"


def _asked(record: Record) -> _Asked | None:
    """None for joined streams, several taps, and encoders that state no objective."""
    axes = record.axes
    depth = axes.depths[0] if len(axes.depths) == 1 else None
    if depth is None or len(axes.objectives) != 1 or axes.objectives[0] is None:
        return None
    design = design_of(record)
    pipeline = "/".join(part for part in (design.enhancer, design.fusion, design.decoder) if part)
    return _Asked((axes.families[0], axes.taps[0], pipeline), depth, axes.objectives[0], record)


def _row(board: Board, one: _Asked, other: _Asked, found: Comparison, n: int) -> dict[str, Any]:
    known = found.low is not None and found.high is not None
    difference = Measured(found.difference, found.low, found.high, n, METHOD if known else None)
    family, tap, pipeline = one.place
    return {
        "family": family,
        "tap": tap,
        "depth": one.depth,
        "objective": one.objective,
        "over": other.objective,
        "suite": board.suite,
        "dataset": board.dataset,
        "metric": board.metric,
        "probe": board.probe,
        "direction": board.direction,
        "pipeline": pipeline,
        "difference": difference,
        "p": found.p_value,
        "separated": found.separated,
    }
