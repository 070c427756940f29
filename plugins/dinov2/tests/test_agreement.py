"""Two libraries, one model: our features equal those of timm's independent implementation, given the same weights."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import timm
import torch
from foresight_dinov2.building import random_model
from foresight_dinov2.encoder import Dinov2Encoder
from foresight_dinov2.presets import TRAINED_PX, Size
from torch import Tensor

REFERENCES: dict[str, tuple[str, dict[str, Any]]] = {
    "dinov2_tiny": ("vit_small_patch14_dinov2", {"embed_dim": 64, "depth": 4, "num_heads": 4}),
    "dinov2_tiny_reg": ("vit_giant_patch14_reg4_dinov2", {"embed_dim": 48, "depth": 4, "num_heads": 4}),
}


def _as_timm(state: dict[str, Tensor], registers: int) -> dict[str, Tensor]:
    """Names and layout of timm: query, key and value joined, gate and up joined, registers without positions."""
    renamed: dict[str, Tensor] = {
        "cls_token": state["embeddings.cls_token"],
        "pos_embed": state["embeddings.position_embeddings"],
        "patch_embed.proj.weight": state["embeddings.patch_embeddings.projection.weight"],
        "patch_embed.proj.bias": state["embeddings.patch_embeddings.projection.bias"],
        "norm.weight": state["layernorm.weight"],
        "norm.bias": state["layernorm.bias"],
    }
    if registers:
        renamed["cls_token"] = state["embeddings.cls_token"] + state["embeddings.position_embeddings"][:, :1]
        renamed["pos_embed"] = state["embeddings.position_embeddings"][:, 1:]
        renamed["reg_token"] = state["embeddings.register_tokens"]
    for index in range(4):
        ours, theirs = f"encoder.layer.{index}", f"blocks.{index}"
        for kind in ("weight", "bias"):
            parts = [state[f"{ours}.attention.{part}_proj.{kind}"] for part in "qkv"]
            renamed[f"{theirs}.attn.qkv.{kind}"] = torch.cat(parts)
            renamed[f"{theirs}.attn.proj.{kind}"] = state[f"{ours}.attention.o_proj.{kind}"]
            for norm in ("norm1", "norm2"):
                renamed[f"{theirs}.{norm}.{kind}"] = state[f"{ours}.{norm}.{kind}"]
            if f"{ours}.mlp.fc1.{kind}" in state:
                renamed[f"{theirs}.mlp.fc1.{kind}"] = state[f"{ours}.mlp.fc1.{kind}"]
                renamed[f"{theirs}.mlp.fc2.{kind}"] = state[f"{ours}.mlp.fc2.{kind}"]
            else:
                gate_up = [state[f"{ours}.mlp.{part}_proj.{kind}"] for part in ("gate", "up")]
                renamed[f"{theirs}.mlp.fc1.{kind}"] = torch.cat(gate_up)
                renamed[f"{theirs}.mlp.fc2.{kind}"] = state[f"{ours}.mlp.down_proj.{kind}"]
        for scale in (1, 2):
            renamed[f"{theirs}.ls{scale}.gamma"] = state[f"{ours}.layer_scale{scale}.lambda1"]
    return renamed


@pytest.mark.parametrize("name", list(REFERENCES))
def test_features_equal_those_of_timm_at_the_trained_size(name: str, size: Callable[[str], Size]) -> None:
    config = size(name)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = random_model(config, "sdpa").eval()
    reference_name, arguments = REFERENCES[name]
    reference: Any = timm.create_model(reference_name, num_classes=0, img_size=TRAINED_PX, **arguments).eval()
    reference.load_state_dict(_as_timm(dict(model.state_dict()), config.registers), strict=True)
    clips = torch.rand(1, 1, 3, TRAINED_PX, TRAINED_PX, generator=torch.Generator().manual_seed(1))
    ours = Dinov2Encoder(model, registers=config.registers, input_px=TRAINED_PX, facts={})
    found = ours.encode(clips, ["block.01", "last"])
    mean, std = (torch.tensor(reference.pretrained_cfg[key]).view(3, 1, 1) for key in ("mean", "std"))
    with torch.no_grad():
        last = reference.forward_features((clips[:, 0] - mean) / std)[:, reference.num_prefix_tokens :]
        maps = reference.forward_intermediates((clips[:, 0] - mean) / std, indices=[1], intermediates_only=True)
    assert torch.allclose(found["last"].tokens[0, 0], last.reshape(37, 37, -1), atol=1e-4)
    assert torch.allclose(found["block.01"].tokens[0, 0], maps[0][0].permute(1, 2, 0), atol=1e-4)
