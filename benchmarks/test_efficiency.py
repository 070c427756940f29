"""What does one picture cost? Latency by stage and end to end, throughput, peak memory, parameters."""

from __future__ import annotations

import pytest


# A cell that was timed by a worker, or that --resume finds finished, does not use the fixture here.
@pytest.mark.filterwarnings("ignore:Benchmark fixture was not used")
@pytest.mark.suite("efficiency")
def test_efficiency(foresight_cell, benchmark) -> None:
    outcomes = foresight_cell.score(benchmark)
    for outcome in outcomes:
        assert all(found.value is None or found.value >= 0 for found in outcome.measurements)
