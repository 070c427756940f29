"""Suites on offer: everything that is known about one before anything is measured, and how it scores a cell."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from foresight_harness.contracts.outcomes import Outcome
    from foresight_harness.contracts.scoring import SuiteCell
    from foresight_harness.contracts.specs.data import MetricSpec

Bounds = tuple[float | None, float | None]

SHARE_UNIT = "share of the way from mean picture to round trip"
"""Unit of a metric that is given once more between its floor and its ceiling."""


@dataclass(frozen=True)
class MetricFacts:
    """What the numbers of a metric are, and what it is called."""

    name: str
    unit: str
    direction: Literal["higher", "lower", "none"]
    """Which way is better; ``none`` for a fact."""
    range: Bounds = (None, None)
    label: str = ""
    """As readers call it; empty is the name in words."""
    family: str = ""
    """What it tells about, across suites: ``boxes``, ``pixels``, ``features``, ``motion``, ``cost`` or a word of the
    plugin's own."""
    exact: bool = False
    """A count, or a number that sampling does not move: a gate needs no interval to decide on it."""
    gate_direction: Literal["higher", "lower"] | None = None
    """Which way a gate asks of a fact; None is ``direction``."""
    plain: str = ""
    """What it tells, in words for people who know none of the names; empty where nobody wrote any."""


@dataclass(frozen=True, kw_only=True)
class SuiteFacts:
    """What a run keeps of a suite, as data: ``suite_facts`` in ``run.json``, by name."""

    name: str
    title: str = ""
    """What it measures, in a line."""
    order: int = 100
    """Its place in reports, lowest first; the built-in ones stand at 10 to 70."""
    labels: frozenset[str] = frozenset()
    """What a data set must carry to be scored on: of ``boxes``, ``masks``, ``motion``."""
    metrics: tuple[MetricFacts, ...] = ()
    """What it records, beside the metrics that plugins offer for what it ``compares``."""
    compares: tuple[str, ...] = ()
    """Kinds of ``MetricSpec`` that it records, every one on offer: ``boxes``, ``pictures``, ``objects`` ..."""
    shares: bool = False
    """Whether each metric is also given as NAME_share, its part of the way from floor to ceiling."""
    read_by: tuple[str, ...] = ()
    """Metrics that it is read by, the strongest first: tables are ordered by the first one that they have."""
    then_by: tuple[str, ...] = ()
    """Metrics that stand next to those."""
    ranked_by: tuple[str, ...] = ()
    """Metrics whose candidates are set in tie groups by paired tests; each has a value a sample."""
    gateable: bool = True
    """Whether gates may name its metrics; False for suites that judge probes or describe, and rank nothing."""
    probed: bool = False
    """Whether probes read its numbers: ``--probe`` adds more of them, records name theirs, and a gate must too."""
    controls: tuple[str, ...] = ()
    """Streams whose right answer is known (``oracle@mask``), scored beside the candidates in every run."""
    controls_without_masks: tuple[str, ...] = ()
    """In their place on data sets that have no masks; empty where the same ones do."""
    timed: bool = False
    """Whether its numbers are times: they belong to the machine, and no two runs of it are alike."""
    seeded: bool = True
    """Whether its numbers depend on the seeds of trained parts."""
    live_encoder: bool = False
    """Whether encoders must be in memory while the cell runs (latency)."""
    uses_decoder: bool = False
    """Whether the decoder is read; candidates that differ only in the decoder share one score where it is not."""
    only_first_dataset: bool = False
    """For suites whose number does not depend on what the pictures show."""
    first_seed_only: bool = False
    """For suites that read one repeat of a trained fit."""
    own_dataset: str | None = None
    """Scored on this one where the run has no data set that fits and the command names none."""
    default: bool = True
    """Whether the suite runs where the matrix names none; others run where matrix or command name them."""
    guess_s: float = 1.0
    """Seconds of a closed-form cell at smoke scale on two cores, until the machine has measured its own."""
    working_mib: int = 0
    """What its own arithmetic (kernels, trunks, clips, factorisations) adds to memory at its peak, at smoke scale."""

    @property
    def running_place(self) -> tuple[Any, ...]:
        """Sorts the suites of one encoder: what needs it live first, what must be asked for last; between them what
        reads no decoder, then what reads one repeat of a fit, then what reads all."""
        last = not self.default, self.uses_decoder, not self.first_seed_only
        return not self.live_encoder, *last, self.order, self.name

    def as_json(self) -> dict[str, Any]:
        """JSON types only."""
        found: dict[str, Any] = {}
        for entry in fields(SuiteFacts):
            value = getattr(self, entry.name)
            found[entry.name] = sorted(value) if isinstance(value, frozenset) else value
        return found | {"metrics": [asdict(metric) for metric in self.metrics]}


def suite_facts_from_json(values: Mapping[str, Any]) -> SuiteFacts:
    """The inverse of ``SuiteFacts.as_json``; what a newer harness added is left out."""
    found = _known(SuiteFacts, values)
    found["labels"] = frozenset(found.get("labels", ()))
    found["metrics"] = tuple(MetricFacts(**_known(MetricFacts, metric)) for metric in found.get("metrics", ()))
    return SuiteFacts(**found)


@dataclass(frozen=True, kw_only=True)
class SuiteSpec(SuiteFacts):
    """A suite on offer. ``protocol`` and ``score`` import torch when they are called; nothing else here does."""

    protocol: Callable[[SuiteCell], Mapping[str, Any]]
    """Every choice of the suite that decides what its numbers mean, flat, JSON types: only equal ones are ranked."""
    score: Callable[[SuiteCell], Outcome]
    """Scores one candidate on one data set."""


def facts_of(spec: MetricSpec) -> MetricFacts:
    """What a metric on offer says of itself."""
    return MetricFacts(spec.name, spec.unit, spec.direction, spec.range, spec.label, spec.family, plain=spec.plain)


def _known(kind: type, values: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that a class has, lists as tuples."""
    names = {entry.name for entry in fields(kind)}
    return {name: tuple(value) if isinstance(value, list) else value for name, value in values.items() if name in names}
