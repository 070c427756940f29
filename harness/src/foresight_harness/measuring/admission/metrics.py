"""Metrics of plugins, asked before and while they are believed: one value a sample, in range, the right way round.

A metric that breaks costs its own column: it gives NaN from then on, and its record says what is wrong and whose it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from foresight_harness.contracts.protocols import Metric
from foresight_harness.contracts.specs import MetricSpec
from foresight_harness.measuring.admission.declared import is_core
from foresight_harness.measuring.extraction.encode import described
from foresight_harness.parts.checks import metric_checks
from foresight_harness.parts.checks.failures import ConformanceError
from foresight_harness.planning.registry import Registry

LEAST_EQUAL = 4
"""Samples of one exactly equal value that are no accident."""
SPARE = 1e-6
"""Share of the range by which rounding may leave it."""


class MetricFault(Exception):
    """What is wrong with values that a metric gave, in one line."""


@dataclass
class MetricAdmission:
    """The metrics of a run, built once."""

    registry: Registry
    asked: bool = True
    """False under ``--admission off``: values are still held to their shape and range."""
    faults: dict[str, str] = field(default_factory=dict)
    """What is wrong, by metric; from then on it gives NaN."""
    undefined: dict[str, tuple[int, int]] = field(default_factory=dict)
    """By metric the samples without a value when it was called last, and all samples."""
    _built: dict[str, Metric] = field(default_factory=dict)

    def built(self, spec: MetricSpec) -> Metric:
        """The metric; one of a plugin is watched."""
        if spec.name not in self._built:
            core = is_core(self.registry.owner("metric", spec.name))
            self._built[spec.name] = spec.build() if core or spec.compares == "distributions" else self._watched(spec)
        return self._built[spec.name]

    def say(self, spec_name: str, fault: str) -> None:
        """Note what is wrong with a metric, the first time."""
        owner = self.registry.owner("metric", spec_name).name
        line = f"metric {spec_name} of plugin {owner!r} (hook foresight_metrics): {fault}"
        self.faults.setdefault(spec_name, " ".join(line.split())[:600])

    def fault_of(self, name: str) -> str | None:
        """What is wrong with the metric behind a column: itself, its share of a range, its reference row."""
        for end in ("", "_share", "_first_frame"):
            if name.endswith(end) and (fault := self.faults.get(name.removesuffix(end))):
                return fault
        return None

    def _watched(self, spec: MetricSpec) -> Metric:
        try:
            metric = spec.build()
        except Exception as error:  # any failure of foreign code is that metric's failure
            self.say(spec.name, f"build fails: {type(error).__name__}: {error}")
            return lambda output, target: _nothing(output)
        watched = Watched(self, spec, metric)
        if self.asked:
            self._ask(spec, watched)
        return watched

    def _ask(self, spec: MetricSpec, watched: Watched) -> None:
        """Questions with a known answer: a copy, mild and strong damage, samples alone and together."""
        target = metric_checks.target_of(spec.compares)
        try:
            copy, damaged = (
                watched.values(metric_checks.damaged(spec.compares, target, damage), target, some=False)
                for damage in (0.0, metric_checks.DAMAGE[1])
            )
            sign = 1.0 if spec.direction == "higher" else -1.0
            best, worst = float(copy.nanmean()), float(damaged.nanmean())
            if sign * best < sign * worst - 1e-9:
                raise MetricFault(
                    f"direction {spec.direction!r} is declared, a copy reads {best:.4g} and strong damage {worst:.4g}, "
                    "which would be better: declare the other direction"
                )
            metric_checks.check_batch_invariance(watched.defined, spec)
        except (MetricFault, ConformanceError) as fault:
            self.say(spec.name, str(fault))


@dataclass
class Watched:
    """A plugin's metric whose values are looked at; NaN once it has a fault."""

    admission: MetricAdmission
    spec: MetricSpec
    metric: Metric

    def __call__(self, output: Any, target: Any) -> Tensor:
        """[B] float64"""
        if self.spec.name in self.admission.faults:
            return _nothing(output)
        try:
            found = self.values(output, target)
            if len(found) >= LEAST_EQUAL and not self.spec.coarse:
                require_own_values(found, self.spec, output)
        except MetricFault as fault:
            self.admission.say(self.spec.name, str(fault))
            return _nothing(output)
        self.admission.undefined[self.spec.name] = (int(found.isnan().sum()), len(found))
        return found

    def defined(self, output: Any, target: Any) -> Tensor:
        """Values, 0 where there is none: gaps compare equal to gaps. [B] float64 Raises: MetricFault."""
        return self.values(output, target, some=False).nan_to_num(0.0)

    def values(self, output: Any, target: Any, *, some: bool = True) -> Tensor:
        """One value a sample, in range; ``some``: not all undefined. [B] float64 Raises: MetricFault."""
        try:
            found = self.metric(output, target)
        except Exception as error:  # any failure of foreign code is that metric's failure
            raise MetricFault(f"raises {type(error).__name__}: {error}") from error
        return checked_values(found, self.spec, len(output), some=some)


def checked_values(found: object, spec: MetricSpec, count: int, *, some: bool = True) -> Tensor:
    """Values as float64, or what is wrong with them. Raises: MetricFault."""
    wanted = f"a tensor of one value a sample is wanted, [{count}] float64"
    if not isinstance(found, Tensor):
        raise MetricFault(f"returned {described(found)}; {wanted}")
    if tuple(found.shape) != (count,):
        raise MetricFault(f"returned {described(found)} for {count} samples; {wanted}, never a mean")
    if found.is_complex() or found.dtype == torch.bool:
        raise MetricFault(f"returned {described(found)}; {wanted}")
    values = found.detach().cpu().double()
    if bool(values.isinf().any()):
        raise MetricFault(f"{int(values.isinf().sum())} of {count} values are infinite: NaN stands for undefined")
    known = values[~values.isnan()]
    if some and count and not len(known):
        raise MetricFault(f"none of {count} values is defined")
    if not len(known):
        return values
    low, high = spec.range
    least, most = float(known.min()), float(known.max())
    spare = SPARE * ((high - low) if low is not None and high is not None else max(1.0, abs(least), abs(most)))
    if (low is not None and least < low - spare) or (high is not None and most > high + spare):
        raise MetricFault(
            f"values from {least:.4g} to {most:.4g} leave the declared range {spec.range}: declare what can come out"
        )
    return values


def require_own_values(values: Tensor, spec: MetricSpec, output: Any) -> None:
    """Refuse one number copied to all samples, where that is no end of the range. Raises: MetricFault."""
    known = values[~values.isnan()]
    first = float(known[0])
    ends = [end for end in spec.range if end is not None]
    if len(known) < LEAST_EQUAL or bool((known != first).any()) or first == round(first) or first in ends:
        return
    if _alike(output):
        return
    raise MetricFault(
        f"all {len(known)} samples have the value {first:.6g}: is it the mean of the batch? Give each sample its own"
    )


def _alike(output: Any) -> bool:
    """Whether all samples are equal, so that equal values are right."""
    samples: Sequence[Tensor] = list(output)
    return all(each.shape == samples[0].shape and torch.equal(each, samples[0]) for each in samples)


def _nothing(output: Any) -> Tensor:
    return torch.full((len(output),), float("nan"), dtype=torch.float64)
