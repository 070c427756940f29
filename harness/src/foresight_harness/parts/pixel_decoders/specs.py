"""The built-in pixel decoders. No torch here."""

from __future__ import annotations

from dataclasses import replace

from foresight_harness.contracts.protocols import Decoder
from foresight_harness.contracts.specs import BuildRequest, DecoderSpec, LatentSpace

LINEAR_STRIDE_PX = 8
CONV_STRIDE_PX = 4

ADAPTER_BUDGETS = {f"adapter_{millions}m": millions * 1_000_000 for millions in (1, 5, 10, 50)}
"""Parameters of the adapters of claim 1's ablation (E1.6)."""


def decoder_specs() -> tuple[DecoderSpec, ...]:
    """``linear``: per-token linear map to the token's pixels (experiment E1.2). ``conv``: a small trained network.

    ``adapter_1m`` to ``adapter_50m``: ``linear``'s pixels behind a trained adapter of that size; with
    ``adapter_5m:NAME`` (see ``Registry.decoder``) any other decoder's latents. ``averaged``, likewise: a linear map of
    each latent cell's mean token, which does not know where in the cell a token was.
    """
    linear = DecoderSpec(
        name="linear",
        build=_build_linear,
        latent_space=LatentSpace(channels=3 * LINEAR_STRIDE_PX**2, stride_px=LINEAR_STRIDE_PX),
        adapter="linear",
        family="pixels",
        params=0,
        weights=("random",),
        size="tiny",
        weightless=True,
    )
    return (
        linear,
        replace(linear, name="averaged", adapter_cells="averaged", derives_from=linear.name),
        *(
            replace(linear, name=name, adapter="budget", adapter_params=budget, derives_from=linear.name)
            for name, budget in ADAPTER_BUDGETS.items()
        ),
        DecoderSpec(
            name="conv",
            build=_build_conv,
            latent_space=LatentSpace(channels=3 * CONV_STRIDE_PX**2, stride_px=CONV_STRIDE_PX),
            adapter="conv",
            family="pixels",
            params=0,
            weights=("random",),
            size="tiny",
            weightless=True,
        ),
    )


def _build_linear(request: BuildRequest) -> Decoder:
    from foresight_harness.parts.pixel_decoders.pixels import PixelSpace

    return PixelSpace(LINEAR_STRIDE_PX)


def _build_conv(request: BuildRequest) -> Decoder:
    from foresight_harness.parts.pixel_decoders.pixels import PixelSpace

    return PixelSpace(CONV_STRIDE_PX)
