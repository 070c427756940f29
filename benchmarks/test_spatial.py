"""Where are objects? IoU, AP, centre and size error, read by the primary probe with its controls."""

from __future__ import annotations

import pytest


@pytest.mark.suite("spatial")
def test_spatial(foresight_cell) -> None:
    outcomes = foresight_cell.score()
    for outcome in outcomes:
        assert outcome.measurements
