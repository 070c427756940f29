"""Builds one size of InternVL2 from a seed or a checkpoint, to read as one of ``presets.VIEWS``."""

from __future__ import annotations

from collections.abc import Mapping

from foresight_harness import BuildRequest
from foresight_vlm_kit.origin import origin_of
from foresight_vlm_kit.presets import squashed

from foresight_internvl2.architecture import MEAN, STD
from foresight_internvl2.blueprint import InternVL2Blueprint
from foresight_internvl2.encoder import InternVL2Encoder
from foresight_internvl2.presets import Size
from foresight_internvl2.published import open_checkpoint
from foresight_internvl2.views import ChatEncoder, TilesEncoder, VideoEncoder

_ENCODERS: Mapping[str, type[InternVL2Encoder]] = {
    "": InternVL2Encoder,
    "chat": ChatEncoder,
    "tiles": TilesEncoder,
    "video": VideoEncoder,
}


def build_encoder(preset: Size, request: BuildRequest, *, view: str = "") -> InternVL2Encoder:
    """Build one size as asked; ``view`` is a key of ``presets.VIEWS``, empty for one tile behind no words.

    Raises:
        CheckpointError: if pretrained weights cannot be used.
        UsageError: if the memory does not hold it, or attention, side or kind of weights cannot be had.
    """
    kinds = ["internvl_chat", "internvl"]
    colours = squashed(preset.architecture.image_px, MEAN, STD)
    origin = origin_of(
        preset, request, model_types=kinds, native=kinds[:1], expected="InternVL2", preprocessing=colours
    )
    blueprint = InternVL2Blueprint("internvl", preset.architecture)
    if origin.folder is not None:
        blueprint = InternVL2Blueprint(*open_checkpoint(origin, preset.architecture))
    return _ENCODERS[view](preset, origin, blueprint, request)
