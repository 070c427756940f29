"""The number a rule is about, from a run's records and samples."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from foresight_harness.contracts.records import Record
from foresight_harness.judging.analyses.comparing import differing_choices
from foresight_harness.judging.evidence.derived import derived, records_behind
from foresight_harness.judging.evidence.intervals import difference_of, ends_of, widened
from foresight_harness.judging.gates.gate import Rule, fits
from foresight_harness.judging.gates.verdict import Reading
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
    """Records of the rule's metric, or behind it where it is derived; controls too."""
    found = records_behind(run, rule.suite, rule.metric, rule.probe)
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
        found = derived(run, rule.metric, record, contenders)
        return Compared(found.reading, found.reason if found.reading is None else "")
    reference = reference_for(rule, record, pool)
    if reference is None:
        return Compared(None, f"nothing else in this run fits the reference {', '.join(rule.reference)}")
    if choices := differing_choices(run, record, reference):
        return Compared(None, f"not comparable with {reference.candidate}: {choices[0]}", reference)
    if rule.compare == "ratio":
        return Compared(widened(_ratio(record, reference), contenders), "", reference)
    return Compared(difference_of(run, record, reference, contenders), "", reference)


def reference_for(rule: Rule, record: Record, pool: Sequence[Record]) -> Record | None:
    """The fitting record that differs least from the candidate; of equals the best, so that none is easy to beat."""
    found = [
        other
        for other in pool
        if other.is_candidate
        and other.dataset == record.dataset
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
    ends = ends_of(record, reference)
    if ends is None or min(ends) <= 0:
        return Reading(value, None, None, n, None)
    return Reading(value, ends[0] / ends[3], ends[1] / ends[2], n, "ratio of opposite ends")
