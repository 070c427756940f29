"""From a preset and a request to an encoder."""

from __future__ import annotations

from foresight_harness import BuildRequest, UsageError
from foresight_harness.weights import checkpoint_folder, resolve_attention

from foresight_cogvlm2.architecture import ATTENTION
from foresight_cogvlm2.encoder import CogVLM2Encoder
from foresight_cogvlm2.preprocessing import check_input_px
from foresight_cogvlm2.presets import Preset
from foresight_cogvlm2.published import open_folder
from foresight_cogvlm2.weights import Checkpoint, RandomWeights, Weights


def build_encoder(preset: Preset, request: BuildRequest) -> CogVLM2Encoder:
    """Build one model as asked.

    Raises:
        CheckpointError: if pretrained weights cannot be used.
        UsageError: if the memory does not hold it, or attention, side or kind of weights cannot be had.
    """
    attention = resolve_attention(request.attention, ATTENTION, request.device, request.dtype)
    architecture = preset.architecture
    input_px = request.input_px or architecture.vision.image_size
    check_input_px(preset.name, input_px, architecture)
    weights: Weights
    if request.weights == "random":
        weights = RandomWeights(request.seed, architecture)
    elif request.weights == "pretrained":
        folder = checkpoint_folder(request.source, preset.repo, None)
        architecture = open_folder(folder, preset)
        weights = Checkpoint(folder, architecture)
    else:
        raise UsageError(f"{preset.name} has no {request.weights} weights; use --weights pretrained or random")
    return CogVLM2Encoder(
        preset.name,
        architecture,
        weights,
        device=request.device,
        dtype=request.dtype,
        attention=attention,
        input_px=input_px,
        taps=request.taps,
    )
