"""Where the parts of LLaVA-NeXT are found in the transformers library and in published checkpoints."""

from __future__ import annotations

from typing import Any

import torch
from foresight_harness.parts.weights.seeding import fill_parameters
from foresight_harness.weights import differing, read_tensors, require_complete
from foresight_vlm_kit.library import LibraryModel, config_of
from foresight_vlm_kit.origin import Origin
from torch import nn

from foresight_llava_next.presets import Size

SHAPES = {
    "vision_config": ("model_type", "num_hidden_layers", "hidden_size", "patch_size", "image_size"),
    "text_config": ("model_type", "num_hidden_layers", "hidden_size"),
    "": ("vision_feature_layer", "vision_feature_select_strategy"),
}
"""What a checkpoint must share with the size that was asked for, so that the declared taps hold."""

VIDEO_SHAPES = {**SHAPES, "": (*SHAPES[""], "spatial_pool_mode", "spatial_pool_stride")}

CONNECTOR = (r"^multi_modal_projector\.", r"^image_newline$")


def library_model(preset: Size, origin: Origin) -> LibraryModel:
    """All but the connector. Raises: CheckpointError if the checkpoint is of another size or kind."""
    from transformers.models.llava_next.configuration_llava_next import LlavaNextConfig
    from transformers.models.llava_next.modeling_llava_next import LlavaNextModel

    return _parts(config_of(LlavaNextConfig, preset.config, origin, SHAPES), origin, LlavaNextModel)


def library_video_model(preset: Size, origin: Origin) -> LibraryModel:
    """The same of LLaVA-NeXT-Video, whose names in checkpoints are those of LLaVA-NeXT. Raises: CheckpointError."""
    from transformers.models.llava_next_video.configuration_llava_next_video import LlavaNextVideoConfig
    from transformers.models.llava_next_video.modeling_llava_next_video import LlavaNextVideoModel

    config = config_of(LlavaNextVideoConfig, preset.config, origin, VIDEO_SHAPES)
    return _parts(config, origin, LlavaNextVideoModel, "vision_resampler")


def _parts(config: Any, origin: Origin, whole: Any, *unused: str) -> LibraryModel:
    from transformers.models.clip.modeling_clip import CLIPVisionModel
    from transformers.models.llama.modeling_llama import LlamaModel
    from transformers.models.mistral.modeling_mistral import MistralModel

    return LibraryModel(
        config=config,
        origin=origin,
        whole=whole,
        tower=CLIPVisionModel,
        text=MistralModel if config.text_config.model_type == "mistral" else LlamaModel,
        tower_name="vision_tower",
        tower_keys=r"^vision_tower\.(vision_model\.)?",
        text_keys=r"^language_model\.(model\.)?",
        not_tower=(r"^language_model\.", *CONNECTOR, r"^embeddings\.position_ids$"),
        not_text=(r"^vision_tower\.", *CONNECTOR),
        unused=("vision_tower", "multi_modal_projector", *unused),
    )


class Connector(nn.Module):
    """What lies between tower and language model: the projector, and the learned end of a row."""

    def __init__(self, config: Any) -> None:
        """Construct without values; ``build_connector`` fills it."""
        from transformers.models.llava_next.modeling_llava_next import LlavaNextMultiModalProjector
        from transformers.models.llava_next_video.modeling_llava_next_video import LlavaNextVideoMultiModalProjector

        super().__init__()
        video = config.model_type == "llava_next_video"
        projector: Any = LlavaNextVideoMultiModalProjector if video else LlavaNextMultiModalProjector
        self.multi_modal_projector: nn.Module = projector(config)
        self.image_newline = nn.Parameter(torch.empty(config.text_config.hidden_size))


def build_connector(config: Any, origin: Origin) -> Connector:
    """Projector and end of row. Raises: CheckpointError if a tensor is missing, unexpected or of another shape."""
    with torch.device("meta"):
        connector = Connector(config)
    connector = connector.to(origin.torch_dtype).to_empty(device="cpu")
    if origin.folder is None:
        fill_parameters(connector, origin.seed, "connector")
    else:
        own, prefixes = connector.state_dict(), ("multi_modal_projector.", "image_newline")
        tensors = dict(read_tensors(origin.folder, lambda name: name.startswith(prefixes)))
        require_complete(
            origin.folder,
            missing=own.keys() - tensors.keys(),
            unexpected=tensors.keys() - own.keys(),
            mismatched=differing(tensors, own),
        )
        connector.load_state_dict(tensors)
    return connector.to(origin.device).eval().requires_grad_(False)
