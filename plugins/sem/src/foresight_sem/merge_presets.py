"""Names, widths and shapes of what may stand in the place of a 2x2 merger. Free of torch."""

from __future__ import annotations

from dataclasses import dataclass, replace

from foresight_harness.contracts.errors import CandidateError
from foresight_harness.contracts.specs import GridShape
from foresight_harness.grid_shapes import bottleneck_width, require_grids

SIDE = 2
"""Cells a side that become one: Qwen2.5-VL's ``spatial_merge_size``."""

SOURCE = "Claim 1 document, section 7.4: replace the 2x2 merger with a spatial-preserving alternative"

ATTENDED_SHARE = (2, 5)
MIXED_SHARE = (3, 8)
"""Inner width over input width: unequal, so that attention and MLP have equal parameters within 3 %."""

HEADS = 8
"""Two for each quarter of a block."""


@dataclass(frozen=True)
class Merge:
    """One way to make a token of a block."""

    name: str
    attends: bool = True
    """Attention over the block; False is the published form, concatenation and an MLP."""
    placed: bool = True
    """Whether attention knows which quarter a token came from."""


MERGES = (
    Merge("spatial_merge"),
    Merge("spatial_merge_no_place", placed=False),
    Merge("mlp_merge", attends=False),
)


def attended_width(width: int) -> int:
    """Inner width of attention over a block; a multiple of its heads."""
    return bottleneck_width(width, ATTENDED_SHARE, multiple=HEADS)


def mixed_width(width: int) -> int:
    """Inner width of concatenation and MLP."""
    return bottleneck_width(width, MIXED_SHARE, multiple=8)


def merged_shape(merge: Merge, shape: GridShape) -> GridShape:
    """Half the rows and half the columns, at the width that comes in.

    Raises:
        CandidateError: for token sets, and for grids that no blocks of 2x2 tile.
    """
    require_grids(merge.name, [shape])
    if shape.rows % SIDE or shape.cols % SIDE:
        raise CandidateError(
            f"{merge.name} makes one token of {SIDE}x{SIDE}, got {shape.rows}x{shape.cols} tokens. "
            "Take a tap before the merging (Qwen2.5-VL's pre_merge), or pictures of an even number of patches a side."
        )
    return replace(shape, rows=shape.rows // SIDE, cols=shape.cols // SIDE)
