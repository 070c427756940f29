"""Specs of the built-in extractors, enhancers and fusions. Free of torch: ``build`` imports it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from foresight_harness.contracts.errors import CandidateError
from foresight_harness.contracts.specs.grid_shape import GridShape
from foresight_harness.contracts.specs.modules import EnhancerSpec, ExtractorSpec, FusionSpec
from foresight_harness.parts.grid_modules.shapes import (
    largest_grid,
    require_count,
    require_equal_frames,
    require_grids,
    require_resampling,
)

if TYPE_CHECKING:
    from foresight_harness.contracts.protocols import Enhancer, Extractor, Fusion

ONE = (1, 1)
ANY_NUMBER = (1, None)
SEVERAL = (2, None)


def extractor_specs() -> tuple[ExtractorSpec, ...]:
    """``tap``, ``concat`` and ``multi_scale``."""
    return (
        ExtractorSpec("tap", build=_build_tap, output_shape=_tap_shape, taps=ONE),
        ExtractorSpec("concat", build=_build_concat_extractor, output_shape=_concat_taps_shape, taps=ANY_NUMBER),
        ExtractorSpec(
            "multi_scale", build=_build_multi_scale, output_shape=_multi_scale_shape, taps=SEVERAL, trainable=True
        ),
    )


def enhancer_specs() -> tuple[EnhancerSpec, ...]:
    """``identity``; ``bilinear`` and ``nearest`` (twice the side), and both with ``_x4`` (four times)."""
    return (
        EnhancerSpec("identity", build=_build_identity, output_shape=_same_shape),
        *(
            EnhancerSpec(
                name,
                build=partial(_build_resampling, name, factor, mode),
                output_shape=partial(_larger_shape, name, factor),
            )
            for name, factor, mode in (
                ("bilinear", 2, "bilinear"),
                ("bilinear_x4", 4, "bilinear"),
                ("nearest", 2, "nearest"),
                ("nearest_x4", 4, "nearest"),
            )
        ),
    )


def fusion_specs() -> tuple[FusionSpec, ...]:
    """``single`` and ``concat``."""
    return (
        FusionSpec("single", build=_build_single, output_shape=_single_shape, streams=ONE, order_matters=False),
        FusionSpec("concat", build=_build_concat_fusion, output_shape=_concat_streams_shape, streams=ANY_NUMBER),
    )


def _build_tap(shapes: Sequence[GridShape]) -> Extractor:
    from foresight_harness.parts.grid_modules.extractors import TapExtractor

    _tap_shape(shapes)
    return TapExtractor()


def _build_concat_extractor(shapes: Sequence[GridShape]) -> Extractor:
    from foresight_harness.parts.grid_modules.extractors import ConcatExtractor

    _concat_taps_shape(shapes)
    return ConcatExtractor()


def _build_multi_scale(shapes: Sequence[GridShape]) -> Extractor:
    from foresight_harness.parts.grid_modules.extractors import MultiScaleExtractor

    _multi_scale_shape(shapes)
    return MultiScaleExtractor(taps=len(shapes))


def _build_identity(shape: GridShape) -> Enhancer:
    from foresight_harness.parts.grid_modules.enhancers import IdentityEnhancer

    return IdentityEnhancer()


def _build_resampling(name: str, factor: int, mode: str, shape: GridShape) -> Enhancer:
    from foresight_harness.parts.grid_modules.enhancers import ResamplingEnhancer

    _larger_shape(name, factor, shape)
    return ResamplingEnhancer(factor=factor, mode=mode)


def _build_single(shapes: Sequence[GridShape]) -> Fusion:
    from foresight_harness.parts.grid_modules.fusions import SingleFusion

    _single_shape(shapes)
    return SingleFusion()


def _build_concat_fusion(shapes: Sequence[GridShape]) -> Fusion:
    from foresight_harness.parts.grid_modules.fusions import ConcatFusion

    _concat_streams_shape(shapes)
    return ConcatFusion()


def _tap_shape(shapes: Sequence[GridShape]) -> GridShape:
    require_count("tap", shapes, ONE, "tap")
    return shapes[0]


def _concat_taps_shape(shapes: Sequence[GridShape]) -> GridShape:
    require_count("concat", shapes, ANY_NUMBER, "tap")
    _require_one_grid("concat", shapes)
    return replace(shapes[0], width=sum(shape.width for shape in shapes))


def _multi_scale_shape(shapes: Sequence[GridShape]) -> GridShape:
    require_count("multi_scale", shapes, SEVERAL, "tap")
    _require_one_grid("multi_scale", shapes)
    widths = [shape.width for shape in shapes]
    if len(set(widths)) > 1:
        raise CandidateError(f"multi_scale adds taps up, so their widths must agree, got {widths}. Use concat.")
    return shapes[0]


def _require_one_grid(name: str, shapes: Sequence[GridShape]) -> None:
    require_grids(name, shapes)
    require_equal_frames(name, shapes)
    sizes = [f"{shape.rows}x{shape.cols}" for shape in shapes]
    if len(set(sizes)) > 1:
        raise CandidateError(
            f"{name} needs taps on one grid, got {', '.join(sizes)}. Make them two streams (encoder@a+encoder@b)."
        )


def _same_shape(shape: GridShape) -> GridShape:
    return shape


def _larger_shape(name: str, factor: int, shape: GridShape) -> GridShape:
    require_grids(name, [shape])
    return replace(shape, rows=factor * shape.rows, cols=factor * shape.cols)


def _single_shape(shapes: Sequence[GridShape]) -> GridShape:
    require_count("single", shapes, ONE, "stream")
    return shapes[0]


def _concat_streams_shape(shapes: Sequence[GridShape]) -> GridShape:
    require_count("concat", shapes, ANY_NUMBER, "stream")
    require_grids("concat", shapes)
    require_equal_frames("concat", shapes)
    target = largest_grid(shapes)
    require_resampling("concat", shapes, target)
    return replace(target, width=sum(shape.width for shape in shapes))
