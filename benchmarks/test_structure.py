"""What does token space look like? Local order, effective rank, silhouettes; nothing is trained; ``-k structure``."""

from __future__ import annotations

import pytest


@pytest.mark.suite("structure")
def test_structure(foresight_cell) -> None:
    outcomes = foresight_cell.score()
    for outcome in outcomes:
        assert outcome.measurements
