"""``foresight-bench ab``: latency of two commits, measured in turns on one machine. Imports no torch."""

from __future__ import annotations
