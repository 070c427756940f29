"""What moves where, and in which order? Direction and ordering accuracy, with chance and controls beside them."""

from __future__ import annotations

import pytest


@pytest.mark.suite("temporal")
def test_temporal(foresight_cell) -> None:
    outcomes = foresight_cell.score()
    for outcome in outcomes:
        assert outcome.measurements
