"""The native transformers classes of one architecture, on the meta device, and how they get their values."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from foresight_internvl2.architecture import Architecture


class Vision(nn.Module):
    """Vision tower and projector, under the names of ``InternVLModel``; the language model is not part of it."""

    def __init__(self, architecture: Architecture, attention: str) -> None:
        super().__init__()
        from transformers.models.internvl.modeling_internvl import InternVLMultiModalProjector

        config = native_config(architecture)
        self.vision_tower = _from_config("InternVLVisionModel", config.vision_config, attention)
        self.multi_modal_projector = InternVLMultiModalProjector(config)


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


def vision_on_meta(architecture: Architecture, attention: str) -> Vision:
    """Tower and projector without values."""
    with torch.device("meta"):
        return Vision(architecture, attention).eval().requires_grad_(False)


def language_on_meta(architecture: Architecture, layers: int, attention: str) -> nn.Module:
    """The first layers of the language model without values and without the final norm.

    The norm is left out so that the last state is the raw residual state, as at every other layer.
    """
    name = "Qwen2Model" if architecture.text["model_type"] == "qwen2" else "LlamaModel"
    with torch.device("meta"):
        module = _from_config(name, text_config(architecture, layers), attention)
        module.norm = nn.Identity()
    return module.eval().requires_grad_(False)


def _from_config(class_name: str, config: Any, attention: str) -> nn.Module:
    """A transformers model of that class. It writes its attention into the configuration, hence the copy."""
    import transformers

    model: nn.Module = getattr(transformers, class_name)._from_config(
        copy.deepcopy(config), attn_implementation=attention
    )
    return model


def count(module: nn.Module) -> int:
    """Parameters of a module, on the meta device or not."""
    return sum(parameter.numel() for parameter in module.parameters())


def materialise(module: nn.Module, tensors: Mapping[str, Tensor], device: str) -> None:
    """Give a module from the meta device its values, in place. ``tensors`` hold exactly its state dict."""
    module.load_state_dict(tensors, strict=True, assign=True)
    module.requires_grad_(False)
    rotary = getattr(module, "rotary_emb", None)
    if isinstance(rotary, nn.Module):
        # Its frequencies are in no checkpoint; computed on the meta device they have no values.
        module.rotary_emb = type(rotary)(config=module.config).to(device)
    empty = [name for name, value in (*module.named_parameters(), *module.named_buffers()) if value.is_meta]
    if empty:
        raise RuntimeError(f"{type(module).__name__}: {empty[0]} has no value ({len(empty)} in all)")
