"""Checkpoints in the published layout, against the values that were written."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from foresight_cogvlm2.presets import Size
from foresight_harness import BuildRequest, EncoderSpec
from foresight_harness.parts.checks.failures import require_same
from foresight_vlm_kit.pictures import squash
from foresight_vlm_kit.presets import CLIP_MEAN, CLIP_STD
from foresight_vlm_kit.testing import BlueprintCheckpoints
from torch import Tensor

CLIPS = torch.rand(1, 1, 3, 70, 50, generator=torch.Generator().manual_seed(5))
Write = Callable[..., Path]


class TestCheckpoints(BlueprintCheckpoints):
    plugin = "cogvlm2"
    projected = "vision_out"
    missing = (
        ("model.vision.conv.bias", "vision_out", "conv.bias"),
        ("model.layers.1.mlp.language_mlp.up_proj.weight", "llm.02", "layers.1.mlp.language_mlp.up_proj.weight"),
    )
    unexpected = (
        ("model.vision.transformer.layers.3.mlp.fc1.bias", "vision_out"),
        ("model.layers.4.input_layernorm.weight", "llm.01"),
        ("model.layers.0.self_attn.third_expert_dense.weight", "llm.01"),
        ("model.adapter.weight", "patch_embed"),
    )
    misshapen = (("model.vision.boi", "boi"),)
    refused = (
        ({"model_type": "chatglm"}, "is a 'chatglm' checkpoint; CogVLM2 ({spec.name}) needs 'CogVLM"),
        ({"architectures": ["LlamaForCausalLM"]}, "is a 'LlamaForCausalLM' checkpoint; CogVLM2 ({spec.name}) needs"),
        ({"architectures": []}, "is a None checkpoint; CogVLM2 ({spec.name}) needs 'CogVLM"),
        ({"vision_config": {"num_hidden_layers": 63}}, "than {spec.name}: its vision num_hidden_layers is 63, not 3"),
        ({"vision_config": {"image_size": 1344}}, "than {spec.name}: its vision image_size is 1344, not 224"),
        ({"hidden_size": 4096}, "than {spec.name}: its text hidden_size is 4096, not 96"),
    )
    incomplete = ("vision_config", "layer_norm_eps")
    reads = {  # noqa: RUF012
        "vision_out": r"model\.vision\..*",
        "llm.02": r"model\.(embed_tokens\.weight|layers\.[01]\..*)",
    }

    def test_a_published_checkpoint_gives_the_features_of_its_tensors(
        self,
        spec: EncoderSpec,
        preset: Size,
        state: dict[str, Tensor],
        write_checkpoint: Write,
        reference: Callable[..., dict[str, Tensor]],
    ) -> None:
        found = self.load(spec, write_checkpoint()).encode(CLIPS, [tap.name for tap in spec.taps])
        expected = reference(state, preset.architecture, squash(CLIPS, 224, CLIP_MEAN, CLIP_STD))
        for name, grid in found.items():
            require_same(grid.tokens.flatten(1, 3), expected[name], name, tolerance=1e-4)

    def test_a_config_without_key_heads_means_eight(self, spec: EncoderSpec, write_checkpoint: Write) -> None:
        folder = write_checkpoint()
        config = json.loads((folder / "config.json").read_text())
        del config["num_multi_query_heads"]
        (folder / "config.json").write_text(json.dumps(config))
        assert "text num_multi_query_heads is 8, not 2" in self.refusal(spec, folder)

    def test_the_chat_model_is_not_taken_for_the_video_model_nor_the_other_way_round(
        self, spec: EncoderSpec, preset: Size, write_checkpoint: Write
    ) -> None:
        kinds = ["CogVLMForCausalLM", "CogVLMVideoForCausalLM"]
        other = kinds[preset.class_name == kinds[0]]
        message = self.refusal(spec, write_checkpoint(architectures=[other]))
        assert f"is a '{other}' checkpoint; CogVLM2 ({preset.name}) needs '{preset.class_name}'" in message

    def test_frequencies_stay_in_single_precision(
        self, spec: EncoderSpec, state: dict[str, Tensor], write_checkpoint: Write
    ) -> None:
        request = BuildRequest(weights="pretrained", source=str(write_checkpoint()), dtype="bfloat16")
        encoder: Any = spec.build(request)
        language = encoder.language_of(1).language_model
        name = "layers.0.self_attn.rotary_emb.inv_freq"
        assert torch.equal(language.state_dict()[name], state[f"model.{name}"])
        assert language.embed_tokens.weight.dtype == torch.bfloat16
