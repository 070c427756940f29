"""One interval against one rule."""

from __future__ import annotations

from typing import Literal, NamedTuple

from foresight_harness.judging.gates.gate import VERDICTS, Rule
from foresight_harness.parts.statistics.planning import needed_n

LEAST_SHARE = 0.02
Verdict = Literal["GO", "MARGINAL", "INCONCLUSIVE", "NOT MEASURED", "NO-GO"]


class Reading(NamedTuple):
    """What was measured, ready to be judged."""

    value: float
    low: float | None
    high: float | None
    n: int
    method: str | None
    clusters: int | None = None
    """Independent samples; None where that is ``n``."""

    @property
    def independent(self) -> int:
        """Samples that count as independent."""
        return self.n if self.clusters is None else self.clusters


class Judged(NamedTuple):
    """A verdict with its reason."""

    verdict: Verdict
    reason: str
    needed_n: int | None = None
    """Samples of the same kind that would settle it, if the mean stays where it is."""


def judge(rule: Rule, reading: Reading) -> Judged:
    """GO where the whole interval is on the good side, NO-GO where it is on the bad side, MARGINAL inside the band."""
    sign = 1.0 if rule.direction == "higher" else -1.0
    unit = "times" if rule.compare == "ratio" else rule.fact.unit
    low, high = reading.low, reading.high
    if rule.fact.exact and low is None:
        low = high = reading.value
    if not rule.fact.exact and low is not None and low == high:
        return Judged("INCONCLUSIVE", f"an interval without width ([{low:.4g}, {high:.4g}]) says nothing of its error")
    if low is None or high is None:
        return Judged("INCONCLUSIVE", "no interval: one cluster, or a number without repeats, decides nothing")
    bound, value = sign * rule.bound, sign * reading.value
    worst, best = sorted((sign * low, sign * high))
    far = bound if rule.marginal is None else min(sign * end for end in rule.marginal)
    shown = f"[{low:.4g}, {high:.4g}] {unit}"
    side = ">" if rule.direction == "higher" else "<"
    if worst > bound:
        reached = rule.target is not None and worst > sign * rule.target
        hoped = "" if rule.target is None else f"; target {rule.target:g} {'reached too' if reached else 'not shown'}"
        return Judged("GO", f"{shown} is all {side} {rule.bound:g}{hoped}")
    if best < far or (far == bound and best <= bound):
        return Judged("NO-GO", f"{shown} is nowhere {side} {sign * far:g}")
    if rule.marginal is not None and worst >= far and best <= bound:
        return Judged("MARGINAL", f"{shown} lies in the band {rule.marginal[0]:g} to {rule.marginal[1]:g}")
    straddled = [end for end in {bound, far} if worst <= end <= best]
    text = " and ".join(f"{sign * end:g}" for end in sorted(straddled))
    nearest = min(straddled, key=lambda end: abs(value - end))
    half_width = value - worst if nearest <= value else best - value
    if not half_width > 0:
        return Judged("INCONCLUSIVE", f"{shown} holds {text}")
    needed = needed_n(value - nearest, half_width, max(reading.n, 1), least_distance=_least_distance(rule))
    return Judged("INCONCLUSIVE", f"{shown} holds {text}; about {needed:,} samples would settle it", needed)


def _least_distance(rule: Rule) -> float | None:
    """The least distance from a bound that matters: a fiftieth of the range, where there is one."""
    low, high = rule.fact.range
    return None if low is None or high is None or rule.compare == "ratio" else LEAST_SHARE * (high - low)


def worst(verdicts: list[Verdict]) -> Verdict:
    """Of what must all hold. A bad side found decides; what was not measured is not hidden by what was undecided."""
    order: list[Verdict] = ["NO-GO", "NOT MEASURED", "INCONCLUSIVE", "MARGINAL", "GO"]
    return min(verdicts, key=order.index, default="NOT MEASURED")


def best(verdicts: list[Verdict]) -> Verdict:
    """Of what need hold once. NO-GO only where every one is."""
    return min(verdicts, key=VERDICTS.index, default="NOT MEASURED")
