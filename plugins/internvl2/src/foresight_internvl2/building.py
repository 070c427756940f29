"""From a preset and a request to an encoder."""

from __future__ import annotations

from foresight_harness import BuildRequest, UsageError
from foresight_harness.weights import checkpoint_folder, resolve_attention

from foresight_internvl2.architecture import ATTENTION
from foresight_internvl2.encoder import InternVL2Encoder
from foresight_internvl2.preprocessing import check_input_px
from foresight_internvl2.presets import Preset
from foresight_internvl2.published import open_folder
from foresight_internvl2.weights import Checkpoint, RandomWeights, Weights


def build_encoder(preset: Preset, request: BuildRequest) -> InternVL2Encoder:
    """Build one size as asked.

    Raises:
        CheckpointError: if pretrained weights cannot be used.
        UsageError: if the memory does not hold it, or attention, side or kind of weights cannot be had.
    """
    attention = resolve_attention(request.attention, ATTENTION, request.device, request.dtype)
    input_px = request.input_px or preset.architecture.image_px
    check_input_px(preset.name, input_px, preset.architecture)
    architecture = preset.architecture
    weights: Weights
    if request.weights == "random":
        weights = RandomWeights(request.seed)
    elif request.weights == "pretrained":
        folder = checkpoint_folder(request.source, preset.repo, None)
        layout, architecture = open_folder(folder, preset.architecture, preset.name)
        weights = Checkpoint(folder, layout, architecture)
    else:
        raise UsageError(f"{preset.name} has no {request.weights} weights; use --weights pretrained or random")
    return InternVL2Encoder(
        preset.name,
        architecture,
        weights,
        device=request.device,
        dtype=request.dtype,
        attention=attention,
        input_px=input_px,
        taps=request.taps,
    )
