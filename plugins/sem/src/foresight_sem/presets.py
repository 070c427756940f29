"""Widths, claims and shapes of the spatial enhancement modules. Free of torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from foresight_harness.contracts.errors import CandidateError
from foresight_harness.contracts.specs import GridShape
from foresight_harness.grid_shapes import bottleneck_width, require_grids

DOCUMENT_WIDTH = 3584
"""Width of the 7B language model, at which the document states its parameter counts."""

DOCUMENT = GridShape(16, 16, DOCUMENT_WIDTH)
"""The stream of the document: 256 tokens of the language model."""

SOURCE = "Pivot option 3, spatial enhancement modules, section 2.1"

COORDINATE_SHARE = (3, 28)
DEFORMABLE_SHARE = (2, 5)
UPSAMPLING_SHARE = (3, 20)
"""Inner width over input width. At width 3584 they meet the document's 7M, 15M and 8M within 3 %."""

COORDINATES = "coordinates"
DEFORMABLE = "deformable"
UPSAMPLING = "upsampling"

CLAIMED = {COORDINATES: 7_000_000, DEFORMABLE: 15_000_000, UPSAMPLING: 8_000_000}
"""Parameters of each part as the document states them."""

HEADS = 8
DRAWN_OUTPUT_WIDTH = 128
"""Channels that module C leaves with as drawn: those of LTX-Video's latents."""


@dataclass(frozen=True)
class Design:
    """Which parts an enhancer stacks, in order."""

    name: str
    parts: tuple[str, ...]
    factor: int = 1
    """Enlargement of each side by the upsampling part."""
    as_drawn: bool = False
    """The document's sketch at full width, instead of the bottleneck that meets its budget."""
    levels: int = 1
    """Feature levels of deformable attention, as drawn."""

    @property
    def claimed_params(self) -> int:
        """Parameters that the document states at width 3584."""
        return sum(CLAIMED[part] for part in self.parts)


STACK = (COORDINATES, DEFORMABLE, UPSAMPLING)

DESIGNS = (
    Design("sem_coord", (COORDINATES,)),
    Design("sem_deform", (DEFORMABLE,)),
    Design("sem_upsample", (UPSAMPLING,), factor=2),
    Design("sem_upsample_x4", (UPSAMPLING,), factor=4),
    Design("sem", STACK, factor=2),
    Design("sem_x4", STACK, factor=4),
    Design("sem_no_coord", (DEFORMABLE, UPSAMPLING), factor=2),
    Design("sem_no_deform", (COORDINATES, UPSAMPLING), factor=2),
    Design("sem_no_upsample", (COORDINATES, DEFORMABLE)),
    Design("sem_coord_asdrawn", (COORDINATES,), as_drawn=True),
    Design("sem_deform_asdrawn", (DEFORMABLE,), as_drawn=True),
    Design("sem_deform_4_levels_asdrawn", (DEFORMABLE,), as_drawn=True, levels=4),
    Design("sem_upsample_asdrawn", (UPSAMPLING,), factor=4, as_drawn=True),
    Design("sem_asdrawn", STACK, factor=4, as_drawn=True),
)


def coordinate_width(width: int) -> int:
    """Inner width of coordinate injection."""
    return bottleneck_width(width, COORDINATE_SHARE, multiple=8)


def deformable_width(width: int) -> int:
    """Inner width of deformable attention; a multiple of its heads."""
    return bottleneck_width(width, DEFORMABLE_SHARE, multiple=HEADS)


def upsampling_width(width: int) -> int:
    """Inner width of learned upsampling; a multiple of 32, so that two pixel shuffles leave at least two channels."""
    return bottleneck_width(width, UPSAMPLING_SHARE, multiple=32)


def output_shape(design: Design, shape: GridShape) -> GridShape:
    """Shape after enhancement.

    Raises:
        CandidateError: for token sets, and for widths that the design as drawn cannot split into heads.
    """
    require_grids(design.name, [shape])
    if design.as_drawn and DEFORMABLE in design.parts and shape.width % HEADS:
        raise CandidateError(
            f"{design.name} splits the input's channels over {HEADS} heads, got width {shape.width}. "
            f"Use {design.name.split('_asdrawn')[0].replace('_4_levels', '')}."
        )
    made = replace(shape, rows=design.factor * shape.rows, cols=design.factor * shape.cols)
    return replace(made, width=DRAWN_OUTPUT_WIDTH) if _narrows(design.as_drawn, design.parts) else made


def _narrows(as_drawn: bool, parts: Sequence[str]) -> bool:
    return as_drawn and UPSAMPLING in parts
