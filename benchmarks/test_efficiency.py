"""What does one picture cost? Latency by stage and end to end, throughput, peak memory, parameters."""

from __future__ import annotations

import pytest


@pytest.mark.suite("efficiency")
def test_efficiency(foresight_cell, benchmark) -> None:
    outcomes = foresight_cell.score(benchmark)
    for outcome in outcomes:
        assert all(found.value is None or found.value >= 0 for found in outcome.measurements)
