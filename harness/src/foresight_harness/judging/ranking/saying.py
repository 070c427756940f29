"""What a judged board says, in sentences: the same ones on the terminal, on the page and in JSON."""

from __future__ import annotations

from collections.abc import Sequence

from foresight_harness.contracts.records import Record
from foresight_harness.judging.ranking.judged import Against, Judged
from foresight_harness.judging.ranking.scores import CEILING, FLOOR, kind_of

NAMED = 3
"""Names in a sentence; the others are counted."""
TRAINED_WEIGHTS = ("published", "pretrained", "nano")


def finding(found: Judged) -> str:
    """Which candidates can be the best, and the leader's interval paid for having been chosen."""
    first, leader, board = found.any_record, found.leader, found.board
    probe = f" (probe {first.probe})" if first.probe else ""
    where = f"By {first.metric}{probe} on {first.dataset}"
    if leader is None or board is None:
        return f"{where}, no candidate was scored; controls are listed and not ranked."
    count, best, value = len(found.records), found.best, _value(found)
    if count == 1:
        said = f"{where}, {leader.candidate} is the only candidate: {value}."
    elif all(pair.identical for pair in board.pairs):
        said = f"{where}, all {count} candidates are identical to the digit: {value}."
    elif len(best) == 1:
        said = f"{where}, {leader.candidate} is the best of {count}: {value}."
    elif len(best) == count:
        said = f"{where}, each of {count} candidates can be the best; {leader.candidate} has the best mean, {value}."
    else:
        others = _listed([record.candidate for record in best if record is not leader])
        said = f"{where}, {len(best)} of {count} candidates can be the best: {leader.candidate}, {value}, and {others}."
    said += _few(found, leader)
    unknown = found.seeds_unknown
    if unknown and count > 1:
        verb = "was" if len(unknown) == 1 else "were"
        said += f" {len(unknown)} of {count} {verb} trained with one seed, from which nothing is told; --seeds 3 would."
    return said


def against_floors(found: Judged) -> str:
    """The leader against the strongest floor; empty where nothing leads."""
    leader = found.leader
    if leader is None:
        return ""
    if not any(kind_of(record) == FLOOR for record in found.controls):
        return _quoted_floor(found, leader)
    own = [one for one in found.floors if one.candidate is leader]
    worse, tied = [one for one in own if one.worse], [one for one in own if one.tied]
    if own[0].comparison.seeds_unknown:
        return f"{leader.candidate} was trained with one seed, so nothing is told of it and {_floors(own)}."
    if worse:
        return f"{leader.candidate} is worse than {_floors(worse)}: nothing here shows that an encoder adds anything."
    if tied:
        return f"{leader.candidate} cannot be told from {_floors(tied)}."
    strongest = _strongest(own)
    return f"{leader.candidate} is better than every floor; the strongest is {_named(strongest)}."


def against_twins(found: Judged) -> str:
    """The leader against the same architecture with random weights; empty where its weights are random anyway."""
    leader = found.leader
    if leader is None:
        return ""
    own = [one for one in found.twins if one.candidate is leader]
    if own:
        one = own[0]
        if one.comparison.seeds_unknown:
            return f"It was trained with one seed, so nothing is told of it and its twin ({told(one.control.number)})."
        if one.better:
            return f"It is better than its twin with random weights ({told(one.control.number)})."
        verb = "is worse than" if one.worse else "cannot be told from"
        return f"It {verb} its twin with random weights ({told(one.control.number)}): training has shown nothing here."
    if any(kind in TRAINED_WEIGHTS for kind in leader.weights) and not leader.untrained:
        return "No twin with random weights was scored beside it, so nothing says what its training adds."
    return ""


def against_ceilings(found: Judged) -> str:
    """Whether there is room above the leader; empty where a ceiling lies above it, or none was scored."""
    if not found.ceilings:
        return _quoted_ceiling(found)
    own = [one for one in found.ceilings if one.candidate is found.leader]
    tied, below = [one for one in own if one.tied], [one for one in own if one.better]
    if below:
        return f"It is better than {_ceilings(below)}, which is then no bound: the ceiling is broken."
    if tied:
        return f"It cannot be told from {_ceilings(tied)}: the board is saturated, and better ones could not show it."
    return ""


def _quoted_floor(found: Judged, leader: Record) -> str:
    """The leader's interval against a floor that has no row of its own."""
    place, name = found.beside(FLOOR), leader.floor_by or ""
    if place is None or leader.floor is None:
        return "No floor was scored beside it, so nothing says what an uninformed answer scores here."
    said = {"better": "is better than", "within": "cannot be told from", "worse": "is worse than"}[place]
    return f"{leader.candidate} {said} the floor {name} ({told(leader.floor)})."


def _quoted_ceiling(found: Judged) -> str:
    leader, place = found.leader, found.beside(CEILING)
    if leader is None or leader.ceiling is None or place not in ("within", "better"):
        return ""
    named = f"the ceiling {leader.ceiling_by or ''} ({told(leader.ceiling)})"
    if place == "better":
        return f"It is better than {named}, which is then no bound: the ceiling is broken."
    return f"It cannot be told from {named}: the board is saturated, and better ones could not show it."


def everything(found: Judged) -> tuple[str, ...]:
    """All sentences of a board."""
    said = (finding(found), against_floors(found), against_twins(found), against_ceilings(found))
    return tuple(sentence for sentence in said if sentence)


def standing(found: Judged, kind: str) -> str:
    """The leader against its floors, or its twin, in a word: ``better`` than every one of them, or why not.

    Returns:
        ``better``, ``worse``, ``not told apart``, ``one seed`` or ``absent``.
    """
    pairs = found.floors if kind == FLOOR else found.twins
    own = [one for one in pairs if one.candidate is found.leader]
    if not own:
        quoted = found.beside(FLOOR) if kind == FLOOR else None
        return {"within": "not told apart", None: "absent"}.get(quoted, quoted or "absent")
    if any(one.comparison.seeds_unknown for one in own):
        return "one seed"
    if any(one.worse for one in own):
        return "worse"
    return "not told apart" if any(one.tied for one in own) else "better"


def verdict_of(found: Judged, first: Record, second: Record) -> str:
    """What is told of two: ``FIRST is better``, ``not told apart`` or why nothing can be told."""
    pair = found.pair(first, second)
    if pair is None:
        return "not compared"
    if pair.identical:
        return "identical"
    if pair.seeds_unknown:
        return "not told apart: one seed"
    if not pair.separated:
        return "not told apart"
    return "better" if (pair.difference > 0) == (first.direction != "lower") else "worse"


def twins_missing(found: Judged) -> tuple[Record, ...]:
    """Candidates with trained weights that have no twin on the board."""
    with_twin = {one.candidate.candidate for one in found.twins}
    return tuple(
        record
        for record in found.records
        if record.candidate not in with_twin and any(kind in TRAINED_WEIGHTS[:2] for kind in record.weights)
    )


def told(number: float) -> str:
    """A score with three places, or with one digit where three places would show nothing."""
    return f"{number:.3f}" if number == 0 or abs(number) >= 0.0005 else f"{number:.1g}"


def _few(found: Judged, leader: Record) -> str:
    """What few pictures add to a metric of the whole corpus, which its value here is free of; empty of a mean."""
    interval = found.leader_interval
    if found.scores.values or leader.value is None or interval is None:
        return ""
    return f" Of the measured {told(leader.value)}, so few pictures account for {leader.value - interval.value:+.3f}."


def _value(found: Judged) -> str:
    interval, first = found.leader_interval, found.any_record
    assert interval is not None
    unit = f" {first.unit}" if first.unit in ("dB", "ms", "px") else ""
    said = f"{told(interval.value)}{unit}"
    if interval.low is not None and interval.high is not None:
        said += f" [{told(interval.low)}, {told(interval.high)}]"
    return said


def _strongest(own: Sequence[Against]) -> Against:
    sign = -1 if own[0].candidate.direction == "lower" else 1
    return max(own, key=lambda one: sign * one.control.number)


def _named(one: Against) -> str:
    return f"{one.control.candidate} ({told(one.control.number)})"


def _floors(own: Sequence[Against]) -> str:
    more = f" (and {len(own) - 1} more)" if len(own) > 1 else ""
    return f"the {FLOOR} {_named(_strongest(own))}{more}"


def _ceilings(own: Sequence[Against]) -> str:
    return f"the ceiling {_named(_strongest(own))}"


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(names[:NAMED])
    return f"{shown} and {len(names) - NAMED} more" if len(names) > NAMED else shown
