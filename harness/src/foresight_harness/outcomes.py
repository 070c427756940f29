"""Public path: what suites hand back, and the names that they are recorded under."""

from __future__ import annotations

from foresight_harness.contracts.outcomes import ControlVerdict, Measurement, Outcome, Picture, of_metric

__all__ = ["ControlVerdict", "Measurement", "Outcome", "Picture", "of_metric"]
