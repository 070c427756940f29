"""Conclusions from the records and samples of a finished run. Imports no torch."""

from __future__ import annotations

from foresight_harness.analysis.catalogue import KINDS, Concluded, Kind, conclude
from foresight_harness.analysis.envelope import Analysis, Column, Measured, read_analysis, write_analysis
from foresight_harness.analysis.rundata import Record, RunData, SampleStats, SampleValues, measured_candidates

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
