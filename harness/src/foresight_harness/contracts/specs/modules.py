"""Specs of the parts between encoder and decoder: extractors, enhancers, fusions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from foresight_harness.contracts.specs.grid_shape import GridShape

if TYPE_CHECKING:
    from foresight_harness.contracts.protocols import Enhancer, Extractor, Fusion


@dataclass(frozen=True)
class ExtractorSpec:
    """Makes one stream of one encoder's taps."""

    name: str
    build: Callable[[Sequence[GridShape]], Extractor]
    """From the taps' shapes, in the order written. Parameters are initialised from torch's global generator, which the
    harness seeds."""
    output_shape: Callable[[Sequence[GridShape]], GridShape]
    """Shape of the stream; raises ``CandidateError`` in one line where the taps cannot be joined."""
    taps: tuple[int, int | None] = (1, None)
    """Least and most taps; None is any number."""
    trainable: bool = False


@dataclass(frozen=True)
class EnhancerSpec:
    """Makes a stream spatially sharper."""

    name: str
    build: Callable[[GridShape], Enhancer]
    output_shape: Callable[[GridShape], GridShape]
    """Shape after enhancement; raises ``CandidateError`` in one line where the grid cannot be enhanced."""
    trainable: bool = False
    uses_image: bool = False
    """True where ``forward`` is also given the clip: ``forward(grid, clips)``."""
    claimed_params: int | None = None
    """Parameters that the source document claims at its own width, where there is one."""
    claimed_at: GridShape | None = None
    """Shape of the stream at which the document claims them."""
    source: str = ""


@dataclass(frozen=True)
class FusionSpec:
    """Joins one or more grids to one conditioning grid or token set."""

    name: str
    build: Callable[[Sequence[GridShape]], Fusion]
    output_shape: Callable[[Sequence[GridShape]], GridShape]
    """Shape of the result; raises ``CandidateError`` in one line where the streams cannot be fused."""
    streams: tuple[int, int | None] = (1, None)
    """Least and most streams; None is any number."""
    trainable: bool = False
    order_matters: bool = True
    claimed_params: int | None = None
    claimed_at: tuple[GridShape, ...] = ()
    """Shapes of the streams at which the source document claims ``claimed_params``."""
    source: str = ""
