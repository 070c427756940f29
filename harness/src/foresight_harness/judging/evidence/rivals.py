"""What a score must beat before it meets a bound: the same architecture with random weights, and raw pixels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from foresight_harness.contracts.records import Record
from foresight_harness.judging.evidence.intervals import difference_of
from foresight_harness.judging.gates.verdict import Reading
from foresight_harness.running.run_folder.run_data import RunData

MARK = "random:"
"""Before an encoder's name: its twin, with seeded random weights."""
PIXELS = "pixels"
TITLES = {"twin": "its twin with random weights", "pixels": "raw pixels"}


@dataclass(frozen=True)
class Beside:
    """A rival's score, and by how much the candidate is better."""

    rival: Record
    advantage: Reading | None
    """Above 0 where the candidate is better; None where the two share no number."""

    @property
    def beaten(self) -> bool:
        """Whether the whole interval of the advantage lies above 0."""
        found = self.advantage
        return found is not None and found.low is not None and found.low > 0


def is_twin(name: str, candidate: str) -> bool:
    """Whether a candidate string is another's with ``random:`` before its encoders' names."""
    return MARK in name and name.replace(MARK, "") == candidate


def twin_name(candidate: str) -> str:
    """The candidate string of a twin."""
    streams, _, rest = candidate.partition("/")
    return "/".join(["+".join(MARK + stream for stream in streams.split("+")), rest])


def pixels_name(candidate: str) -> str:
    """The candidate string of raw pixels through the same decoder."""
    return f"{PIXELS}@patch/identity/single/{candidate.rpartition('/')[2]}"


def rival_of(run: RunData, kind: str, record: Record, pool: Sequence[Record]) -> Record | None:
    """The record of a rival on the same pictures: same suite, metric, probe, data set and (where one is read) decoder.

    Args:
        run: That all are of.
        kind: ``twin`` or ``pixels``.
        record: Of the candidate.
        pool: Records of the metric, controls too.

    Returns:
        Of several the one that is hardest to beat; None where there is none.
    """
    reads = record.suite not in run.suites or run.suites[record.suite].uses_decoder
    found = [
        other
        for other in pool
        if other is not record
        and other.value is not None
        and (other.dataset, other.fingerprint) == (record.dataset, record.fingerprint)
        and (other.metric, other.probe) == (record.metric, record.probe)
        and (not reads or other.axes.decoder == record.axes.decoder)
        and _is(kind, other, record, reads)
    ]
    sign = 1.0 if record.direction == "higher" else -1.0
    return max(found, key=lambda other: (other.candidate.count(MARK), sign * other.number), default=None)


def _is(kind: str, other: Record, record: Record, reads: bool) -> bool:
    if kind == "pixels":
        return set(other.axes.encoders) == {PIXELS}
    if reads:
        return is_twin(other.candidate, record.candidate)
    return is_twin(other.candidate.rpartition("/")[0], record.candidate.rpartition("/")[0])


def beside(run: RunData, record: Record, rival: Record) -> Beside:
    """How much better a candidate is than its rival, on the same pictures. Raises: RunFolderError."""
    found = difference_of(run, record, rival)
    if found is not None and record.direction == "lower":
        low, high = (None if end is None else -end for end in (found.high, found.low))
        found = found._replace(value=-found.value, low=low, high=high)
    return Beside(rival, found)
