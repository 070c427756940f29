"""Checkpoints in the published layout, through the same path as a user's download."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from foresight_harness import BuildRequest, CheckpointError, EncoderSpec
from foresight_harness.surface.conformance.pictures import random_clips

VISION = ["patch_embed", "block.03", "post_projector"]


def load(spec: EncoderSpec, folder: Path) -> Any:
    return spec.build(BuildRequest(weights="pretrained", source=str(folder)))


def test_tower_and_projector_load_from_two_shards(spec: EncoderSpec, write_hub: Callable[..., Path]) -> None:
    clips = random_clips((140, 196))
    expected = spec.build(BuildRequest()).encode(clips, VISION)
    encoder = load(spec, write_hub())
    found = encoder.encode(clips, VISION)
    assert encoder.language is None
    for tap in VISION:
        assert torch.equal(found[tap].tokens, expected[tap].tokens), tap


def test_language_model_loads_only_as_deep_as_needed_and_gets_the_same_tokens(
    spec: EncoderSpec, write_hub: Callable[..., Path], whole_model: Any
) -> None:
    """The prompt is now the tokenizer's, so features are compared block by block with the same prompt."""
    encoder = load(spec, write_hub())
    encoder.encode(random_clips((112, 112)), ["llm.02"])
    assert encoder.facts()["llm_blocks"] == 2
    found, expected = encoder.language.language_model.state_dict(), whole_model.model.language_model.state_dict()
    assert len(found) == 2 * 9 + 2
    assert all(torch.equal(tensor, expected[name]) for name, tensor in found.items())


def test_tiles_load_the_end_of_row(spec: EncoderSpec, hires: EncoderSpec, write_hub: Callable[..., Path]) -> None:
    folder = write_hub(lambda tensors: tensors.update(image_newline=torch.full((64,), 0.5)))
    assert float(load(hires, folder).connector.image_newline.min()) == 0.5


def test_prompt_is_written_by_the_checkpoints_own_tokenizer(spec: EncoderSpec, write_hub: Callable[..., Path]) -> None:
    encoder = load(spec, write_hub())
    encoder.encode(random_clips((112, 112)), ["llm.01"])
    assert encoder.language.prompt[:4] == (3, 100, 101, 102)
    assert encoder.facts()["prompt"].endswith("USER: ")


def test_tokenizer_is_needed_for_the_language_model_only(spec: EncoderSpec, write_hub: Callable[..., Path]) -> None:
    folder = write_hub()
    (folder / "tokenizer.json").unlink()
    encoder = load(spec, folder)
    encoder.encode(random_clips((112, 112)), ["post_projector"])
    with pytest.raises(CheckpointError, match=r"has no tokenizer\.json"):
        encoder.encode(random_clips((112, 112)), ["llm.01"])


@pytest.mark.parametrize(
    ("content", "message"), [("{}", "is not a tokenizer"), (None, r"does not write <image> as id 249")]
)
def test_tokenizer_of_another_model_is_refused(
    spec: EncoderSpec, write_hub: Callable[..., Path], content: str | None, message: str
) -> None:
    folder = write_hub(image_token_index=249)
    if content is not None:
        (folder / "tokenizer.json").write_text(content)
    with pytest.raises(CheckpointError, match=message):
        load(spec, folder).encode(random_clips((112, 112)), ["llm.01"])


def test_loading_leaves_the_global_generator_alone(spec: EncoderSpec, write_hub: Callable[..., Path]) -> None:
    """Also where a tensor is missing, which the library fills at random before we can refuse."""
    folder = write_hub(lambda tensors: tensors.pop("vision_tower.vision_model.encoder.layers.1.mlp.fc1.weight"))
    before = torch.random.get_rng_state()
    with pytest.raises(CheckpointError, match="1 missing"):
        load(spec, folder)
    assert torch.equal(before, torch.random.get_rng_state())


@pytest.mark.parametrize(
    ("key", "tap", "told"),
    [
        ("vision_tower.vision_model.encoder.layers.1.self_attn.q_proj.weight", "block.00", "encoder.layers.1"),
        ("multi_modal_projector.linear_2.bias", "block.00", "multi_modal_projector.linear_2.bias"),
        ("image_newline", "block.00", "image_newline"),
        ("language_model.model.layers.1.mlp.up_proj.weight", "llm.02", "layers.1.mlp.up_proj.weight"),
    ],
)
def test_missing_tensor_is_an_error_that_names_it(
    spec: EncoderSpec, write_hub: Callable[..., Path], key: str, tap: str, told: str
) -> None:
    folder = write_hub(lambda tensors: tensors.pop(key))
    with pytest.raises(CheckpointError, match=rf"1 missing \(first: {told}"):
        load(spec, folder).encode(random_clips((56, 56)), [tap])


@pytest.mark.parametrize(
    ("key", "tap"),
    [
        ("vision_tower.vision_model.extra.weight", "block.00"),
        ("multi_modal_projector.extra.weight", "block.00"),
        ("language_model.model.layers.0.extra.weight", "llm.01"),
    ],
)
def test_unexpected_tensor_is_an_error_that_names_it(
    spec: EncoderSpec, write_hub: Callable[..., Path], key: str, tap: str
) -> None:
    folder = write_hub(lambda tensors: tensors.update({key: torch.zeros(2)}))
    with pytest.raises(CheckpointError, match=r"1 unexpected \(first: .*extra\.weight\)"):
        load(spec, folder).encode(random_clips((56, 56)), [tap])


@pytest.mark.parametrize("key", ["vision_tower.vision_model.pre_layrnorm.bias", "multi_modal_projector.linear_1.bias"])
def test_tensor_of_another_shape_is_an_error(spec: EncoderSpec, write_hub: Callable[..., Path], key: str) -> None:
    folder = write_hub(lambda tensors: tensors.update({key: torch.zeros(7)}))
    with pytest.raises(CheckpointError, match=r"1 of another shape \(first: "):
        load(spec, folder)


def test_truncated_shard_is_refused(spec: EncoderSpec, write_hub: Callable[..., Path]) -> None:
    folder = write_hub()
    shard = folder / "model-00002-of-00002.safetensors"
    shard.write_bytes(shard.read_bytes()[:-100])
    with pytest.raises(CheckpointError, match=r"model-00002-of-00002\.safetensors is damaged"):
        load(spec, folder)


def test_another_architecture_is_refused(spec: EncoderSpec, write_hub: Callable[..., Path]) -> None:
    folder = write_hub(model_type="llava")
    with pytest.raises(CheckpointError, match=r"is a 'llava' checkpoint; LLaVA-NeXT needs 'llava_next'"):
        load(spec, folder)


def test_another_language_model_is_refused(spec: EncoderSpec, write_hub: Callable[..., Path], tiny: Any) -> None:
    folder = write_hub(text_config={**tiny.config["text_config"], "model_type": "mistral"})
    with pytest.raises(CheckpointError, match=r"text_config\.model_type is mistral, llava_next_tiny has llama"):
        load(spec, folder)


def test_another_feature_block_is_refused(spec: EncoderSpec, write_hub: Callable[..., Path]) -> None:
    with pytest.raises(CheckpointError, match=r"vision_feature_layer is -1; llava_next_tiny has -2"):
        load(spec, write_hub(vision_feature_layer=-1))


def test_pickled_weights_are_refused(spec: EncoderSpec, write_hub: Callable[..., Path]) -> None:
    folder = write_hub()
    for path in folder.glob("*.safetensors*"):
        path.unlink()
    (folder / "pytorch_model.bin").write_bytes(b"x")
    with pytest.raises(CheckpointError, match=r"pickle \(pytorch_model\.bin\)"):
        load(spec, folder)


def test_wish_for_remote_code_is_refused(spec: EncoderSpec, write_hub: Callable[..., Path]) -> None:
    folder = write_hub(auto_map={"AutoModel": "modeling_custom.Model"})
    with pytest.raises(CheckpointError, match=r"asks to run its own code \(modeling_custom\.Model\)"):
        load(spec, folder)


def test_published_index_is_what_the_test_checkpoint_has(write_hub: Callable[..., Path]) -> None:
    names = json.loads((write_hub() / "model.safetensors.index.json").read_text())["weight_map"]
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
