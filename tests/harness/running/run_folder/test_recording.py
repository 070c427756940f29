from __future__ import annotations

from pathlib import Path

import pytest
from foresight_harness.planning.candidates import parse_candidate, resolve
from foresight_harness.planning.registry import load_registry
from foresight_harness.running.run_folder.recording import depth_of


@pytest.mark.parametrize(("tap", "depth"), [("pooled", 0.0), ("normed", 1.0), ("concat(pooled,normed)", None)])
def test_depth_is_the_place_of_a_tap_among_its_encoders(dropin: Path, tap: str, depth: float | None) -> None:
    candidate = resolve(parse_candidate(f"gradients_tiny@{tap}/identity/single/linear"), load_registry())
    assert depth_of(candidate.streams[0]) == depth
