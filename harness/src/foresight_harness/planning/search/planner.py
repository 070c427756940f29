"""The planner: what each rung leaves out and why, and which candidates are to be scored next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from foresight_harness.contracts.errors import UsageError
from foresight_harness.planning.search.budget import RungCost, afford
from foresight_harness.planning.search.race import ALPHA, RaceValues, levels, race
from foresight_harness.planning.search.rungs import CLOSED_FORM, NARROWING, RACE, Rung

TIE = 1e-12
"""Scores that differ by no more are equal: what ties with the last that is kept is kept too."""


@dataclass(frozen=True)
class Search:
    """What is sought, among whom, on which rungs."""

    rungs: tuple[Rung, ...]
    streams: Mapping[str, str]
    """Candidate -> its streams as text, in the order of the plan."""
    direction: str
    """``higher`` or ``lower`` is better."""
    alpha: float = ALPHA


@dataclass(frozen=True)
class Score:
    """Of one candidate (or stream) on one rung."""

    value: float | None
    """None where it could not be scored."""
    low: float | None = None
    high: float | None = None
    n: int = 0
    method: str | None = None
    error: str = ""
    """Why there is no value."""


@dataclass(frozen=True)
class Result:
    """What came of a rung."""

    rung: int
    """Its place."""
    entering: tuple[str, ...]
    keep: int | None
    """How many it was to keep: what its rule says, or fewer where the budget says so; None for a race."""
    scores: Mapping[str, Score] = field(default_factory=dict)
    """By candidate; by streams on a closed-form rung, where one that is absent cannot be judged without training."""
    values: RaceValues | None = None
    """Of a race."""
    direction: str | None = None
    """Of a closed-form rung that reads another metric; None is the search's own."""
    seconds: float = 0.0
    shortened: str = ""
    """Why it kept fewer than its rule says; empty where it did not."""


@dataclass(frozen=True)
class Elimination:
    """A candidate that a rung left out."""

    candidate: str
    rung: int
    reason: str
    """In plain words."""
    score: Score | None
    rule: str
    """The rung's rule of keeping."""


@dataclass(frozen=True)
class Standing:
    """Where a search stands after some rungs."""

    survivors: tuple[str, ...]
    eliminated: tuple[Elimination, ...]
    done: tuple[int, ...]
    """Places of the rungs that were scored."""

    @property
    def next_place(self) -> int:
        """Of the first rung that may come."""
        return max(self.done, default=-1) + 1


@dataclass(frozen=True)
class Step:
    """What is to be scored next."""

    rung: int
    entering: tuple[str, ...]
    keep: int | None
    shortened: str = ""


@dataclass(frozen=True)
class Out:
    """The budget ends the search before its race."""

    reason: str


def replay(search: Search, results: Sequence[Result]) -> Standing:
    """Where a search stands, from its results alone: the same results give the same eliminations, always.

    Raises:
        UsageError: where a rung could score nobody.
    """
    survivors, eliminated = tuple(search.streams), list[Elimination]()
    for result in results:
        left = decide(search, result)
        gone = {one.candidate for one in left}
        survivors = tuple(name for name in survivors if name not in gone)
        eliminated += left
    return Standing(survivors, tuple(eliminated), tuple(result.rung for result in results))


def next_step(
    search: Search,
    results: Sequence[Result],
    costs: Sequence[RungCost] | None = None,
    allowed_s: float | None = None,
) -> Step | Out | None:
    """The next rung to score, with whom; None after the last one.

    A narrowing rung that would keep everybody is passed over: it could only cost.

    Args:
        search: The search.
        results: Of the rungs so far.
        costs: Predicted, one a rung; only needed with ``allowed_s``.
        allowed_s: Seconds that are left; None is no limit.
    """
    standing = replay(search, results)
    place, entering = standing.next_place, standing.survivors
    keeps: Sequence[int | None] = [None] * len(search.rungs)
    shortened = ""
    if allowed_s is not None and costs is not None and place < len(search.rungs):
        afforded = afford(search.rungs[place:], _counts(search, entering), costs[place:], allowed_s)
        if afforded is None:
            return Out(f"what is left of the budget ({allowed_s:.0f} s) does not pay for the rungs that are left")
        keeps = [*[None] * place, *afforded.keeps]
        shortened = afforded.shortened
    for at in range(place, len(search.rungs)):
        rung = search.rungs[at]
        if rung.kind == RACE:
            return Step(at, entering, None)
        count = len({search.streams[name] for name in entering}) if rung.kind == CLOSED_FORM else len(entering)
        assert rung.keep is not None
        by_rule = rung.keep.of(count)
        given = keeps[at]
        keep = by_rule if given is None else min(given, by_rule)
        if keep < count:
            return Step(at, entering, keep, shortened if keep < by_rule else "")
    return None


def decide(search: Search, result: Result) -> list[Elimination]:
    """Whom a rung leaves out. Raises: UsageError where it could score nobody."""
    rung = search.rungs[result.rung]
    if rung.kind == RACE:
        return _by_race(search, result)
    if not any(score.value is not None for score in result.scores.values()):
        first = next((score.error for score in result.scores.values() if score.error), "it has no score")
        raise UsageError(f"--search: nobody could be scored on rung {rung.name}; the first: {first}")
    return _by_streams(search, result) if rung.kind == CLOSED_FORM else _by_score(search, result)


def rule_of(rung: Rung, keep: int | None, of: str = "") -> str:
    """The rule of keeping, in words; with what the budget made of it."""
    if rung.kind == RACE or rung.keep is None:
        return "all but those that are told to be worse"
    noun = of or ("streams" if rung.kind == CLOSED_FORM else "candidates")
    said = f"{rung.keep} {noun}".replace(" % ", " % of the ")
    return said if rung.keep.count == keep or keep is None else f"{said}: {keep}"


def _by_streams(search: Search, result: Result) -> list[Elimination]:
    """Candidates whose streams are not among the best. One that could not be judged without training stays."""
    rung, names = search.rungs[result.rung], result.scores
    direction = result.direction or search.direction
    rule, places = rule_of(rung, result.keep), _places(direction, names)
    cut = _kept(direction, names, result.keep)
    found = []
    for candidate in result.entering:
        stream = search.streams[candidate]
        score = names.get(stream)
        if score is None or stream in cut:
            continue
        reason = (
            f"its stream {stream} could not be scored: {score.error}"
            if score.value is None
            else f"its stream {stream} is number {places[stream]} of {len(places)} in closed form"
        )
        found.append(Elimination(candidate, result.rung, reason, score, rule))
    return found


def _by_score(search: Search, result: Result) -> list[Elimination]:
    rung, scores = search.rungs[result.rung], result.scores
    rule, places = rule_of(rung, result.keep), _places(search.direction, scores)
    cut, found = _kept(search.direction, scores, result.keep), list[Elimination]()
    for candidate in result.entering:
        score = scores.get(candidate, Score(None, error="it left no record"))
        if candidate in cut:
            continue
        reason = (
            f"it could not be scored: {score.error}"
            if score.value is None
            else f"it is number {places[candidate]} of {len(places)} after {rung.name}"
        )
        found.append(Elimination(candidate, result.rung, reason, score, rule))
    return found


def _by_race(search: Search, result: Result) -> list[Elimination]:
    """Those that are told to be worse than another, and those without a score."""
    rung, level = search.rungs[result.rung], levels(search.rungs, search.alpha)[result.rung]
    rule = f"{rule_of(rung, None)}, at a level of {100 * level:.3g} % for all pairs of the look"
    found = [
        Elimination(name, result.rung, f"it could not be scored: {score.error}", score, rule)
        for name in result.entering
        if (score := result.scores.get(name, Score(None, error="it left no record"))).value is None
    ]
    if result.values is None:
        raise UsageError(f"--search: nobody could be scored on rung {rung.name}")
    for name, told in race(result.values, level).worse.items():
        reason = (
            f"it is told to be worse than {told.by}: {told.difference:+.4f} [{told.low:+.4f}, {told.high:+.4f}], "
            f"corrected p {told.p_value:.2g}"
        )
        found.append(Elimination(name, result.rung, reason, result.scores.get(name), rule))
    return found


def _places(direction: str, scores: Mapping[str, Score]) -> dict[str, int]:
    """Place of each score, from 1; equal ones share theirs."""
    values = [score.value for score in scores.values() if score.value is not None]
    sign = -1.0 if direction == "lower" else 1.0
    return {
        name: 1 + sum(sign * (value - score.value) > TIE for value in values)
        for name, score in scores.items()
        if score.value is not None
    }


def _kept(direction: str, scores: Mapping[str, Score], keep: int | None) -> set[str]:
    """The best so many, with all that tie with the last of them."""
    places = _places(direction, scores)
    return {name for name, place in places.items() if keep is None or place <= keep}


def _counts(search: Search, entering: Sequence[str]) -> tuple[int, int]:
    """Streams and candidates."""
    return len({search.streams[name] for name in entering}), len(entering)


def is_narrowing(rung: Rung) -> bool:
    """Whether it looks at held-out training pictures, with fits that are shorter or fewer than the run's."""
    return rung.kind in NARROWING
