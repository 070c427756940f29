"""What comes next, and how far ahead? Moving objects in predicted frames, two baselines; ``--matrix prediction``."""

from __future__ import annotations

import pytest


@pytest.mark.suite("prediction")
def test_prediction(foresight_cell) -> None:
    outcomes = foresight_cell.score()
    for outcome in outcomes:
        assert outcome.measurements
