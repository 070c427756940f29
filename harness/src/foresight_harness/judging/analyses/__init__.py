"""Conclusions from the records and samples of a finished run. Imports no torch."""

from __future__ import annotations

from foresight_harness.judging.analyses.catalogue import KINDS, Concluded, Kind, conclude
from foresight_harness.judging.analyses.envelope import Analysis, Column, Measured, read_analysis, write_analysis
from foresight_harness.running.run_folder.run_data import (
    Record,
    RunData,
    SampleStats,
    SampleValues,
    measured_candidates,
)

__all__ = [
    "KINDS",
    "Analysis",
    "Column",
    "Concluded",
    "Kind",
    "Measured",
    "Record",
    "RunData",
    "SampleStats",
    "SampleValues",
    "conclude",
    "measured_candidates",
    "read_analysis",
    "write_analysis",
]
