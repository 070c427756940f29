"""Published names and fused projections, by hand."""

from __future__ import annotations

import pytest
import torch
from foresight_harness import CheckpointError
from foresight_internvl2.blueprint import InternVL2Blueprint, split_wqkv
from foresight_internvl2.presets import PRESETS

TINY = PRESETS[0].architecture
"""96 wide, 4 query heads and 2 key heads of width 24."""

CHAT, NATIVE = InternVL2Blueprint("internvl_chat", TINY), InternVL2Blueprint("internvl", TINY)


def test_wqkv_holds_for_each_key_head_its_query_heads_then_key_then_value() -> None:
    order = ["q0", "q1", "k0", "v0", "q2", "q3", "k1", "v1"]
    fused = torch.cat([torch.full((24, 96), float(number)) for number in range(len(order))])
    query, key, value = split_wqkv(fused, TINY)
    assert query[::24, 0].tolist() == [0, 1, 4, 5]
    assert key[::24, 0].tolist() == [2, 6]
    assert value[::24, 0].tolist() == [3, 7]


def test_a_wqkv_of_another_model_is_refused() -> None:
    with pytest.raises(CheckpointError, match="does not hold 4 query and 2 key heads of width 24"):
        split_wqkv(torch.zeros(96, 96), TINY)


def test_the_towers_fused_projection_is_split_in_three() -> None:
    fused = torch.arange(192.0)
    pieces = dict(CHAT.native("vision", "vision_tower.encoder.layers.3.attn.qkv.bias", fused))
    assert list(pieces) == [f"vision_tower.encoder.layer.3.attention.{letter}_proj.bias" for letter in "qkv"]
    assert torch.equal(torch.cat(list(pieces.values())), fused)


@pytest.mark.parametrize(
    ("name", "part", "rest"),
    [
        ("vision_model.embeddings.class_embedding", "vision", "vision_tower.embeddings.class_embedding"),
        ("mlp1.1.weight", "vision", "multi_modal_projector.1.weight"),
        ("language_model.model.layers.3.ffn_norm.weight", "language", "layers.3.ffn_norm.weight"),
        ("language_model.model.norm.weight", "unread", ""),
        ("language_model.output.weight", "unread", ""),
        ("language_model.lm_head.weight", "unread", ""),
    ],
)
def test_chat_names_belong_to_parts(name: str, part: str, rest: str) -> None:
    assert CHAT.place(name) == (part, rest)


@pytest.mark.parametrize("prefix", ["", "model."])
def test_native_names_belong_to_parts_with_and_without_the_outer_prefix(prefix: str) -> None:
    name = "vision_tower.embeddings.cls_token"
    assert NATIVE.place(f"{prefix}{name}") == ("vision", name)
    for outer in ("model.language_model", "language_model.model"):
        assert NATIVE.place(f"{outer}.norm.weight") == ("unread", "")
        assert NATIVE.place(f"{outer}.layers.1.norm.weight") == ("language", "layers.1.norm.weight")


def test_a_name_that_no_internvl2_has_belongs_nowhere() -> None:
    assert CHAT.place("qllama.layers.0.weight") is None
    assert NATIVE.place("vision_model.embeddings.class_embedding") is None
