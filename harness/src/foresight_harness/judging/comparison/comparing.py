"""A run against a baseline: paired differences, Holm over the sentinels, Benjamini-Hochberg over the rest."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from foresight_harness.contracts.records import Record
from foresight_harness.judging.comparison.acknowledging import Acknowledgement
from foresight_harness.judging.comparison.making import made_otherwise, sentence
from foresight_harness.judging.comparison.matching import Key, Pair, pairs
from foresight_harness.judging.comparison.sentinels import Sentinels
from foresight_harness.parts.statistics.evidence import mean_evidence
from foresight_harness.parts.statistics.families import compare_family
from foresight_harness.parts.statistics.interval import Interval
from foresight_harness.parts.statistics.multiple import benjamini_hochberg, holm
from foresight_harness.parts.statistics.paired import ALPHA, Paired, flips_needed
from foresight_harness.parts.statistics.power import detectable_beyond
from foresight_harness.running.run_folder.run_data import RunData, SampleValues

FAMILY = 30
"""Sentinels that the sign flips are enough for, so that Holm's strictest level can be reached."""
FLIPS = flips_needed(FAMILY)
"""12,000."""
METHOD = "sign-flips-studentised-95"
"""How ``compare_family`` compares one pair, without the bound by the range of values: it would hide a thousandth."""
REGRESSED, IMPROVED, NOISE, IDENTICAL, NOT_COMPARED = (
    "regressed",
    "improved",
    "within noise",
    "identical",
    "not compared",
)


@dataclass(frozen=True)
class Compared:
    """One number in both runs."""

    key: Key
    sentinel: bool
    direction: str
    base: Record | None
    head: Record | None
    tolerance: float
    verdict: str = NOT_COMPARED
    reason: str = ""
    paired: Paired | None = None
    p_adjusted: float | None = None
    acknowledged: bool = False
    tests: int = 1
    """Numbers that were corrected together with this one."""

    @property
    def detectable(self) -> float | None:
        """The true difference that this comparison finds in four of five cases; None where nothing was tested."""
        if self.paired is None or self.paired.identical or self.paired.interval is None:
            return None
        return detectable_beyond(self.paired.interval, self.tolerance, tests=self.tests)

    @property
    def worse(self) -> bool:
        """Whether the difference is to the bad side."""
        if self.paired is None:
            return False
        return self.paired.difference < 0 if self.direction == "higher" else self.paired.difference > 0


def compare(
    base: RunData,
    head: RunData,
    sentinels: Sentinels,
    acknowledged: Sequence[Acknowledgement] = (),
) -> list[Compared]:
    """Every number of either run with its verdict.

    A sentinel regresses where its difference is to the bad side, beyond the tolerance, and significant after Holm
    over all sentinels that could be tested. The other numbers are judged alike under Benjamini-Hochberg.

    Raises:
        RunFolderError: where a sample file is damaged.
    """
    found = [_measured(pair, base, head, sentinels) for pair in pairs(base, head, any_machine=sentinels.any_machine)]
    found = _corrected(found)
    otherwise = made_otherwise(base, head)
    found = [
        replace(one, reason=sentence(otherwise, one.base, one.head)) if one.verdict == IDENTICAL else one
        for one in found
    ]
    return [_with_acknowledgement(one, acknowledged) for one in found]


def _measured(pair: Pair, base: RunData, head: RunData, sentinels: Sentinels) -> Compared:
    record = pair.head or pair.base
    assert record is not None
    one = Compared(
        pair.key,
        record.is_candidate and sentinels.watches(pair.key),
        record.direction,
        pair.base,
        pair.head,
        sentinels.tolerance(record.metric),
        reason=pair.reason,
    )
    if pair.head is None and pair.reason.startswith(("failed", "oom")):
        return replace(one, verdict=REGRESSED)
    if pair.reason or pair.base is None or pair.head is None:
        return one
    if record.direction == "none":
        return _fact(one, pair.base, pair.head)
    before, after = base.values(pair.base), head.values(pair.head)
    if before is None or after is None:
        return _whole_split(one, pair.base, pair.head)
    paired = _difference(after, before)
    return replace(one, reason="no picture is in both runs") if paired is None else replace(one, paired=paired)


def _difference(after: SampleValues, before: SampleValues) -> Paired | None:
    """Over the pictures that both runs have, by the statistic of every board; seeds' spread is noise too. None: no
    picture."""
    places = [{sample: place for place, sample in enumerate(side.samples)} for side in (after, before)]
    shared = [sample for sample in after.samples if sample in places[1]]
    if not shared:
        return None
    columns = [[place[sample] for sample in shared] for place in places]
    groups = [after.groups[place] for place in columns[0]]
    sides = (after.values[:, columns[0]], before.values[:, columns[1]])
    if any(np.isnan(side).all() for side in sides):
        return Paired(math.nan, None, None, 0, False, 0, 0, False)
    evidence = mean_evidence(sides, groups)
    if not evidence.n:
        return Paired(math.nan, None, None, 0, False, 0, 0, False)
    (one,) = compare_family(evidence, [(0, 1)], draws=FLIPS)
    interval = None
    if one.low is not None and one.high is not None:
        interval = Interval(one.low, one.high, METHOD, evidence.n, evidence.clusters)
    flips = 0 if one.p_value is None else FLIPS
    n, clusters = evidence.n, evidence.clusters
    return Paired(one.difference, interval, one.p_value, flips, False, n, clusters, one.identical)


def _fact(one: Compared, before: Record, after: Record) -> Compared:
    if before.value == after.value:
        return replace(one, verdict=IDENTICAL)
    return replace(one, verdict=NOISE, reason=f"a fact: {before.value:g} became {after.value:g}")


def _whole_split(one: Compared, before: Record, after: Record) -> Compared:
    """A metric without values a picture: equal, or told apart by intervals that do not meet."""
    if before.value is None or after.value is None:
        return replace(one, reason="one of the two has no value")
    if before.value == after.value:
        return replace(one, verdict=IDENTICAL)
    ends = [end for end in (before.ci_low, before.ci_high, after.ci_low, after.ci_high) if end is not None]
    if len(ends) < 4:
        return replace(one, reason="it has no values a picture and no interval to tell a change from noise")
    low, high = max(ends[0], ends[2]), min(ends[1], ends[3])
    difference = after.value - before.value
    if low <= high or abs(difference) <= one.tolerance:
        return replace(one, verdict=NOISE, reason="the intervals of the two runs meet")
    better = (difference > 0) == (one.direction == "higher")
    return replace(
        one, verdict=IMPROVED if better else REGRESSED, sentinel=False, reason="the intervals of the two do not meet"
    )


def _corrected(found: Sequence[Compared]) -> list[Compared]:
    done = list(found)
    for sentinel, correct in ((True, holm), (False, benjamini_hochberg)):
        places = [place for place, one in enumerate(done) if one.paired is not None and one.sentinel is sentinel]
        adjusted = correct([done[place].paired.p_value for place in places])  # type: ignore[union-attr]
        for place, p_adjusted in zip(places, adjusted, strict=True):
            done[place] = _judged(replace(done[place], tests=len(places)), float(p_adjusted))
    return done


def _judged(one: Compared, p_adjusted: float) -> Compared:
    paired = one.paired
    assert paired is not None
    p = None if math.isnan(p_adjusted) else p_adjusted
    if paired.identical:
        return replace(one, verdict=IDENTICAL)
    if np.isnan(paired.difference) or p is None:
        return replace(one, reason="fewer than two pictures have both values")
    if abs(paired.difference) <= one.tolerance or p >= ALPHA:
        return replace(one, verdict=NOISE, p_adjusted=p)
    return replace(one, verdict=REGRESSED if one.worse else IMPROVED, p_adjusted=p)


def _with_acknowledgement(one: Compared, acknowledged: Sequence[Acknowledgement]) -> Compared:
    for known in acknowledged:
        if covered(known, one):
            return replace(one, acknowledged=True, reason=f"acknowledged until {known.expires}: {known.reason}")
    return one


def covered(known: Acknowledgement, one: Compared) -> bool:
    """Whether an acknowledgement accepts what got worse here."""
    if one.verdict != REGRESSED:
        return False
    delta = math.nan
    if one.paired:
        delta = one.paired.difference
    elif one.base and one.head:  # of a whole split
        delta = one.head.number - one.base.number
    return known.covers(one.key, delta, one.direction)


def regressed(found: Sequence[Compared]) -> list[Compared]:
    """Sentinels that got worse and that nobody has acknowledged: what turns a run red."""
    return [one for one in found if one.sentinel and one.verdict == REGRESSED and not one.acknowledged]


def warned(found: Sequence[Compared]) -> list[Compared]:
    """Numbers that got worse and are no sentinels."""
    return [one for one in found if not one.sentinel and one.verdict == REGRESSED and not one.acknowledged]


def impossible(found: Sequence[Compared]) -> list[Compared]:
    """Sentinels that could not be compared: what ``--strict`` does not let pass."""
    return [one for one in found if one.sentinel and one.verdict == NOT_COMPARED]


def nothing_compared(found: Sequence[Compared]) -> bool:
    """Whether no sentinel could be compared, or no number at all where none is a sentinel: then nothing is known."""
    asked = [one for one in found if one.sentinel] or found
    return all(one.verdict == NOT_COMPARED for one in asked)
