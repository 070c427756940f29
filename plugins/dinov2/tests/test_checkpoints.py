"""The user's path: a folder in the published layout, loaded by name."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from foresight_dinov2.presets import Size, encoder_spec
from foresight_harness import BuildRequest, CheckpointError, UsageError
from safetensors.torch import load_file, save_file

Write = Callable[..., Path]
BySize = Callable[[str], Size]
CLIPS = torch.rand(1, 1, 3, 56, 84, generator=torch.Generator().manual_seed(3))


def _features(size: Size, **request: object) -> torch.Tensor:
    encoder = encoder_spec(size).build(BuildRequest(input_px=56, **request))  # type: ignore[arg-type]
    return encoder.encode(CLIPS, ["last"])["last"].tokens


def _load(size: Size, folder: Path) -> torch.Tensor:
    return _features(size, weights="pretrained", source=str(folder))


def _edit_config(folder: Path, **changes: object) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


@pytest.mark.parametrize("name", ["dinov2_tiny", "dinov2_tiny_reg"])
def test_a_folder_gives_the_features_of_the_model_that_wrote_it(
    name: str, write_checkpoint: Write, size: BySize
) -> None:
    written = _features(size(name), seed=7)
    assert torch.equal(_load(size(name), write_checkpoint(name, seed=7)), written)
    assert not torch.equal(_load(size(name), write_checkpoint(name, seed=8)), written)


def test_the_written_folder_has_the_names_of_the_hub(write_checkpoint: Write) -> None:
    plain = load_file(write_checkpoint("dinov2_tiny") / "model.safetensors")
    assert {"encoder.layer.0.attention.attention.query.weight", "encoder.layer.0.mlp.fc1.weight"} <= set(plain)
    registers = load_file(write_checkpoint("dinov2_tiny_reg") / "model.safetensors")
    assert {"embeddings.register_tokens", "encoder.layer.0.mlp.weights_in.weight"} <= set(registers)


def test_shards_are_joined(write_checkpoint: Write, size: BySize) -> None:
    folder = write_checkpoint("dinov2_tiny", shard="400KB")
    assert len(list(folder.glob("*.safetensors"))) > 1
    assert torch.equal(_load(size("dinov2_tiny"), folder), _features(size("dinov2_tiny"), seed=7))


def test_the_offline_mirror_is_read_by_hub_id(
    write_checkpoint: Write, size: BySize, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_checkpoint("dinov2_tiny").rename(tmp_path / "mirrored")
    monkeypatch.setenv("FORESIGHT_WEIGHTS", str(tmp_path))
    found = _features(size("dinov2_tiny"), weights="pretrained", source="mirrored")
    assert torch.equal(found, _features(size("dinov2_tiny"), seed=7))
    with pytest.raises(CheckpointError, match="facebook/dinov2-base is not in FORESIGHT_WEIGHTS"):
        _features(size("dinov2_base"), weights="pretrained")


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("encoder.layer.2.mlp.fc1.bias", "1 missing"),
        ("embeddings.position_embeddings", "1 missing"),
        ("layernorm.weight", "1 missing"),
    ],
)
def test_a_missing_key_is_refused(key: str, message: str, write_checkpoint: Write, size: BySize) -> None:
    folder = write_checkpoint("dinov2_tiny")
    tensors = load_file(folder / "model.safetensors")
    del tensors[key]
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(CheckpointError, match=message) as caught:
        _load(size("dinov2_tiny"), folder)
    assert "\n" not in str(caught.value)


def test_an_unexpected_key_is_refused(write_checkpoint: Write, size: BySize) -> None:
    folder = write_checkpoint("dinov2_tiny")
    tensors = load_file(folder / "model.safetensors")
    tensors["encoder.layer.9.norm1.weight"] = torch.zeros(64)
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(CheckpointError, match=r"1 unexpected \(first: encoder.layer.9.norm1.weight"):
        _load(size("dinov2_tiny"), folder)


def test_a_tensor_of_another_shape_is_refused(write_checkpoint: Write, size: BySize) -> None:
    folder = write_checkpoint("dinov2_tiny")
    tensors = load_file(folder / "model.safetensors")
    tensors["layernorm.weight"] = torch.ones(65)
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(CheckpointError, match="1 of another shape") as caught:
        _load(size("dinov2_tiny"), folder)
    assert "\n" not in str(caught.value)


def test_a_truncated_shard_is_refused(write_checkpoint: Write, size: BySize) -> None:
    folder = write_checkpoint("dinov2_tiny")
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(CheckpointError, match="is damaged"):
        _load(size("dinov2_tiny"), folder)


def test_the_other_architecture_is_refused(write_checkpoint: Write, size: BySize) -> None:
    with pytest.raises(CheckpointError, match="'dinov2_with_registers' checkpoint; dinov2_tiny needs 'dinov2'"):
        _load(size("dinov2_tiny"), write_checkpoint("dinov2_tiny_reg"))


@pytest.mark.parametrize("changes", [{"hidden_size": 96}, {"num_hidden_layers": 3}, {"image_size": 224}])
def test_another_size_is_refused_by_its_config(changes: dict[str, int], write_checkpoint: Write, size: BySize) -> None:
    folder = write_checkpoint("dinov2_tiny")
    _edit_config(folder, **changes)
    with pytest.raises(CheckpointError, match=f"{next(iter(changes))} is {next(iter(changes.values()))}"):
        _load(size("dinov2_tiny"), folder)


def test_a_pickle_is_refused(write_checkpoint: Write, size: BySize) -> None:
    folder = write_checkpoint("dinov2_tiny")
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(CheckpointError, match="pickle"):
        _load(size("dinov2_tiny"), folder)


def test_a_wish_for_remote_code_is_refused(write_checkpoint: Write, size: BySize) -> None:
    folder = write_checkpoint("dinov2_tiny")
    _edit_config(folder, auto_map={"AutoModel": "modeling_evil.Model"})
    with pytest.raises(CheckpointError, match="asks to run its own code"):
        _load(size("dinov2_tiny"), folder)


def test_weights_that_are_not_on_offer_are_refused(size: BySize) -> None:
    with pytest.raises(UsageError, match="nano weights are not on offer"):
        _features(size("dinov2_tiny"), weights="nano")


def test_a_model_that_memory_cannot_hold_is_refused(size: BySize, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("foresight_harness.parts.weights.preflight._free_bytes", lambda device: 2**30)
    with pytest.raises(UsageError, match=r"dinov2_giant needs 4.2 GiB for its weights in float32"):
        encoder_spec(size("dinov2_giant")).build(BuildRequest())


def test_a_side_under_one_patch_is_refused(size: BySize) -> None:
    with pytest.raises(UsageError, match="less than one patch"):
        encoder_spec(size("dinov2_tiny")).build(BuildRequest(input_px=13))
