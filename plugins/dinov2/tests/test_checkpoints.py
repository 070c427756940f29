"""The user's path: a folder in the published layout, loaded by name."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from foresight_dinov2.presets import Size
from foresight_dinov2.specs import encoder_spec
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


def _write(folder: Path, tensors: dict[str, torch.Tensor], name: str = "model.safetensors") -> None:
    save_file({key: value.contiguous() for key, value in tensors.items()}, folder / name, metadata={"format": "pt"})


@pytest.mark.parametrize("name", ["dinov2_tiny", "dinov2_tiny_reg"])
@pytest.mark.parametrize(
    ("prefix", "around"),
    [
        ("dinov2.", {"classifier.weight": (3, 128), "classifier.bias": (3,)}),
        ("", {"classifier.weight": (3, 128), "head.bias": (3,)}),
        ("module.", {}),
        ("_orig_mod.module.", {}),
        ("backbone.", {"decode_head.conv_seg.weight": (3, 64, 1, 1), "neck.norm.weight": (64,)}),
        ("model.backbone.", {"model.decode_head.bias": (3,)}),
    ],
)
def test_a_backbone_inside_a_larger_model_is_loaded_and_its_heads_are_left_out(
    name: str, prefix: str, around: dict[str, tuple[int, ...]], write_checkpoint: Write, size: BySize
) -> None:
    folder = write_checkpoint(name)
    tensors = load_file(folder / "model.safetensors")
    others = {key: torch.zeros(shape) for key, shape in around.items()}
    _write(folder, {prefix + key: value for key, value in tensors.items()} | others)
    assert torch.equal(_load(size(name), folder), _features(size(name), seed=7))


def test_without_the_mask_token_of_training_the_features_are_the_same(write_checkpoint: Write, size: BySize) -> None:
    folder = write_checkpoint("dinov2_tiny")
    tensors = load_file(folder / "model.safetensors")
    del tensors["embeddings.mask_token"]
    _write(folder, tensors)
    assert torch.equal(_load(size("dinov2_tiny"), folder), _features(size("dinov2_tiny"), seed=7))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"hidden_act": "relu"}, "hidden_act is 'relu', dinov2_tiny has 'gelu'"),
        ({"hidden_act": "quick_gelu"}, "hidden_act is 'quick_gelu'"),
        ({"layer_norm_eps": 1e-5}, "layer_norm_eps is 1e-05"),
        ({"qkv_bias": False}, "qkv_bias is False"),
        ({"mlp_ratio": 3}, "mlp_ratio is 3"),
        ({"layer_norm_eps": "1e-6"}, r"config\.json cannot be used \(.*layer_norm_eps"),
        ({"quantization_config": {"quant_method": "gptq", "bits": 8}}, r"has a quantization_config \(gptq\)"),
    ],
)
def test_a_configuration_that_contradicts_what_is_built_is_refused_by_name(
    changes: dict[str, object], message: str, write_checkpoint: Write, size: BySize
) -> None:
    folder = write_checkpoint("dinov2_tiny")
    _edit_config(folder, **changes)
    with pytest.raises(CheckpointError, match=message) as caught:
        _load(size("dinov2_tiny"), folder)
    assert "\n" not in str(caught.value)


def test_a_processor_of_other_colours_is_refused(write_checkpoint: Write, size: BySize) -> None:
    folder = write_checkpoint("dinov2_tiny")
    (folder / "preprocessor_config.json").write_text(json.dumps({"image_mean": [0.5, 0.5, 0.5]}))
    with pytest.raises(CheckpointError, match=r"image_mean is \[0\.5, 0\.5, 0\.5\], dinov2_tiny has \[0\.485"):
        _load(size("dinov2_tiny"), folder)


def test_shards_without_an_index_and_files_of_other_names_are_read(write_checkpoint: Write, size: BySize) -> None:
    folder = write_checkpoint("dinov2_tiny", shard="400KB")
    (folder / "model.safetensors.index.json").unlink()
    assert torch.equal(_load(size("dinov2_tiny"), folder), _features(size("dinov2_tiny"), seed=7))
    whole = write_checkpoint("dinov2_tiny_reg")
    (whole / "model.safetensors").rename(whole / "best.safetensors")
    assert torch.equal(_load(size("dinov2_tiny_reg"), whole), _features(size("dinov2_tiny_reg"), seed=7))


def test_averaged_weights_beside_the_model_are_not_loaded(write_checkpoint: Write, size: BySize) -> None:
    folder = write_checkpoint("dinov2_tiny")
    tensors = load_file(folder / "model.safetensors")
    _write(folder, {key: torch.zeros_like(value) for key, value in tensors.items()}, "model_ema.safetensors")
    assert torch.equal(_load(size("dinov2_tiny"), folder), _features(size("dinov2_tiny"), seed=7))


def test_unmerged_lora_weights_are_refused_with_what_to_do(
    write_checkpoint: Write, size: BySize, capfd: pytest.CaptureFixture[str]
) -> None:
    folder = write_checkpoint("dinov2_tiny")
    query = "attention.attention.query."
    tensors = {
        f"base_model.model.{key}".replace(query, f"{query}base_layer."): value
        for key, value in load_file(folder / "model.safetensors").items()
    }
    tensors[f"base_model.model.encoder.layer.0.{query}lora_A.default.weight"] = torch.zeros(4, 64)
    _write(folder, tensors)
    with pytest.raises(CheckpointError, match="It holds LoRA weights beside its own: merge them first"):
        _load(size("dinov2_tiny"), folder)
    assert "LOAD REPORT" not in capfd.readouterr().err


def test_a_link_to_nothing_is_one_line(write_checkpoint: Write, size: BySize) -> None:
    folder = write_checkpoint("dinov2_tiny")
    (folder / "model.safetensors").unlink()
    (folder / "model.safetensors").symlink_to("../../blobs/0123")
    with pytest.raises(CheckpointError, match=r"is a link to \.\./\.\./blobs/0123, which is not there") as caught:
        _load(size("dinov2_tiny"), folder)
    assert "\n" not in str(caught.value)
