"""The number a rule is about, from a run's records and samples."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.stats import norm

from foresight_harness.contracts.records import Record
from foresight_harness.contracts.records.parts import UNTRAINED
from foresight_harness.judging.analyses.comparing import differing_choices
from foresight_harness.judging.gates.gate import Rule, fits
from foresight_harness.judging.gates.verdict import Reading
from foresight_harness.judging.gates.vocabulary import PARAMS
from foresight_harness.parts.statistics.bootstrap import LEVEL, bootstrap_mean
from foresight_harness.parts.statistics.hierarchical import hierarchical_mean
from foresight_harness.parts.statistics.paired import ALPHA
from foresight_harness.running.run_folder.run_data import RunData


class Compared(NamedTuple):
    """A reading, or why there is none."""

    reading: Reading | None
    reason: str = ""
    reference: Record | None = None


def stem(candidate: str) -> str:
    """Candidate without its decoder: what a suite that reads no decoder scores."""
    return candidate.rpartition("/")[0]


def records_of(run: RunData, rule: Rule) -> list[Record]:
    """Records of the rule's metric, controls too."""
    if rule.metric == PARAMS:
        first = {record.cell: record for record in reversed(run.select(suite=rule.suite)) if record.params}
        found = list(first.values())
    else:
        wanted = {"suite": rule.suite, "metric": rule.metric}
        found = run.select(**wanted, **({} if rule.probe is None else {"probe": rule.probe}))
    return [record for record in found if rule.dataset in (None, record.dataset)]


def records_for(run: RunData, records: Sequence[Record], candidate: str) -> list[Record]:
    """Those of one candidate, one a data set; a suite without decoder scored all its decoders at once."""
    exact = [record for record in records if record.candidate == candidate]
    if exact:
        return exact
    shared = [record for record in records if not _uses_decoder(run, record.suite)]
    return [record for record in shared if stem(record.candidate) == stem(candidate)]


def _uses_decoder(run: RunData, suite: str) -> bool:
    return suite not in run.suites or run.suites[suite].uses_decoder


def trained_params(record: Record) -> float | None:
    """Parameters of the parts that are fitted; None where the record has no counts."""
    count = record.trained_params
    return None if count is None else float(count)


def within_size(rule: Rule, record: Record) -> bool:
    """Whether the candidate is of the size that the rule is about."""
    if rule.trained_at_least is None and rule.trained_at_most is None:
        return True
    count = trained_params(record)
    if count is None:
        return False
    return (rule.trained_at_least or 0.0) <= count <= (rule.trained_at_most or float("inf"))


def not_gateable(run: RunData, record: Record) -> str | None:
    """Why a record may not pass a gate; None where it may."""
    if record.distrusted:
        return "a control of its suite left its known range, so the probe cannot be believed"
    if record.refused:
        return f"its encoder was refused: {record.admission_reason}"
    if record.gateable:
        return None
    kinds = {model.kind: model.name for model in record.provenance}
    for kind in UNTRAINED:
        if kind in kinds:
            return f"{kind} weights ({kinds[kind]})"
    unknown = [model.name for model in record.provenance if model.kind == "pretrained" and not model.trusted]
    if unknown:
        return f"weights of {unknown[0]} are not known as published (--trust-weights {unknown[0]} vouches for them)"
    return f"{record.metric} is never gated on"


def vouched_for(record: Record) -> list[str]:
    """Models of a record whose weights pass only because the user trusts them."""
    return [model.name for model in record.provenance if model.trusted]


def read(run: RunData, rule: Rule, record: Record, pool: Sequence[Record], contenders: int) -> Compared:
    """The rule's number for one record.

    Args:
        run: Where samples lie.
        rule: Asks for the value itself, or for its difference from, or ratio to, a reference.
        record: Of the candidate.
        pool: Records that a reference is looked for in.
        contenders: Candidates of which the best will count: the interval is widened, so that choosing costs nothing.
    """
    if not rule.compare:
        return Compared(_widened(_own(rule, record), contenders))
    reference = reference_for(rule, record, pool)
    if reference is None:
        return Compared(None, f"nothing else in this run fits the reference {', '.join(rule.reference)}")
    if choices := differing_choices(run, record, reference):
        return Compared(None, f"not comparable with {reference.candidate}: {choices[0]}", reference)
    if rule.compare == "ratio":
        return Compared(_widened(_ratio(record, reference), contenders), "", reference)
    return Compared(_widened(_difference(run, record, reference), contenders), "", reference)


def _own(rule: Rule, record: Record) -> Reading | None:
    if rule.metric == PARAMS:
        count = trained_params(record)
        return None if count is None else Reading(count, None, None, 1, None)
    if record.value is None:
        return None
    return Reading(record.value, record.ci_low, record.ci_high, record.n, record.ci_method)


def reference_for(rule: Rule, record: Record, pool: Sequence[Record]) -> Record | None:
    """The fitting record that differs least from the candidate; of equals the best, so that none is easy to beat."""
    found = [
        other
        for other in pool
        if other.dataset == record.dataset
        and other.value is not None
        and other.candidate != record.candidate
        and fits(other.candidate, rule.reference)
    ]
    sign = 1.0 if rule.direction == "higher" else -1.0

    def closeness(other: Record) -> tuple[int, float]:
        theirs, ours = other.axes, record.axes
        same = [
            theirs.enhancer == ours.enhancer,
            theirs.fusion == ours.fusion,
            theirs.decoder == ours.decoder,
            theirs.encoders == ours.encoders,
        ]
        return sum(same), sign * other.number

    return max(found, key=closeness, default=None)


def _ratio(record: Record, reference: Record) -> Reading | None:
    """Ratio of two values above 0; its ends are the ratios of opposite ends, so it is wider than it need be."""
    if record.value is None or not reference.number > 0:
        return None
    value, n = record.value / reference.number, min(record.n, reference.n)
    ends = _ends(record, reference)
    if ends is None or min(ends) <= 0:
        return Reading(value, None, None, n, None)
    return Reading(value, ends[0] / ends[3], ends[1] / ends[2], n, "ratio of opposite ends")


def _ends(record: Record, reference: Record) -> tuple[float, ...] | None:
    """Low and high of the one, low and high of the other; None where one of the intervals is not known."""
    ends = [record.ci_low, record.ci_high, reference.ci_low, reference.ci_high]
    known = tuple(end for end in ends if end is not None)
    return known if len(known) == len(ends) else None


def _difference(run: RunData, record: Record, reference: Record) -> Reading | None:
    """Paired by sample where both have values; else opposite ends."""
    ours, theirs = run.values(record), run.values(reference)
    if ours is None or theirs is None or ours.samples != theirs.samples:
        if record.value is None:
            return None
        value, n = record.value - reference.number, min(record.n, reference.n)
        ends = _ends(record, reference)
        if ends is None:
            return Reading(value, None, None, n, None)
        return Reading(value, ends[0] - ends[3], ends[1] - ends[2], n, "difference of opposite ends")
    if len(ours.seeds) > 1 and ours.seeds == theirs.seeds:
        found = hierarchical_mean(ours.values - theirs.values, ours.groups)
    else:
        found = bootstrap_mean(ours.mean_over_seeds - theirs.mean_over_seeds, ours.groups)
    if np.isnan(found.mean):
        return None
    if found.interval is None:
        return Reading(found.mean, None, None, found.n, None)
    return Reading(found.mean, found.interval.low, found.interval.high, found.n, f"paired {found.interval.method}")


def _widened(reading: Reading | None, contenders: int) -> Reading | None:
    """The interval at which the best of so many candidates may be read: Bonferroni, by normal quantiles."""
    if reading is None or reading.low is None or reading.high is None or contenders < 2:
        return reading
    factor = float(norm.isf(ALPHA / contenders / 2) / norm.isf((1 - LEVEL) / 2))
    low = reading.value - factor * (reading.value - reading.low)
    high = reading.value + factor * (reading.high - reading.value)
    return reading._replace(low=low, high=high, method=f"{reading.method}, widened for the best of {contenders}")
