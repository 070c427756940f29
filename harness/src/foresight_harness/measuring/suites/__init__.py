"""Suites: what a candidate is scored on. Each is one module with one function from a cell to measurements."""

from __future__ import annotations

from foresight_harness.planning.suites import SUITES, Suite, suite

__all__ = ["SUITES", "Suite", "suite"]
