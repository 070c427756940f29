"""Do probes measure what they claim? The research documents' probes and ours side by side; ``--matrix audit``."""

from __future__ import annotations

import pytest


@pytest.mark.suite("audit")
def test_audit(foresight_cell) -> None:
    outcomes = foresight_cell.score()
    for outcome in outcomes:
        assert outcome.measurements
