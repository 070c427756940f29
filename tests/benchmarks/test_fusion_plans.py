"""One, two and three streams into every fusion: planned, or refused in one clear line before any work."""

from __future__ import annotations

import pytest
from foresight_harness.contracts.errors import CandidateError
from foresight_harness.planning.candidates import parse_candidate, resolve
from foresight_harness.planning.registry import Registry, load_registry

REGISTRY: Registry = load_registry()
STREAMS = ("dinov2_tiny@last", "pooled2:dinov2_tiny@last", "pooled4:dinov2_tiny@last")
"""Three grids of unequal sizes, the finest first."""
TAKES = {
    "single": {1},
    "concat": {1, 2, 3},
    "film": {2, 3},
    "gated": {2, 3},
    "dual_stream": {2},
    "dual_stream_asdrawn": {2},
    "perceiver": {1, 2, 3},
    "qformer": {1, 2, 3},
    "qformer_asdrawn": {2},
}


def test_the_table_names_every_fusion() -> None:
    assert set(REGISTRY.fusions) == set(TAKES)


@pytest.mark.parametrize("count", [1, 2, 3])
@pytest.mark.parametrize("name", list(TAKES))
def test_number_of_streams_is_taken_or_refused_in_one_line(name: str, count: int) -> None:
    candidate = parse_candidate(f"{'+'.join(STREAMS[:count])}/identity/{name}/linear")
    if count in TAKES[name]:
        planned = resolve(candidate, REGISTRY)
        shape, first = planned.conditioning_shape(), planned.streams[0].shape()
        assert shape.is_set or (shape.rows, shape.cols) == (first.rows, first.cols)
        return
    with pytest.raises(CandidateError, match=rf"fusion '{name}' takes .* stream.*, got {count}$") as refused:
        resolve(candidate, REGISTRY)
    assert "\n" not in str(refused.value)
