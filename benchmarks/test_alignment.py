"""How alike are conditioning and decoder latents? Debiased CKA with its permutation null."""

from __future__ import annotations

import pytest


@pytest.mark.suite("alignment")
def test_alignment(foresight_cell) -> None:
    outcomes = foresight_cell.score()
    for outcome in outcomes:
        assert outcome.measurements
