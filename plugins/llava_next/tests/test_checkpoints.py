"""Checkpoints in the published layout."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from foresight_harness import BuildRequest, EncoderSpec
from foresight_harness.parts.checks.pictures import random_clips
from foresight_vlm_kit.testing import CheckpointConformance

VISION = ["patch_embed", "block.03", "post_projector"]
Write = Callable[..., Path]


class TestCheckpoints(CheckpointConformance):
    plugin = "llava_next"
    encoders = ("llava_next_tiny",)
    projected = "post_projector"
    missing = (
        ("vision_tower.vision_model.encoder.layers.1.mlp.fc1.weight", "block.00", "encoder.layers.1.mlp.fc1.weight"),
        ("multi_modal_projector.linear_2.bias", "block.00", "multi_modal_projector.linear_2.bias"),
        ("image_newline", "block.00", "image_newline"),
        ("language_model.model.layers.1.mlp.up_proj.weight", "llm.02", "layers.1.mlp.up_proj.weight"),
    )
    unexpected = (
        ("vision_tower.vision_model.extra.weight", "block.00"),
        ("multi_modal_projector.extra.weight", "block.00"),
        ("language_model.model.layers.0.extra.weight", "llm.01"),
    )
    misshapen = (
        ("vision_tower.vision_model.pre_layrnorm.bias", "pre_layrnorm.bias"),
        ("multi_modal_projector.linear_1.bias", "multi_modal_projector.linear_1.bias"),
    )
    refused = (
        ({"model_type": "llava"}, "is a 'llava' checkpoint; LLaVA-NeXT needs 'llava_next'"),
        ({"text_config": {"model_type": "mistral"}}, "llava_next_tiny: its text model_type is mistral, not llama"),
        ({"vision_feature_layer": -1}, "llava_next_tiny: its own vision_feature_layer is -1, not -2"),
        ({"auto_map": {"AutoModel": "modeling_custom.Model"}}, "asks to run its own code (modeling_custom.Model)"),
    )

    def test_tower_and_projector_load_from_two_shards(self, spec: EncoderSpec, write_checkpoint: Write) -> None:
        clips = random_clips((140, 196))
        expected = spec.build(BuildRequest()).encode(clips, VISION)
        found = self.load(spec, write_checkpoint()).encode(clips, VISION)
        for tap in VISION:
            assert torch.equal(found[tap].tokens, expected[tap].tokens), tap

    def test_language_model_gets_the_same_tensors(
        self, spec: EncoderSpec, write_checkpoint: Write, whole_model: Any
    ) -> None:
        """The prompt is now the tokenizer's, so tensors are compared instead of features."""
        found = self.load(spec, write_checkpoint()).language_of(2).language_model.state_dict()
        expected = whole_model.model.language_model.state_dict()
        assert len(found) == 2 * 9 + 2
        assert all(torch.equal(tensor, expected[name]) for name, tensor in found.items())

    def test_prompt_is_written_by_the_checkpoints_own_tokenizer(
        self, spec: EncoderSpec, write_checkpoint: Write
    ) -> None:
        encoder = self.load(spec, write_checkpoint())
        assert encoder.language_of(1).prompt[:4] == (3, 100, 101, 102)
        assert encoder.facts()["prompt"].endswith("USER: ")

    def test_tokenizer_is_needed_for_the_language_model_only(self, spec: EncoderSpec, write_checkpoint: Write) -> None:
        folder = write_checkpoint()
        (folder / "tokenizer.json").unlink()
        self.load(spec, folder).encode(random_clips((112, 112)), ["post_projector"])
        assert "has no tokenizer.json" in self.refusal(spec, folder, "llm.01")

    @pytest.mark.parametrize(
        ("content", "message"), [("{}", "is not a tokenizer"), (None, "does not write <image> as id 249")]
    )
    def test_tokenizer_of_another_model_is_refused(
        self, spec: EncoderSpec, write_checkpoint: Write, content: str | None, message: str
    ) -> None:
        folder = write_checkpoint(image_token_index=249)
        if content is not None:
            (folder / "tokenizer.json").write_text(content)
        assert message in self.refusal(spec, folder, "llm.01")


def test_tiles_load_the_end_of_row(hires: EncoderSpec, write_checkpoint: Write) -> None:
    folder = write_checkpoint(lambda tensors: tensors.update(image_newline=torch.full((64,), 0.5)))
    encoder: Any = hires.build(BuildRequest(weights="pretrained", source=str(folder)))
    assert float(encoder.connector.image_newline.min()) == 0.5


def test_published_index_is_what_the_test_checkpoint_has(write_checkpoint: Write) -> None:
    names = json.loads((write_checkpoint() / "model.safetensors.index.json").read_text())["weight_map"]
    published = {
        "image_newline",
        "language_model.lm_head.weight",
        "language_model.model.embed_tokens.weight",
        "multi_modal_projector.linear_1.weight",
        "vision_tower.vision_model.embeddings.class_embedding",
        "vision_tower.vision_model.pre_layrnorm.weight",
    }
    assert published < set(names)
    assert len(set(names.values())) == 2
