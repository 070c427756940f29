"""Checkpoints in the published layout, through the user's path, against the values that were written."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from foresight_cogvlm2.preprocessing import prepare
from foresight_cogvlm2.presets import Preset
from foresight_harness import BuildRequest, CheckpointError, EncoderSpec
from foresight_harness.surface.conformance.failures import require_same
from foresight_harness.weights import read_tensors
from safetensors.torch import load_file, save_file
from torch import Tensor

CLIPS = torch.rand(1, 1, 3, 70, 50, generator=torch.Generator().manual_seed(5))


@pytest.fixture
def published(
    tmp_path: Path, preset: Preset, random_state: Callable[..., Any], write_checkpoint: Callable[..., Path]
) -> Callable[..., tuple[Path, dict[str, Tensor]]]:
    """Folder and values of a checkpoint of the encoder's kind."""

    def make(**changes: Any) -> tuple[Path, dict[str, Tensor]]:
        state = random_state(preset.architecture)
        return write_checkpoint(tmp_path, preset, state, **changes), state

    return make


def test_a_published_checkpoint_gives_the_features_of_its_tensors(
    offer: EncoderSpec,
    preset: Preset,
    published: Callable[..., tuple[Path, dict[str, Tensor]]],
    reference: Callable[..., dict[str, Tensor]],
) -> None:
    folder, state = published()
    encoder = offer.build(BuildRequest(weights="pretrained", source=str(folder)))
    found = encoder.encode(CLIPS, [tap.name for tap in offer.taps])
    expected = reference(state, preset.architecture, prepare(CLIPS, 224))
    for name, grid in found.items():
        require_same(grid.tokens.flatten(1, 3), expected[name], name, tolerance=1e-4)


def test_only_the_needed_tensors_are_read(
    offer: EncoderSpec, published: Callable[..., tuple[Path, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []

    def watched(folder: Path, wanted: Callable[[str], bool]) -> Any:
        for name, tensor in read_tensors(folder, wanted):
            read.append(name)
            yield name, tensor

    monkeypatch.setattr("foresight_cogvlm2.weights.read_tensors", watched)
    folder, _ = published()
    encoder = offer.build(BuildRequest(weights="pretrained", source=str(folder)))
    encoder.encode(CLIPS, ["vision_out"])
    assert read
    assert all(name.startswith("model.vision.") for name in read)
    read.clear()
    encoder.encode(CLIPS, ["llm.02"])
    assert {name.split(".")[2] for name in read if ".layers." in name} == {"0", "1"}
    assert {name for name in read if ".layers." not in name} == {"model.embed_tokens.weight"}


def test_a_config_without_key_heads_means_eight(offer: EncoderSpec, published: Callable[..., tuple[Path, Any]]) -> None:
    folder, _ = published()
    config = json.loads((folder / "config.json").read_text())
    del config["num_multi_query_heads"]
    (folder / "config.json").write_text(json.dumps(config))
    assert "text num_multi_query_heads is 8, not 2" in _fails(offer, folder)


def test_frequencies_stay_in_single_precision(offer: EncoderSpec, published: Callable[..., tuple[Path, Any]]) -> None:
    folder, state = published()
    encoder: Any = offer.build(BuildRequest(weights="pretrained", source=str(folder), dtype="bfloat16"))
    encoder.encode(CLIPS, ["llm.01"])
    found = encoder._language.state_dict()["layers.0.self_attn.rotary_emb.inv_freq"]
    assert torch.equal(found, state["model.layers.0.self_attn.rotary_emb.inv_freq"])
    assert encoder._language.embed_tokens.weight.dtype == torch.bfloat16


def _drop(folder: Path, name: str, replacement: dict[str, Tensor] | None = None) -> None:
    for path in folder.glob("*.safetensors"):
        tensors = load_file(path)
        if name in tensors:
            del tensors[name]
            save_file({**tensors, **(replacement or {})}, path)
            return
    raise AssertionError(f"{name} is in no shard")


def _fails(offer: EncoderSpec, folder: Path, tap: str = "vision_out") -> str:
    with pytest.raises(CheckpointError) as caught:
        offer.build(BuildRequest(weights="pretrained", source=str(folder))).encode(CLIPS, [tap])
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_missing_tensor_of_the_tower_is_refused(
    offer: EncoderSpec, published: Callable[..., tuple[Path, Any]]
) -> None:
    folder, _ = published()
    _drop(folder, "model.vision.conv.bias")
    assert "1 missing (first: model.vision.conv.bias)" in _fails(offer, folder)


def test_a_missing_tensor_of_the_language_model_is_refused_when_it_is_needed(
    offer: EncoderSpec, published: Callable[..., tuple[Path, Any]]
) -> None:
    folder, _ = published()
    name = "model.layers.1.mlp.language_mlp.up_proj.weight"
    _drop(folder, name)
    assert f"1 missing (first: {name})" in _fails(offer, folder, "llm.02")


@pytest.mark.parametrize(
    ("extra", "tap"),
    [
        ("model.vision.transformer.layers.3.mlp.fc1.bias", "vision_out"),
        ("model.layers.4.input_layernorm.weight", "llm.01"),
        ("model.layers.0.self_attn.third_expert_dense.weight", "llm.01"),
        ("model.adapter.weight", "patch_embed"),
    ],
)
def test_an_unexpected_tensor_is_refused(
    offer: EncoderSpec, published: Callable[..., tuple[Path, Any]], extra: str, tap: str
) -> None:
    folder, _ = published()
    path = folder / "model-00001-of-00002.safetensors"
    save_file({**load_file(path), extra: torch.zeros(3)}, path)
    assert f"1 unexpected (first: {extra})" in _fails(offer, folder, tap)


def test_a_tensor_of_another_shape_is_refused(offer: EncoderSpec, published: Callable[..., tuple[Path, Any]]) -> None:
    folder, _ = published()
    _drop(folder, "model.vision.boi", {"model.vision.boi": torch.zeros(1, 1, 5)})
    assert "1 of another shape (first: model.vision.boi)" in _fails(offer, folder)


def test_a_truncated_shard_is_refused(offer: EncoderSpec, published: Callable[..., tuple[Path, Any]]) -> None:
    folder, _ = published()
    path = folder / "model-00002-of-00002.safetensors"
    path.write_bytes(path.read_bytes()[:-100])
    assert "model-00002-of-00002.safetensors is damaged" in _fails(offer, folder)


def test_an_absent_shard_is_refused(offer: EncoderSpec, published: Callable[..., tuple[Path, Any]]) -> None:
    folder, _ = published()
    (folder / "model-00002-of-00002.safetensors").unlink()
    assert "names model-00002-of-00002.safetensors (1 absent)" in _fails(offer, folder)


def test_a_pickle_is_refused_and_not_opened(offer: EncoderSpec, published: Callable[..., tuple[Path, Any]]) -> None:
    folder, _ = published()
    for path in folder.glob("*.safetensors*"):
        path.unlink()
    (folder / "pytorch_model.bin").write_bytes(b"\x80\x04never read")
    assert "as a pickle (pytorch_model.bin)" in _fails(offer, folder)


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({"model_type": "chatglm"}, "'chatglm'"),
        ({"architectures": ["LlamaForCausalLM"]}, "'LlamaForCausalLM'"),
        ({"architectures": []}, "None"),
    ],
)
def test_another_architecture_is_refused(
    offer: EncoderSpec, preset: Preset, published: Callable[..., tuple[Path, Any]], changes: dict[str, Any], found: str
) -> None:
    folder, _ = published(**changes)
    message = _fails(offer, folder)
    assert f"is a {found} checkpoint; CogVLM2 ({preset.name}) needs '{preset.class_name}'" in message


def test_the_chat_model_is_not_taken_for_the_video_model_nor_the_other_way_round(
    offer: EncoderSpec, preset: Preset, published: Callable[..., tuple[Path, Any]]
) -> None:
    other = {"CogVLMForCausalLM": "CogVLMVideoForCausalLM"}.get(preset.class_name, "CogVLMForCausalLM")
    folder, _ = published(architectures=[other])
    assert f"is a '{other}' checkpoint" in _fails(offer, folder)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"vision_config": {"num_hidden_layers": 63}}, "vision num_hidden_layers is 63, not 3"),
        ({"vision_config": {"image_size": 1344}}, "vision image_size is 1344, not 224"),
        ({"hidden_size": 4096}, "text hidden_size is 4096, not 96"),
    ],
)
def test_another_size_is_refused(
    offer: EncoderSpec, published: Callable[..., tuple[Path, Any]], changes: dict[str, Any], field: str
) -> None:
    folder, _ = published(**changes)
    assert f"its {field}" in _fails(offer, folder)


def test_an_incomplete_config_is_refused(offer: EncoderSpec, published: Callable[..., tuple[Path, Any]]) -> None:
    folder, _ = published()
    config = json.loads((folder / "config.json").read_text())
    del config["vision_config"]["layer_norm_eps"]
    (folder / "config.json").write_text(json.dumps(config))
    assert "config.json lacks 'layer_norm_eps'" in _fails(offer, folder)
