"""Regressions: a run against a baseline, pair by pair, and the baselines themselves. Imports no torch."""

from __future__ import annotations
