"""What the controls offer. No torch here."""

from __future__ import annotations

from dataclasses import replace

from foresight_harness.protocols import Encoder
from foresight_harness.specs import BuildRequest, EncoderSpec, TapSpec

PATCH_PX = 14
"""The grid of the ViTs under test: 16x16 tokens of a 224 px picture."""
INPUT_PX = 224


def control_specs() -> tuple[EncoderSpec, ...]:
    """``pixels``, ``constant`` (floors), ``oracle`` (ceiling), ``shuffled``, ``window_order`` (*where* destroyed)."""
    shared = {"input_px": INPUT_PX, "family": "control", "weights": ("random",), "size": "tiny", "params": 0}
    resize = {"resize": "squash", "interpolation": "bilinear, antialiased"}
    pixels = EncoderSpec(
        name="pixels",
        build=_build_pixels,
        taps=(TapSpec("patch", width=3 * PATCH_PX**2, stride_px=PATCH_PX),),
        default_tap="patch",
        role="floor",
        preprocessing=resize,
        **shared,  # type: ignore[arg-type]
    )
    constant = EncoderSpec(
        name="constant",
        build=_build_constant,
        taps=(TapSpec("patch", width=8, stride_px=PATCH_PX),),
        default_tap="patch",
        role="floor",
        **shared,  # type: ignore[arg-type]
    )
    oracle = EncoderSpec(
        name="oracle",
        build=_build_oracle,
        taps=(TapSpec("mask", width=1, stride_px=PATCH_PX),),
        default_tap="mask",
        role="ceiling",
        inputs="masks",
        preprocessing={"resize": "squash", "interpolation": "area"},
        **shared,  # type: ignore[arg-type]
    )
    return (pixels, constant, oracle, shuffled_spec(pixels), window_order_spec(pixels))


def shuffled_spec(base: EncoderSpec) -> EncoderSpec:
    """The tokens of ``base`` in random places, permuted anew in every picture, at no forward of its own.

    ``shuffled`` alone shuffles ``pixels``; ``shuffled:NAME`` (see ``Registry.encoder``) any other encoder.
    """
    return replace(
        base,
        name="shuffled",
        build=_build_shuffled,
        role="floor",
        inputs="grids",
        derives_from=base.name,
        family="control",
    )


def window_order_spec(base: EncoderSpec) -> EncoderSpec:
    """The tokens of ``base`` in Qwen2.5-VL's window order, taken for raster order: the research documents' slip.

    ``window_order`` alone scrambles ``pixels``; ``window_order:NAME`` any other encoder. Meant for grids of patches
    before the 2 x 2 merging; the published model puts merged tokens back into raster order by itself.
    """
    return replace(
        base,
        name="window_order",
        build=_build_window_order,
        role="floor",
        inputs="grids",
        derives_from=base.name,
        family="control",
    )


def _build_pixels(request: BuildRequest) -> Encoder:
    from foresight_harness.controls.encoders import Pixels

    return Pixels(PATCH_PX, request.input_px or INPUT_PX)


def _build_constant(request: BuildRequest) -> Encoder:
    from foresight_harness.controls.encoders import Constant

    return Constant(PATCH_PX, request.input_px or INPUT_PX)


def _build_oracle(request: BuildRequest) -> Encoder:
    from foresight_harness.controls.encoders import Oracle

    return Oracle(PATCH_PX, request.input_px or INPUT_PX)


def _build_shuffled(request: BuildRequest) -> Encoder:
    from foresight_harness.controls.encoders import Shuffled

    return Shuffled(request.seed)


def _build_window_order(request: BuildRequest) -> Encoder:
    from foresight_harness.controls.window_order import WindowOrder

    return WindowOrder()
