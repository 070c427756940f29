"""Where the parts of Qwen2.5-VL are found in the transformers library and in published checkpoints."""

from __future__ import annotations

from foresight_vlm_kit.library import LibraryModel, config_of
from foresight_vlm_kit.origin import Origin

from foresight_qwen2_5_vl.presets import Size

SHAPES = {
    "vision_config": ("depth", "hidden_size", "out_hidden_size", "patch_size", "spatial_merge_size", "window_size"),
    "text_config": ("num_hidden_layers", "hidden_size"),
}
"""What a checkpoint must share with the size that was asked for, so that the declared taps hold."""


def library_model(preset: Size, origin: Origin) -> LibraryModel:
    """The tower is built with its merger. Raises: CheckpointError if the checkpoint is of another size."""
    from transformers.models.qwen2_5_vl import modeling_qwen2_5_vl as modeling
    from transformers.models.qwen2_5_vl.configuration_qwen2_5_vl import Qwen2_5_VLConfig

    return LibraryModel(
        config=config_of(Qwen2_5_VLConfig, preset.config, origin, SHAPES),
        origin=origin,
        whole=modeling.Qwen2_5_VLModel,
        tower=modeling.Qwen2_5_VisionTransformerPretrainedModel,
        text=modeling.Qwen2_5_VLTextModel,
        tower_name="visual",
        tower_keys=r"^(model\.)?visual\.",
        text_keys=r"^model\.(language_model\.)?",
        not_tower=(r"^model\.", r"^lm_head"),
        not_text=(r"^visual\.",),
        unused=("visual",),
    )
