"""What can be gated on: metrics by suite as their specs say, probes, and units that can be converted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from foresight_harness.contracts.specs import MetricFacts, SuiteFacts
from foresight_harness.contracts.specs.suites import Bounds
from foresight_harness.planning.registry import Registry


@dataclass(frozen=True)
class Fact:
    """What a metric's numbers are."""

    unit: str
    direction: str
    range: Bounds = (None, None)
    exact: bool = False
    """A count, or a number that sampling does not move: it needs no interval to be decided on."""
    plain: str = ""
    """What it tells, in words for people who know none of the names."""


PARAMS = "trained_params"
"""Parameters of the trained parts of a candidate; stands in every record, so it is a metric of every suite."""

STEPS = "fit_steps"
"""Training steps after which the loss had come to rest; none where it had not."""
CONVERGED = "fit_converged"
"""1 where the loss came to rest, 0 where the fit diverged; none where it was still falling."""
HOURS = "cell_hours"
"""Hours that all cells of a candidate took."""
SPREAD = "_spread"
"""Ending of the standard deviation of a metric from scene to scene."""
CEILING = "_ceiling"
"""Ending of what the decoder's own round trip scores."""
REVERSED = "_reversed"
"""Ending of a distance of clips played backwards: answers that are known to be wrong."""
VERIFICATION = "_verification"
"""Ending of the correlation of a distance with whether the answer is wrong, over clips as they are and backwards."""

CONVERSIONS: Mapping[tuple[str, str], float] = {
    ("s", "ms"): 1000.0,
    ("GiB", "MiB"): 1024.0,
    ("GB", "MiB"): 1e9 / 2**20,
    ("%", "ratio"): 0.01,
    ("million parameters", "parameters"): 1e6,
}
"""Units that documents use, and the factor to a metric's own."""


@dataclass(frozen=True)
class Vocabulary:
    """What gates may name."""

    suites: Mapping[str, Mapping[str, Fact]]
    """Metrics by suite; suites that rank nothing are none of them."""
    probed: frozenset[str]
    """Suites whose scores name their probe."""
    probes: tuple[str, ...]

    def units(self) -> set[str]:
        """Every unit that a rule may be written in."""
        own = {fact.unit for metrics in self.suites.values() for fact in metrics.values()}
        return own | {"times"} | {unit for unit, _ in CONVERSIONS}


def vocabulary_of(registry: Registry) -> Vocabulary:
    """Everything on offer that can be gated on, plugins' suites, metrics and probes among it."""
    suites = sorted((suite for suite in registry.suites.values() if suite.gateable), key=lambda suite: suite.order)
    return Vocabulary(
        suites={suite.name: metrics_of(registry, suite) for suite in suites},
        probed=frozenset(suite.name for suite in suites if suite.probed),
        probes=tuple(registry.probes),
    )


def metrics_of(registry: Registry, suite: SuiteFacts) -> dict[str, Fact]:
    """Metrics that a suite records, and what its records imply beside."""
    known = {name: _fact(metric) for name, metric in registry.metrics_of(suite).items()}
    spreads = {
        f"{name}{SPREAD}": Fact(
            fact.unit, "lower", (0.0, None), plain=fact.plain and f"spread over scenes: {fact.plain}"
        )
        for name, fact in known.items()
    }
    ceilings = {
        f"{name}{CEILING}": replace(fact, exact=True, plain=fact.plain and f"of the decoder by itself: {fact.plain}")
        for name, fact in known.items()
    }
    verifications = {
        f"{name.removesuffix(REVERSED)}{VERIFICATION}": Fact("ratio", "higher", (-1.0, 1.0), plain=TELLS)
        for name in known
        if name.endswith(REVERSED)
    }
    return {**ceilings, **spreads, **verifications, **known, **_IMPLIED}


TELLS = "visible difference tells a wrong answer from a right one (1 is always, 0 is chance)"


_IMPLIED: Mapping[str, Fact] = {
    PARAMS: Fact("parameters", "lower", (0.0, None), exact=True),
    STEPS: Fact("steps", "lower", (0.0, None), exact=True, plain="training steps until nothing more is gained"),
    CONVERGED: Fact("ratio", "higher", (0.0, 1.0), exact=True, plain="training comes to rest (1) or not (0)"),
    HOURS: Fact("hours", "lower", (0.0, None), exact=True, plain="hours that all its measurements took"),
}


def _fact(metric: MetricFacts) -> Fact:
    return Fact(metric.unit, metric.gate_direction or metric.direction, metric.range, metric.exact, metric.plain)
