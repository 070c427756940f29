"""Checkpoints in the published layout."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import torch
from foresight_harness import BuildRequest, EncoderSpec
from foresight_harness.parts.checks.pictures import random_clips
from foresight_vlm_kit.testing import CheckpointConformance

ALL = ["patch_embed", "block.02", "post_merge", "llm.01", "llm.04"]


class TestCheckpoints(CheckpointConformance):
    plugin = "qwen2_5_vl"
    projected = "post_merge"
    missing = (
        ("visual.blocks.1.attn.qkv.weight", "post_merge", "blocks.1.attn.qkv.weight"),
        ("model.layers.1.mlp.up_proj.weight", "llm.04", "layers.1.mlp.up_proj.weight"),
    )
    unexpected = (("visual.blocks.0.extra.weight", "post_merge"), ("model.layers.0.extra.weight", "llm.01"))
    misshapen = (("visual.merger.mlp.0.bias", "merger.mlp.0.bias"),)
    refused = (
        ({"model_type": "qwen2_vl"}, "is a 'qwen2_vl' checkpoint; Qwen2.5-VL needs 'qwen2_5_vl'"),
        ({"num_hidden_layers": 36}, "is another size than qwen2_5_vl_tiny: its text num_hidden_layers is 36, not 4"),
        ({"auto_map": {"AutoModel": "modeling_custom.Model"}}, "asks to run its own code (modeling_custom.Model)"),
    )

    def test_tower_and_language_model_load_from_two_shards(
        self, spec: EncoderSpec, write_checkpoint: Callable[..., Path]
    ) -> None:
        clips = random_clips((140, 196))
        expected = spec.build(BuildRequest()).encode(clips, ALL)
        found = self.load(spec, write_checkpoint()).encode(clips, ALL)
        for tap in ALL:
            assert torch.equal(found[tap].tokens, expected[tap].tokens), tap


def test_published_index_is_what_the_test_checkpoint_has(write_checkpoint: Callable[..., Path]) -> None:
    names = json.loads((write_checkpoint() / "model.safetensors.index.json").read_text())["weight_map"]
    assert names["visual.patch_embed.proj.weight"] != names["model.embed_tokens.weight"]
    assert {
        "lm_head.weight",
        "model.norm.weight",
        "visual.merger.ln_q.weight",
        "visual.blocks.3.mlp.gate_proj.bias",
    } < {*names}
