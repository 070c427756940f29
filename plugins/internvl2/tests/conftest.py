"""A native model as the reference, and checkpoints of it as OpenGVLab publishes them."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from foresight_harness import EncoderSpec
from foresight_internvl2 import spec_of
from foresight_internvl2.architecture import Architecture
from foresight_internvl2.modules import native_config
from foresight_internvl2.presets import PRESETS
from foresight_vlm_kit import testing
from foresight_vlm_kit.testing import one_thread  # noqa: F401 - a fixture for every test here
from torch import Tensor

TINY = PRESETS[0].architecture
PREPROCESSOR = {
    "crop_size": 448,
    "do_center_crop": True,
    "do_normalize": True,
    "do_resize": True,
    "feature_extractor_type": "CLIPFeatureExtractor",
    "image_mean": [0.485, 0.456, 0.406],
    "image_std": [0.229, 0.224, 0.225],
    "resample": 3,
    "size": 448,
}
VISION_6B = {"norm_type": "rms_norm", "attention_bias": False, "use_qk_norm": True}


@pytest.fixture
def spec() -> EncoderSpec:
    """The tiny encoder."""
    return spec_of(PRESETS[0])


@pytest.fixture(scope="session")
def architecture_of() -> Callable[..., Architecture]:
    """Tiny architectures: any language model, tower of the 300M or of the 6B kind."""

    def make(family: str, *, big_tower: bool = False) -> Architecture:
        vision = {**TINY.vision, **(VISION_6B if big_tower else {})}
        return replace(TINY, vision=vision, text={**TINY.text, "model_type": family})

    return make


@pytest.fixture(scope="session")
def native_model() -> Callable[[Architecture], Any]:
    """The library's whole model with values that differ in every tensor."""

    def make(architecture: Architecture) -> Any:
        from transformers import InternVLForConditionalGeneration

        with torch.random.fork_rng():
            torch.manual_seed(7)
            model: Any = InternVLForConditionalGeneration(native_config(architecture))
            model.eval().requires_grad_(False)
            for parameter in model.parameters():
                parameter.add_(torch.randn_like(parameter), alpha=0.1)
        return model

    return make


@pytest.fixture(scope="session")
def reference() -> Callable[..., dict[str, Tensor]]:
    """Every tap, computed by the library's own forward passes. [N, cells, C]"""

    @torch.no_grad()
    def compute(model: Any, pixels: Tensor, prefix_ids: tuple[int, ...]) -> dict[str, Tensor]:
        vision = model.model.get_image_features(pixels, output_hidden_states=True)
        taps = {"patch_embed": model.model.vision_tower.embeddings.patch_embeddings(pixels)}
        for index, state in enumerate(vision.hidden_states[1:]):
            taps[f"block.{index:02d}"] = state[:, 1:]
        taps["pre_shuffle"] = vision.last_hidden_state[:, 1:]
        taps["post_projector"] = vision.pooler_output
        language = model.model.language_model
        prefix = language.embed_tokens(torch.tensor(prefix_ids)).expand(len(pixels), -1, -1)
        last: list[Tensor] = []
        handle = language.layers[-1].register_forward_hook(
            lambda module, args, output: last.append(output[0] if isinstance(output, tuple) else output)
        )
        states = language(
            inputs_embeds=torch.cat([prefix, vision.pooler_output], 1), output_hidden_states=True, use_cache=False
        ).hidden_states
        handle.remove()
        for depth, state in enumerate([*states[1:-1], last[0]], start=1):
            taps[f"llm.{depth:02d}"] = state[:, len(prefix_ids) :]
        return taps

    return compute


@pytest.fixture
def write_checkpoint(tmp_path: Path, architecture_of: Any, native_model: Any) -> Callable[..., Path]:
    """Write a model, the tiny one if none is given, in the ``internvl_chat`` layout."""

    def write(change: Any = None, architecture: Any = None, model: Any = None, **config: Any) -> Path:
        architecture = architecture or architecture_of("internlm2")
        tensors = chat_tensors(model or native_model(architecture), architecture)
        folder = testing.write_checkpoint(tmp_path / "tiny", tensors, chat_config(architecture), change, config)
        (folder / "preprocessor_config.json").write_text(json.dumps(PREPROCESSOR))
        (folder / "added_tokens.json").write_text(json.dumps({"<img>": 240, "</img>": 241, "<IMG_CONTEXT>": 242}))
        return folder

    return write


def chat_config(architecture: Architecture) -> dict[str, Any]:
    """The published config.json of that architecture."""
    vision, text = dict(architecture.vision), dict(architecture.text)
    rope = text.pop("rope_parameters")
    family = text["model_type"]
    classes = {"internlm2": "InternLM2ForCausalLM", "qwen2": "Qwen2ForCausalLM", "llama": "LlamaForCausalLM"}
    code = {
        "AutoConfig": "configuration_internvl_chat.InternVLChatConfig",
        "AutoModel": "modeling_internvl_chat.InternVLChatModel",
        "AutoModelForCausalLM": "modeling_internvl_chat.InternVLChatModel",
    }
    return {
        "architectures": ["InternVLChatModel"],
        "auto_map": code,
        "downsample_ratio": 0.5,
        "dynamic_image_size": True,
        "force_image_size": vision["image_size"],
        "llm_config": {
            **text,
            "architectures": [classes.get(family, "OtherForCausalLM")],
            "hidden_act": "silu",
            "rope_theta": rope["rope_theta"],
            "rope_scaling": {"factor": 2.0, "type": "dynamic"} if family == "internlm2" else None,
            "tie_word_embeddings": False,
            "torch_dtype": "bfloat16",
        },
        "max_dynamic_patch": 12,
        "min_dynamic_patch": 1,
        "model_type": "internvl_chat",
        "ps_version": "v2",
        "select_layer": -1,
        "template": "internlm2-chat",
        "torch_dtype": "bfloat16",
        "use_thumbnail": True,
        "vision_config": {
            "architectures": ["InternVisionModel"],
            "attention_dropout": 0.0,
            "drop_path_rate": 0.1,
            "dropout": 0.0,
            "hidden_act": vision["hidden_act"],
            "hidden_size": vision["hidden_size"],
            "image_size": vision["image_size"],
            "intermediate_size": vision["intermediate_size"],
            "layer_norm_eps": vision["layer_norm_eps"],
            "model_type": "intern_vit_6b",
            "norm_type": vision["norm_type"],
            "num_attention_heads": vision["num_attention_heads"],
            "num_hidden_layers": vision["num_hidden_layers"],
            "patch_size": vision["patch_size"],
            "qk_normalization": vision["use_qk_norm"],
            "qkv_bias": vision["attention_bias"],
            "use_flash_attn": True,
        },
    }


TOWER_KEYS = {
    "embeddings.cls_token": "embeddings.class_embedding",
    "embeddings.position_embeddings": "embeddings.position_embedding",
    "embeddings.patch_embeddings.projection": "embeddings.patch_embedding",
    "encoder.layer": "encoder.layers",
    "lambda_1": "ls1",
    "lambda_2": "ls2",
    "layernorm_before": "norm1",
    "layernorm_after": "norm2",
    "attention.projection_layer": "attn.proj",
    "attention.q_norm": "attn.q_norm",
    "attention.k_norm": "attn.k_norm",
}
INTERNLM2_KEYS = {
    "embed_tokens": "tok_embeddings",
    "self_attn.o_proj": "attention.wo",
    "mlp.gate_proj": "feed_forward.w1",
    "mlp.down_proj": "feed_forward.w2",
    "mlp.up_proj": "feed_forward.w3",
    "input_layernorm": "attention_norm",
    "post_attention_layernorm": "ffn_norm",
}


def chat_tensors(model: Any, architecture: Architecture) -> dict[str, Tensor]:
    """The model's state under published names, written out apart from the plugin's own map."""
    internlm2 = architecture.text["model_type"] == "internlm2"
    out: dict[str, Tensor] = {}
    for name, tensor in model.model.vision_tower.state_dict().items():
        if ".q_proj." in name:
            parts = [model.model.vision_tower.get_parameter(name.replace("q_proj", f"{x}_proj")) for x in "qkv"]
            out["vision_model." + _rename(name, TOWER_KEYS).replace("attention.q_proj", "attn.qkv")] = torch.cat(parts)
        elif ".k_proj." not in name and ".v_proj." not in name:
            out["vision_model." + _rename(name, TOWER_KEYS)] = tensor
    for ours, theirs in (("layer_norm", "0"), ("linear_1", "1"), ("linear_2", "3")):
        for kind in ("weight", "bias"):
            out[f"mlp1.{theirs}.{kind}"] = model.model.multi_modal_projector.get_parameter(f"{ours}.{kind}").data
    for name, tensor in model.model.language_model.state_dict().items():
        if not internlm2:
            out["language_model.model." + name] = tensor
        elif ".q_proj." in name:
            layer = name.split(".self_attn")[0]
            out[f"language_model.model.{layer}.attention.wqkv.weight"] = _fuse(model, layer, architecture)
        elif ".k_proj." not in name and ".v_proj." not in name:
            out["language_model.model." + _rename(name, INTERNLM2_KEYS)] = tensor
    out["language_model.output.weight" if internlm2 else "language_model.lm_head.weight"] = model.lm_head.weight.data
    return out


def _fuse(model: Any, layer: str, architecture: Architecture) -> Tensor:
    """Head by head: for each key head its query heads, then the key, then the value."""
    text = architecture.text
    attention = model.model.language_model.get_submodule(layer).self_attn
    heads, kv_heads = text["num_attention_heads"], text["num_key_value_heads"]
    size = text["hidden_size"] // heads
    query, key, value = (
        list(projection.weight.data.split(size))
        for projection in (attention.q_proj, attention.k_proj, attention.v_proj)
    )
    rows: list[Tensor] = []
    for group in range(kv_heads):
        rows += query[group * (heads // kv_heads) : (group + 1) * (heads // kv_heads)]
        rows += [key[group], value[group]]
    return torch.cat(rows)


def _rename(name: str, keys: dict[str, str]) -> str:
    for ours, theirs in keys.items():
        name = name.replace(ours, theirs)
    return name
