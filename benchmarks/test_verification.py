"""Is a prediction right? Distances judged by answers that were planted right and wrong; ``--matrix verification``."""

from __future__ import annotations

import pytest


@pytest.mark.suite("verification")
def test_verification(foresight_cell) -> None:
    outcomes = foresight_cell.score()
    for outcome in outcomes:
        assert outcome.measurements
