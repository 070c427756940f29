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

ALL = ["patch_embed", "block.02", "post_merge", "llm.01", "llm.04"]


def load(spec: EncoderSpec, folder: Path) -> Any:
    return spec.build(BuildRequest(weights="pretrained", source=str(folder)))


def test_tower_and_language_model_load_from_two_shards(spec: EncoderSpec, write_hub: Callable[..., Path]) -> None:
    clips = random_clips((140, 196))
    expected = spec.build(BuildRequest()).encode(clips, ALL)
    encoder = load(spec, write_hub())
    assert encoder.language is None
    found = encoder.encode(clips, ALL)
    for tap in ALL:
        assert torch.equal(found[tap].tokens, expected[tap].tokens), tap


def test_language_model_is_loaded_only_as_deep_as_needed(spec: EncoderSpec, write_hub: Callable[..., Path]) -> None:
    clips = random_clips((112, 112))
    encoder = load(spec, write_hub())
    found = encoder.encode(clips, ["llm.02"])["llm.02"].tokens
    assert encoder.facts()["llm_blocks"] == 2
    torch.testing.assert_close(found, spec.build(BuildRequest()).encode(clips, ["llm.02"])["llm.02"].tokens)


def test_checkpoint_is_found_in_an_offline_mirror(
    spec: EncoderSpec, write_hub: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_hub()
    monkeypatch.setenv("FORESIGHT_WEIGHTS", str(folder.parent))
    encoder = spec.build(BuildRequest(weights="pretrained", source=folder.name))
    assert encoder.facts()["params"] == 286_112


def test_loading_leaves_the_global_generator_alone(spec: EncoderSpec, write_hub: Callable[..., Path]) -> None:
    """Also where a tensor is missing, which the library fills at random before we can refuse."""
    folder = write_hub(lambda tensors: tensors.pop("visual.blocks.1.attn.qkv.weight"))
    before = torch.random.get_rng_state()
    with pytest.raises(CheckpointError, match="1 missing"):
        load(spec, folder)
    assert torch.equal(before, torch.random.get_rng_state())


@pytest.mark.parametrize(
    ("key", "tap"),
    [("visual.blocks.1.attn.qkv.weight", "post_merge"), ("model.layers.1.mlp.up_proj.weight", "llm.04")],
)
def test_missing_tensor_is_an_error_that_names_it(
    spec: EncoderSpec, write_hub: Callable[..., Path], key: str, tap: str
) -> None:
    folder = write_hub(lambda tensors: tensors.pop(key))
    short = key.split(".", 1)[1]
    with pytest.raises(CheckpointError, match=rf"1 missing \(first: {short}\)"):
        load(spec, folder).encode(random_clips((56, 56)), [tap])


@pytest.mark.parametrize(
    ("key", "tap"), [("visual.blocks.0.extra.weight", "post_merge"), ("model.layers.0.extra.weight", "llm.01")]
)
def test_unexpected_tensor_is_an_error_that_names_it(
    spec: EncoderSpec, write_hub: Callable[..., Path], key: str, tap: str
) -> None:
    folder = write_hub(lambda tensors: tensors.update({key: torch.zeros(2)}))
    with pytest.raises(CheckpointError, match=r"1 unexpected \(first: .*extra\.weight\)"):
        load(spec, folder).encode(random_clips((56, 56)), [tap])


def test_tensor_of_another_shape_is_an_error_that_names_it(spec: EncoderSpec, write_hub: Callable[..., Path]) -> None:
    folder = write_hub(lambda tensors: tensors.update({"visual.merger.mlp.0.bias": torch.zeros(7)}))
    with pytest.raises(CheckpointError, match=r"1 of another shape \(first: merger\.mlp\.0\.bias\)"):
        load(spec, folder)


def test_truncated_shard_is_refused(spec: EncoderSpec, write_hub: Callable[..., Path]) -> None:
    folder = write_hub()
    shard = folder / "model-00002-of-00002.safetensors"
    shard.write_bytes(shard.read_bytes()[:-100])
    with pytest.raises(CheckpointError, match=r"model-00002-of-00002\.safetensors is damaged"):
        load(spec, folder)


def test_absent_shard_is_refused(spec: EncoderSpec, write_hub: Callable[..., Path]) -> None:
    folder = write_hub()
    (folder / "model-00001-of-00002.safetensors").unlink()
    with pytest.raises(CheckpointError, match=r"names model-00001-of-00002\.safetensors"):
        load(spec, folder)


def test_another_architecture_is_refused(spec: EncoderSpec, write_hub: Callable[..., Path]) -> None:
    folder = write_hub(model_type="qwen2_vl")
    with pytest.raises(CheckpointError, match=r"is a 'qwen2_vl' checkpoint; Qwen2\.5-VL needs 'qwen2_5_vl'"):
        load(spec, folder)


def test_another_size_is_refused(spec: EncoderSpec, write_hub: Callable[..., Path]) -> None:
    folder = write_hub(num_hidden_layers=36)
    with pytest.raises(CheckpointError, match=r"another size .*num_hidden_layers is 36, qwen2_5_vl_tiny has 4"):
        load(spec, folder)


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
    assert names["visual.patch_embed.proj.weight"] != names["model.embed_tokens.weight"]
    assert {
        "lm_head.weight",
        "model.norm.weight",
        "visual.merger.ln_q.weight",
        "visual.blocks.3.mlp.gate_proj.bias",
    } < {*names}
