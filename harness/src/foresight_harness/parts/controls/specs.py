"""What the controls offer. No torch here."""

from __future__ import annotations

from foresight_harness.contracts.protocols import Encoder
from foresight_harness.contracts.specs import BuildRequest, EncoderSpec, TapSpec
from foresight_harness.parts.controls.variants import variant_specs

PATCH_PX = 14
"""The grid of the ViTs under test: 16x16 tokens of a 224 px picture."""
INPUT_PX = 224


def control_specs() -> tuple[EncoderSpec, ...]:
    """``pixels``, ``constant`` (floors), ``oracle`` (ceiling), and the variants of any encoder over ``pixels``."""
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
        taps=(TapSpec("mask", width=1, stride_px=PATCH_PX), TapSpec("scene", width=4, stride_px=PATCH_PX)),
        default_tap="mask",
        role="ceiling",
        inputs="masks",
        preprocessing={"resize": "squash", "interpolation": "area"},
        **shared,  # type: ignore[arg-type]
    )
    return (pixels, constant, oracle, *variant_specs(pixels))


def _build_pixels(request: BuildRequest) -> Encoder:
    from foresight_harness.parts.controls.encoders import Pixels

    return Pixels(PATCH_PX, request.input_px or INPUT_PX)


def _build_constant(request: BuildRequest) -> Encoder:
    from foresight_harness.parts.controls.encoders import Constant

    return Constant(PATCH_PX, request.input_px or INPUT_PX)


def _build_oracle(request: BuildRequest) -> Encoder:
    from foresight_harness.parts.controls.encoders import Oracle

    return Oracle(PATCH_PX, request.input_px or INPUT_PX)
