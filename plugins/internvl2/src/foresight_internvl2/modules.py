"""The native transformers classes of one architecture; the encoder lays them on the meta device first."""

from __future__ import annotations

import copy
from typing import Any

from torch import nn

from foresight_internvl2.architecture import Architecture


class Vision(nn.Module):
    """Vision tower and projector, under the names of ``InternVLModel``; the language model is not part of it."""

    def __init__(self, architecture: Architecture, attention: str) -> None:
        super().__init__()
        from transformers.models.internvl.modeling_internvl import InternVLMultiModalProjector

        config = native_config(architecture)
        self.vision_tower = _from_config("InternVLVisionModel", config.vision_config, attention)
        self.multi_modal_projector = InternVLMultiModalProjector(config)


def language_model(architecture: Architecture, layers: int, attention: str) -> nn.Module:
    """The first layers of the language model without the final norm.

    The norm is left out so that the last state is the raw residual state, as at every other layer.
    """
    name = "Qwen2Model" if architecture.text["model_type"] == "qwen2" else "LlamaModel"
    module = _from_config(name, text_config(architecture, layers), attention)
    module.norm = nn.Identity()
    return module


def whole_model(architecture: Architecture) -> nn.Module:
    """The library's complete model, language head included: what parameters are counted with."""
    return _from_config("InternVLForConditionalGeneration", native_config(architecture), "sdpa")


def native_config(architecture: Architecture) -> Any:
    """The architecture as an ``InternVLConfig``. Embeddings are not tied, against the library's default."""
    from transformers import InternVLConfig, InternVLVisionConfig

    cells = architecture.image_px // architecture.patch_px
    return InternVLConfig(
        vision_config=InternVLVisionConfig(**architecture.vision),
        text_config=text_config(architecture),
        image_seq_length=(cells // 2) ** 2,
        tie_word_embeddings=False,
    )


def text_config(architecture: Architecture, layers: int | None = None) -> Any:
    """Configuration of the language model, of all layers or of the first ones. InternLM2 computes as Llama does."""
    fields = {name: value for name, value in architecture.text.items() if name != "model_type"}
    fields["rope_parameters"] = dict(fields["rope_parameters"])
    if layers is not None:
        fields["num_hidden_layers"] = layers
    if architecture.text["model_type"] == "qwen2":
        from transformers import Qwen2Config

        return Qwen2Config(**fields, use_sliding_window=False, tie_word_embeddings=False)
    from transformers import LlamaConfig

    return LlamaConfig(**fields, tie_word_embeddings=False)


def _from_config(class_name: str, config: Any, attention: str) -> nn.Module:
    """A transformers model of that class. It writes its attention into the configuration, hence the copy."""
    import transformers

    model_class = getattr(transformers, class_name)
    model: nn.Module = model_class._from_config(copy.deepcopy(config), attn_implementation=attention)
    return model
