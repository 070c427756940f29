"""Widths, claims and shapes of the fusions. Free of torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from foresight_harness.contracts.specs import GridShape
from foresight_harness.grid_shapes import (
    bottleneck_width,
    require_count,
    require_equal_frames,
    require_grids,
    require_resampling,
)

HYBRID_SOURCE = "Pivot option 2, hybrid architecture"
PRE_MERGE_SOURCE = "Pivot option 1, pre-merge features, section 2.4"

QFORMER_CLAIM = 20_000_000
"""Middle of the 15M to 25M that the hybrid document states for widths 3584 and 1536."""
DUAL_STREAM_CLAIM = 10_000_000
"""Middle of the 8M to 12M that the pre-merge document states for widths 1536 and 3584."""

SPATIAL_FIRST = (GridShape(32, 32, 1536), GridShape(16, 16, 3584))
"""The streams at which both documents claim their counts: patches of a ViT-g, tokens of a 7B language model."""
SEMANTIC_FIRST = SPATIAL_FIRST[::-1]

HEADS = 8
QUERIES = 64
LAYERS = 4
LATENTS = 128

DRAWN_WIDTH = 128
"""Channels that the drawn modules leave with: those of LTX-Video's latents."""

ONE_OR_MORE = (1, None)
TWO_OR_MORE = (2, None)
EXACTLY_TWO = (2, 2)


def attention_width(shapes: Sequence[GridShape]) -> int:
    """Inner width of Perceiver and Q-Former: a seventh of the widest stream, so 512 at width 3584."""
    return bottleneck_width(max(shape.width for shape in shapes), (1, 7), multiple=32)


def dual_stream_width(shapes: Sequence[GridShape]) -> int:
    """Inner width of the dual-stream adapter: three twentieths of the wider stream, so 544 at width 3584."""
    return bottleneck_width(max(shape.width for shape in shapes), (3, 20), multiple=32)


def hidden_width(width: int) -> int:
    """Hidden width of a stream's projection: two sevenths, so the drawn 1024 at width 3584."""
    return bottleneck_width(width, (2, 7), multiple=8)


def modulation_width(width: int) -> int:
    """Inner width of FiLM and of gates: a quarter of the first stream's."""
    return bottleneck_width(width, (1, 4), multiple=8)


def decoded_grid(shapes: Sequence[GridShape]) -> tuple[int, int]:
    """Rows and columns of the grid of most cells; of equally many, the one of more rows, whatever the order."""
    largest = max(shapes, key=lambda shape: (shape.rows * shape.cols, shape.rows))
    return largest.rows, largest.cols


def first_grid_shape(
    name: str, streams: tuple[int, int | None], resamples: bool, shapes: Sequence[GridShape]
) -> GridShape:
    """The first stream's shape: of ``film``, ``gated`` and ``dual_stream``. Raises: CandidateError."""
    _require_streams(name, streams, shapes)
    if resamples:
        require_resampling(name, shapes, shapes[0])
    return shapes[0]


def perceiver_shape(shapes: Sequence[GridShape]) -> GridShape:
    """The largest stream's grid at the inner width. Raises: CandidateError."""
    _require_streams("perceiver", ONE_OR_MORE, shapes)
    rows, cols = decoded_grid(shapes)
    return GridShape(rows=rows, cols=cols, width=attention_width(shapes), frames=shapes[0].frames)


def qformer_shape(shapes: Sequence[GridShape]) -> GridShape:
    """A set of 64 tokens a frame at the inner width. Raises: CandidateError."""
    _require_streams("qformer", ONE_OR_MORE, shapes)
    return _token_set(shapes, attention_width(shapes))


def drawn_qformer_shape(shapes: Sequence[GridShape]) -> GridShape:
    """A set of 64 tokens a frame of 128 channels. Raises: CandidateError."""
    _require_streams("qformer_asdrawn", EXACTLY_TWO, shapes)
    return _token_set(shapes, DRAWN_WIDTH)


def drawn_dual_stream_shape(shapes: Sequence[GridShape]) -> GridShape:
    """The first stream's grid of 128 channels. Raises: CandidateError."""
    _require_streams("dual_stream_asdrawn", EXACTLY_TWO, shapes)
    return replace(shapes[0], width=DRAWN_WIDTH)


def _token_set(shapes: Sequence[GridShape], width: int) -> GridShape:
    return GridShape(rows=1, cols=QUERIES, width=width, frames=shapes[0].frames, is_set=True)


def _require_streams(name: str, bounds: tuple[int, int | None], shapes: Sequence[GridShape]) -> None:
    require_count(name, shapes, bounds, "stream")
    require_grids(name, shapes)
    require_equal_frames(name, shapes)
