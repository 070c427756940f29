"""A board judged: candidates each against each in one family; floors, twins and ceilings in families of their own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np

from foresight_harness.contracts.records import Record
from foresight_harness.judging.analyses.comparing import NotComparableError
from foresight_harness.judging.ranking.scores import CANDIDATE, CEILING, FLOOR, RANDOM, TWIN, Scores, kind_of, scores_of
from foresight_harness.parts.statistics.board import Board, judge_board
from foresight_harness.parts.statistics.evidence import DRAWS
from foresight_harness.parts.statistics.families import Comparison, compare_family
from foresight_harness.parts.statistics.interval import Interval
from foresight_harness.parts.statistics.mean_interval import Bounds, MeanInterval
from foresight_harness.parts.statistics.power import detectable_beyond
from foresight_harness.running.run_folder.run_data import RunData

KINDS = (CANDIDATE, TWIN, FLOOR, CEILING)
MOST = 300
"""Candidates of one board: 44,850 pairs, whose joint errors are drawn together."""
DRAWN_PAIRS, LEAST_DRAWS = 40_000_000, 1000
"""Draws of all pairs that are held at once; a larger board is judged by fewer draws, which coarsens its p values."""


class Against(NamedTuple):
    """A candidate against a control, in the family of such pairs; the difference is candidate minus control."""

    candidate: Record
    control: Record
    comparison: Comparison

    @property
    def better(self) -> bool:
        """Whether the candidate is told to be the better one."""
        return self.comparison.separated and (self.comparison.difference > 0) == (self.candidate.direction != "lower")

    @property
    def worse(self) -> bool:
        """Whether the control is told to be the better one."""
        return self.comparison.separated and not self.better

    @property
    def tied(self) -> bool:
        """Whether they were tested and not told apart; where one was trained with one seed, nothing was tested."""
        return not self.comparison.separated and not self.comparison.seeds_unknown


@dataclass(frozen=True)
class Judged:
    """Records of one metric that may be ranked together, and what their samples say of them."""

    scores: Scores
    records: tuple[Record, ...]
    """Candidates, in the order in which ``board`` counts them."""
    board: Board | None
    """None where no candidate is among them."""
    floors: tuple[Against, ...]
    twins: tuple[Against, ...]
    """Each candidate against its own twin."""
    ceilings: tuple[Against, ...]
    controls: tuple[Record, ...]
    """Floors, twins and ceilings, in the order of the run."""

    @property
    def any_record(self) -> Record:
        """What all of them share stands in any of them."""
        return self.scores.records[0]

    @property
    def leader(self) -> Record | None:
        """The candidate with the best mean."""
        return None if self.board is None else self.records[self.board.leader]

    @property
    def leader_interval(self) -> MeanInterval | None:
        """Of the leader's true mean, paid for having been chosen."""
        return None if self.board is None else self.board.leader_interval

    @property
    def ordered(self) -> tuple[Record, ...]:
        """Candidates, best mean first."""
        return () if self.board is None else tuple(self.records[place] for place in self.board.order)

    @property
    def best(self) -> tuple[Record, ...]:
        """Candidates that can be the best, best mean first."""
        return () if self.board is None else tuple(self.records[place] for place in self.board.best)

    @property
    def seeds_unknown(self) -> tuple[Record, ...]:
        """Candidates that were trained with one seed: nothing is told from them."""
        pairs = zip(self.scores.records, self.scores.trained, strict=True)
        alone = {record.candidate for record, trained in pairs if trained and len(record.seeds) < 2}
        return tuple(record for record in self.records if record.candidate in alone)

    def letters(self, record: Record) -> str:
        """Letters of a candidate, such as ``ab``; two share one exactly where they are not told apart."""
        return "" if self.board is None else "".join(self.board.letters[self.records.index(record)])

    def pair(self, first: Record, second: Record) -> Comparison | None:
        """First minus second, corrected within the family that the pair is of; None where it is of none."""
        if self.board is not None and first in self.records and second in self.records:
            return self.board.pair(self.records.index(first), self.records.index(second))
        for one in (*self.floors, *self.twins, *self.ceilings):
            if (one.candidate, one.control) == (first, second):
                return one.comparison
            if (one.control, one.candidate) == (first, second):
                return turned(one.comparison)
        return None

    @property
    def separation(self) -> float | None:
        """Share of the pairs (candidates, and candidates against floors) that are told apart: what the board shows."""
        pairs = [*(self.board.pairs if self.board else ()), *(one.comparison for one in self.floors)]
        return float(np.mean([pair.separated for pair in pairs])) if pairs else None

    @property
    def saturated(self) -> bool:
        """Whether the leader cannot be told from a ceiling: better candidates could not show it here."""
        if not self.ceilings:
            return self.beside(CEILING) == "within"
        return any(one.candidate is self.leader and one.tied for one in self.ceilings)

    def beside(self, kind: str) -> str | None:
        """The leader against the floor or ceiling that its record quotes: ``better``, ``worse`` or ``within``.

        For controls that have no row of their own (the mean picture, a decoder's round trip), so that nothing can be
        paired. None where none is quoted, or the leader has no interval.
        """
        leader, interval = self.leader, self.leader_interval
        bound = None if leader is None else leader.floor if kind == FLOOR else leader.ceiling
        if leader is None or bound is None or interval is None or interval.low is None or interval.high is None:
            return None
        if interval.low <= bound <= interval.high:
            return "within"
        return "better" if (interval.low > bound) == (leader.direction != "lower") else "worse"

    @property
    def detectable(self) -> float | None:
        """True difference of two candidates that four of five such boards would show; the median over the leader's."""
        if self.board is None or len(self.records) < 2:
            return None
        found = []
        for pair in self.board.pairs:
            if self.board.leader in (pair.first, pair.second) and pair.low is not None and pair.high is not None:
                interval = Interval(pair.low, pair.high, self.board.method, self.board.n, self.board.clusters)
                found.append(detectable_beyond(interval))
        return float(np.median(found)) if found else None


def turned(pair: Comparison) -> Comparison:
    """The same comparison, second minus first."""
    low, high = (None if end is None else -end for end in (pair.high, pair.low))
    return pair._replace(first=pair.second, second=pair.first, difference=-pair.difference, low=low, high=high)


def judge(run: RunData, records: Sequence[Record]) -> Judged:
    """Judge records of one metric on one data set.

    Raises:
        NotComparableError: where they may not be ranked together, or cannot be; the message names the choice.
        RunFolderError: where samples cannot be read.
    """
    scores = scores_of(run, [record for record in records if record.value is not None and not record.refused])
    places = {name: [i for i, one in enumerate(scores.records) if kind_of(one) == name] for name in KINDS}
    candidates = places[CANDIDATE]
    if len(candidates) > MOST:
        raise NotComparableError(
            f"{len(candidates)} candidates stand on one board of {scores.records[0].metric}; up to {MOST} are compared "
            "each with each, choose them with --candidate"
        )
    first = scores.records[0]
    bounds, direction = _bounds(first), _direction(first)
    board = None
    if candidates:
        pairs = len(candidates) * (len(candidates) - 1) // 2
        try:
            board = judge_board(scores.evidence(candidates), direction, bounds, draws=draws_of(pairs))
        except ValueError as error:
            raise NotComparableError(f"{first.metric} on {first.dataset}: {error}") from error
    return Judged(
        scores,
        tuple(scores.records[place] for place in candidates),
        board,
        _family(scores, candidates, places[FLOOR], _every, bounds),
        _family(scores, candidates, places[TWIN], _twins, bounds),
        _family(scores, candidates, places[CEILING], _every, bounds),
        tuple(record for record in scores.records if kind_of(record) != CANDIDATE),
    )


def draws_of(pairs: int) -> int:
    """Draws of the joint errors of so many pairs."""
    return max(min(DRAWS, DRAWN_PAIRS // max(pairs, 1)), LEAST_DRAWS)


def _family(
    scores: Scores,
    candidates: Sequence[int],
    controls: Sequence[int],
    wanted: Callable[[Record, Record], bool],
    bounds: Bounds,
) -> tuple[Against, ...]:
    """Every wanted pair of a candidate and a control, in one family."""
    records = scores.records
    chosen = [(one, other) for one in candidates for other in controls if wanted(records[one], records[other])]
    if not chosen:
        return ()
    places = sorted({place for pair in chosen for place in pair})
    at = {place: index for index, place in enumerate(places)}
    pairs = [(at[one], at[other]) for one, other in chosen]
    found = compare_family(scores.evidence(places), pairs, bounds, draws=draws_of(len(pairs)))
    return tuple(
        Against(records[one], records[other], comparison)
        for (one, other), comparison in zip(chosen, found, strict=True)
    )


def _every(candidate: Record, control: Record) -> bool:
    """Each with each."""
    return True


def _twins(candidate: Record, twin: Record) -> bool:
    """Whether the second is the first with random weights in place of its own."""
    return twin.candidate.replace(RANDOM, "") == candidate.candidate


def _bounds(record: Record) -> Bounds:
    return record.range[0], record.range[1]


def _direction(record: Record) -> Literal["higher", "lower"]:
    if record.direction not in ("higher", "lower"):
        raise NotComparableError(f"{record.metric} is a fact without a better side, so nothing is ranked by it")
    return "lower" if record.direction == "lower" else "higher"
