"""Scores of records on the same samples, as evidence for a board: a value a sample, or a metric of the whole corpus."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from foresight_harness.contracts.records import Record
from foresight_harness.judging.analyses.comparing import NotComparableError, require_comparable
from foresight_harness.parts.metrics.corpus_statistics import corpus_statistic
from foresight_harness.parts.statistics.board import BoardEvidence
from foresight_harness.parts.statistics.bootstrap import RESAMPLES, resamples
from foresight_harness.parts.statistics.corpus_evidence import Statistic, corpus_evidence
from foresight_harness.parts.statistics.evidence import mean_evidence
from foresight_harness.parts.statistics.interval import Floats
from foresight_harness.running.run_folder.run_data import RunData

CANDIDATE, TWIN, FLOOR, CEILING = "candidate", "twin", "floor", "ceiling"
RANDOM = "random:"
"""Begins the name of an encoder's twin: its architecture and preprocessing, with seeded random weights."""
FITTED = ("extractor", "enhancer", "fusion")
"""Parts that a recipe trains wherever they have parameters; an adapter may be solved in closed form."""


def kind_of(record: Record) -> str:
    """What a record stands for on a board: only candidates can be the best."""
    if record.role == TWIN or any(name.startswith(RANDOM) for name in record.axes.encoders):
        return TWIN
    return record.role if record.role in (CANDIDATE, FLOOR, CEILING) else FLOOR


def trained(run: RunData, record: Record) -> bool:
    """Whether another seed would give another number: something in it, or in its probe, is trained."""
    if len(record.seeds) > 1:
        return True
    suite = run.suites.get(record.suite)
    if suite is not None and not suite.seeded:
        return False
    fitted = any((record.params or {}).get(part) for part in FITTED) or "fit" in record.details
    return fitted or run.seeded_probe(record.probe)


@dataclass(frozen=True)
class Scores:
    """Of records of one metric, on one list of samples."""

    records: tuple[Record, ...]
    trained: tuple[bool, ...]
    samples: tuple[str, ...]
    groups: tuple[str, ...]
    """Cluster of each sample."""
    values: tuple[Floats, ...]
    """By record, one row a seed; empty of a corpus metric. k x [S_i, n]"""
    statistics: tuple[tuple[Statistic, ...], ...]
    """By record and seed, of a corpus metric; empty elsewhere. k x S_i"""

    def evidence(self, places: Sequence[int]) -> BoardEvidence:
        """What the records at these places say about their means together. Raises: NotComparableError."""
        trained = [self.trained[place] for place in places]
        try:
            if self.values:
                found = mean_evidence([self.values[place] for place in places], self.groups, trained)
                if not found.n:
                    raise NotComparableError(f"no sample has a {self.records[0].metric} of all of them")
                return found
            drawn = resamples(self.groups, count=self.records[0].resamples or RESAMPLES)
            return corpus_evidence([self.statistics[place] for place in places], drawn, trained)
        except ValueError as error:
            raise NotComparableError(str(error)) from error


def scores_of(run: RunData, records: Sequence[Record]) -> Scores:
    """Read the samples of records that are to be judged together.

    Raises:
        NotComparableError: where protocols or samples differ, a control left its range, or the metric has no samples;
            the message names the choice.
        RunFolderError: where samples cannot be read.
    """
    if not records:
        raise NotComparableError("nothing to rank: no record fits")
    require_comparable(run, records)
    first = records[0]
    corpus = first.per_sample == "stats"
    found = [run.stats(record) if corpus else run.values(record) for record in records]
    known = [one for one in found if one is not None]
    if len(known) < len(records):
        raise NotComparableError(f"{first.metric} has no value a sample, so its differences cannot be tested")
    for record, one in zip(records, known, strict=True):
        if one.samples != known[0].samples:
            raise NotComparableError(f"{first.candidate} and {record.candidate} were not scored on the same samples")
    flags = tuple(trained(run, record) for record in records)
    shared = known[0].samples, known[0].groups
    if corpus:
        return Scores(tuple(records), flags, *shared, (), tuple(_statistics(run, record) for record in records))
    values = (run.values(record) for record in records)
    return Scores(tuple(records), flags, *shared, tuple(one.values for one in values if one is not None), ())


def _statistics(run: RunData, record: Record) -> tuple[Statistic, ...]:
    """One a seed."""
    found = run.stats(record)
    assert found is not None
    return tuple(corpus_statistic(seed) for seed in found.stats)
