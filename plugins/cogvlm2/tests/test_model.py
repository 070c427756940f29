"""Tensors of the published checkpoints: names, numbers and bytes, to the digit, on the meta device."""

from __future__ import annotations

from functools import cache

import pytest
import torch
from foresight_cogvlm2.blueprint import CogVLM2Blueprint
from foresight_cogvlm2.model import CogVLM2
from foresight_cogvlm2.presets import PRESETS, Size
from foresight_vlm_kit.counting import count

LAYER = [
    "input_layernorm.weight",
    "post_attention_layernorm.weight",
    "self_attn.rotary_emb.inv_freq",
    "self_attn.language_expert_query_key_value.weight",
    "self_attn.language_expert_dense.weight",
    "mlp.language_mlp.gate_proj.weight",
    "mlp.language_mlp.up_proj.weight",
    "mlp.language_mlp.down_proj.weight",
]
VISUAL_EXPERT = [
    "self_attn.vision_expert_query_key_value.weight",
    "self_attn.vision_expert_query_key_value.bias",
    "self_attn.vision_expert_dense.weight",
    "mlp.vision_mlp.gate_proj.weight",
    "mlp.vision_mlp.up_proj.weight",
    "mlp.vision_mlp.down_proj.weight",
]
BLOCK = ["attention.query_key_value", "attention.dense", "mlp.fc1", "mlp.fc2"]
BLOCK += ["input_layernorm", "post_attention_layernorm"]
VISION = ["boi", "eoi", "patch_embedding.cls_embedding", "patch_embedding.position_embedding.weight"]
VISION += ["patch_embedding.proj.weight", "patch_embedding.proj.bias", "conv.weight", "conv.bias"]
VISION += [f"linear_proj.{name}.weight" for name in ("linear_proj", "gate_proj", "dense_h_to_4h", "dense_4h_to_h")]
VISION += ["linear_proj.norm1.weight", "linear_proj.norm1.bias"]
VISION_PARAMS = {"cogvlm2_tiny": 232_896, "cogvlm2_video_tiny": 232_896}
VISION_PARAMS |= {"cogvlm2_video": 4_477_269_248, "cogvlm2_chat_19b": 4_493_325_568}
"""Of tower, convolution, GLU and the two tokens around a picture."""


@cache
def _model(name: str) -> CogVLM2:
    with torch.device("meta"):
        return CogVLM2({preset.name: preset for preset in PRESETS}[name].architecture)


def published_names(*, experts: bool) -> set[str]:
    """Every tensor of the weight index."""
    layer = LAYER + (VISUAL_EXPERT if experts else [])
    names = {"model.embed_tokens.weight", "lm_head.weight", "model.norm.weight"}
    names |= {f"model.layers.{index}.{name}" for index in range(32) for name in layer}
    names |= {f"model.vision.{name}" for name in VISION}
    blocks = [f"model.vision.transformer.layers.{index}.{name}" for index in range(63) for name in BLOCK]
    return names | {f"{block}.{kind}" for block in blocks for kind in ("weight", "bias")}


@pytest.mark.parametrize(
    ("name", "experts", "tensors", "total_bytes"),
    [("cogvlm2_chat_19b", True, 1221, 39_006_214_656), ("cogvlm2_video", False, 1029, 25_015_065_088)],
)
def test_names_and_bytes_are_those_of_the_published_index(
    name: str, experts: bool, tensors: int, total_bytes: int
) -> None:
    state = _model(name).state_dict()
    assert set(state) == published_names(experts=experts)
    assert len(state) == tensors
    assert 2 * sum(tensor.numel() for tensor in state.values()) == total_bytes


@pytest.mark.parametrize(
    ("name", "key", "shape"),
    [
        ("cogvlm2_chat_19b", "model.vision.patch_embedding.position_embedding.weight", (9217, 1792)),
        ("cogvlm2_video", "model.vision.patch_embedding.position_embedding.weight", (257, 1792)),
        ("cogvlm2_video", "model.vision.patch_embedding.cls_embedding", (1, 1792)),
        ("cogvlm2_video", "model.vision.boi", (1, 1, 4096)),
        ("cogvlm2_chat_19b", "model.layers.31.self_attn.vision_expert_query_key_value.bias", (6144,)),
        ("cogvlm2_chat_19b", "model.layers.0.self_attn.language_expert_query_key_value.weight", (6144, 4096)),
        ("cogvlm2_chat_19b", "model.layers.0.self_attn.rotary_emb.inv_freq", (64,)),
    ],
)
def test_shapes_are_those_of_the_published_tensors(name: str, key: str, shape: tuple[int, ...]) -> None:
    assert tuple(_model(name).state_dict()[key].shape) == shape


@pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.name)
def test_counts_are_the_declared_ones(preset: Size) -> None:
    model = _model(preset.name)
    assert count(model) == preset.params
    assert count(model.model.vision) == VISION_PARAMS[preset.name]


def test_tower_convolution_and_glu_of_the_chat_model_have_the_published_counts() -> None:
    vision = _model("cogvlm2_chat_19b").model.vision
    assert count(vision.patch_embedding) + count(vision.transformer) == 4_296_961_536
    assert count(vision.conv) == 12_846_848
    assert count(vision.linear_proj) == 183_508_992


def test_the_parts_that_the_encoder_builds_have_the_names_of_the_whole(preset: Size) -> None:
    whole = set(_model(preset.name).state_dict())
    blueprint = CogVLM2Blueprint(preset.architecture)
    with torch.device("meta"):
        vision = {f"model.vision.{name}" for name in blueprint.vision("sdpa").state_dict()}
        decoder = {f"model.{name}" for name in blueprint.language(4, "sdpa").state_dict()}
    assert vision | decoder == whole - {"lm_head.weight", "model.norm.weight"}


def test_building_on_meta_draws_no_normal_numbers(monkeypatch: pytest.MonkeyPatch, preset: Size) -> None:
    """Doing so imports torch's compiler, which takes longer than everything else about a tiny model."""

    def refuse(table: torch.nn.Embedding) -> None:
        raise AssertionError("an embedding was initialised")

    monkeypatch.setattr(torch.nn.Embedding, "reset_parameters", refuse)
    with torch.device("meta"):
        CogVLM2(preset.architecture)
