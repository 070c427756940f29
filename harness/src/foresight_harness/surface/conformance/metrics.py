"""The conformance kit for metrics."""

from __future__ import annotations

from typing import Any, ClassVar

from foresight_harness.contracts.specs import MetricSpec
from foresight_harness.parts.checks import metric_checks as checks
from foresight_harness.surface.conformance.kit import ConformanceKit


class MetricConformance(ConformanceKit):
    """Every contract of a metric, for every metric that a plugin offers and that has one value a sample.

    It cannot know the right value: compare yours with an independent implementation, and with one case by hand.
    """

    hook = "foresight_metrics"
    metrics: ClassVar[tuple[str, ...]] = ()
    """Names to check; empty means every metric that the plugin offers."""

    @classmethod
    def parametrizations(cls) -> dict[str, list[tuple[str, Any]]]:
        """``spec``: every checked metric."""
        return {
            "spec": [
                (spec.name, spec)
                for spec in cls.chosen(cls.metrics, lambda spec: spec.compares != "distributions", "metric")
            ]
        }

    def test_name_unit_range_and_reference_are_stated(self, spec: MetricSpec) -> None:
        checks.check_declared(spec)

    def test_there_is_one_value_a_sample_in_the_declared_range(self, spec: MetricSpec) -> None:
        checks.check_values(spec.build(), spec)

    def test_a_copy_is_best_and_damage_is_worse(self, spec: MetricSpec) -> None:
        checks.check_direction(spec.build(), spec)

    def test_the_same_pair_gives_the_same_values(self, spec: MetricSpec) -> None:
        checks.check_pure(spec.build(), spec)

    def test_one_by_one_equals_a_batch(self, spec: MetricSpec) -> None:
        checks.check_batch_invariance(spec.build(), spec)
