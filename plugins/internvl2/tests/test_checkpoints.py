"""Checkpoints in the published layouts, through the user's path, against the model that they were written from."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from foresight_harness import BuildRequest, CheckpointError, EncoderSpec
from foresight_harness.weights import read_tensors
from foresight_internvl2.preprocessing import prepare
from safetensors.torch import load_file, save_file
from torch import Tensor

CLIPS = torch.rand(1, 1, 3, 70, 50, generator=torch.Generator().manual_seed(5))


@pytest.fixture(scope="module")
def published(
    tmp_path_factory: pytest.TempPathFactory,
    architecture_of: Callable[..., Any],
    native_model: Callable[..., Any],
    write_chat: Callable[..., Path],
) -> Callable[..., tuple[Path, Any]]:
    """Folder and model of a checkpoint; a new copy of the folder each time."""

    def make(family: str = "internlm2", *, big_tower: bool = False, **changes: Any) -> tuple[Path, Any]:
        architecture = architecture_of(family, big_tower=big_tower)
        model = native_model(architecture)
        return write_chat(tmp_path_factory.mktemp(family), model, architecture, **changes), model

    return make


def _compare(spec: EncoderSpec, source: Path, expected: dict[str, Tensor]) -> None:
    encoder = spec.build(BuildRequest(weights="pretrained", source=str(source)))
    found = encoder.encode(CLIPS, [tap.name for tap in spec.taps])
    for name, grid in found.items():
        torch.testing.assert_close(grid.tokens.flatten(1, 3), expected[name], rtol=1e-4, atol=1e-4, msg=name)


@pytest.mark.parametrize(("family", "big_tower"), [("internlm2", False), ("qwen2", False), ("llama", True)])
def test_a_published_checkpoint_gives_the_features_of_the_model_it_was_written_from(
    spec: EncoderSpec,
    published: Callable[..., tuple[Path, Any]],
    reference: Callable[..., dict[str, Tensor]],
    family: str,
    big_tower: bool,
) -> None:
    folder, model = published(family, big_tower=big_tower)
    _compare(spec, folder, reference(model, prepare(CLIPS, 224), (1, 240)))


@pytest.mark.parametrize("family", ["qwen2", "llama"])
def test_a_native_conversion_gives_the_features_of_the_model_it_was_written_from(
    spec: EncoderSpec,
    architecture_of: Callable[..., Any],
    native_model: Callable[..., Any],
    reference: Callable[..., dict[str, Tensor]],
    tmp_path: Path,
    family: str,
) -> None:
    model = native_model(architecture_of(family))
    model.save_pretrained(tmp_path, max_shard_size="1400KB")
    assert len(list(tmp_path.glob("*.safetensors"))) == 2
    assert json.loads((tmp_path / "config.json").read_text())["model_type"] == "internvl"
    _compare(spec, tmp_path, reference(model, prepare(CLIPS, 224), (1, 248)))


def test_only_the_needed_tensors_are_read(
    spec: EncoderSpec, published: Callable[..., tuple[Path, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []

    def watched(folder: Path, wanted: Callable[[str], bool]) -> Any:
        for name, tensor in read_tensors(folder, wanted):
            read.append(name)
            yield name, tensor

    monkeypatch.setattr("foresight_internvl2.weights.read_tensors", watched)
    folder, _ = published()
    encoder = spec.build(BuildRequest(weights="pretrained", source=str(folder)))
    encoder.encode(CLIPS, ["post_projector"])
    assert read
    assert not any(name.startswith("language_model.") for name in read)
    read.clear()
    encoder.encode(CLIPS, ["llm.02"])
    assert {name.split(".")[3] for name in read if ".layers." in name} == {"0", "1"}
    assert not any(name.endswith(("output.weight", "model.norm.weight")) for name in read)


def test_rotary_base_and_vocabulary_come_from_the_checkpoint(
    spec: EncoderSpec, published: Callable[..., tuple[Path, Any]]
) -> None:
    folder, _ = published()
    before = spec.build(BuildRequest(weights="pretrained", source=str(folder))).encode(CLIPS, ["llm.03"])
    config = json.loads((folder / "config.json").read_text())
    config["llm_config"]["rope_theta"] = 10.0
    (folder / "config.json").write_text(json.dumps(config))
    after = spec.build(BuildRequest(weights="pretrained", source=str(folder))).encode(CLIPS, ["llm.03"])
    assert not torch.allclose(before["llm.03"].tokens, after["llm.03"].tokens, atol=1e-4)


def _drop(folder: Path, name: str, replacement: dict[str, Tensor] | None = None) -> None:
    for path in folder.glob("*.safetensors"):
        tensors = load_file(path)
        if name in tensors:
            del tensors[name]
            save_file({**tensors, **(replacement or {})}, path)
            return
    raise AssertionError(f"{name} is in no shard")


def _fails(spec: EncoderSpec, folder: Path, tap: str = "post_projector") -> str:
    with pytest.raises(CheckpointError) as caught:
        spec.build(BuildRequest(weights="pretrained", source=str(folder))).encode(CLIPS, [tap])
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_missing_tensor_of_the_tower_is_refused(
    spec: EncoderSpec, published: Callable[..., tuple[Path, Any]]
) -> None:
    folder, _ = published()
    _drop(folder, "vision_model.encoder.layers.2.ls1")
    assert "1 missing (first: vision_tower.encoder.layer.2.lambda_1)" in _fails(spec, folder)


def test_a_missing_tensor_of_the_language_model_is_refused_when_it_is_needed(
    spec: EncoderSpec, published: Callable[..., tuple[Path, Any]]
) -> None:
    folder, _ = published()
    _drop(folder, "language_model.model.layers.1.attention.wqkv.weight")
    assert "3 missing (first: layers.1.self_attn.k_proj.weight)" in _fails(spec, folder, "llm.02")


@pytest.mark.parametrize(
    ("extra", "tap"),
    [
        ("qllama.embed.weight", "post_projector"),
        ("vision_model.head.weight", "post_projector"),
        ("language_model.model.layers.4.ffn_norm.weight", "llm.01"),
    ],
)
def test_an_unexpected_tensor_is_refused(
    spec: EncoderSpec, published: Callable[..., tuple[Path, Any]], extra: str, tap: str
) -> None:
    folder, _ = published()
    path = folder / "model-00001-of-00002.safetensors"
    save_file({**load_file(path), extra: torch.zeros(3)}, path)
    assert "1 unexpected" in _fails(spec, folder, tap)


def test_a_tensor_of_another_shape_is_refused(spec: EncoderSpec, published: Callable[..., tuple[Path, Any]]) -> None:
    folder, _ = published()
    _drop(folder, "mlp1.3.bias", {"mlp1.3.bias": torch.zeros(5)})
    assert "1 of another shape (first: multi_modal_projector.linear_2.bias)" in _fails(spec, folder)


def test_a_truncated_shard_is_refused(spec: EncoderSpec, published: Callable[..., tuple[Path, Any]]) -> None:
    folder, _ = published()
    path = folder / "model-00002-of-00002.safetensors"
    path.write_bytes(path.read_bytes()[:-100])
    assert "model-00002-of-00002.safetensors is damaged" in _fails(spec, folder)


def test_an_absent_shard_is_refused(spec: EncoderSpec, published: Callable[..., tuple[Path, Any]]) -> None:
    folder, _ = published()
    (folder / "model-00002-of-00002.safetensors").unlink()
    assert "names model-00002-of-00002.safetensors (1 absent)" in _fails(spec, folder)


def test_a_pickle_is_refused_and_not_opened(spec: EncoderSpec, published: Callable[..., tuple[Path, Any]]) -> None:
    folder, _ = published()
    for path in folder.glob("*.safetensors*"):
        path.unlink()
    (folder / "pytorch_model.bin").write_bytes(b"\x80\x04never read")
    assert "as a pickle (pytorch_model.bin)" in _fails(spec, folder)


def test_another_architecture_is_refused(spec: EncoderSpec, published: Callable[..., tuple[Path, Any]]) -> None:
    folder, _ = published(model_type="llava_next", auto_map={})
    assert "is a 'llava_next' checkpoint; InternVL2 needs 'internvl' or 'internvl_chat'" in _fails(spec, folder)


def test_a_native_layout_that_wants_remote_code_is_refused(
    spec: EncoderSpec, published: Callable[..., tuple[Path, Any]]
) -> None:
    folder, _ = published(model_type="internvl")
    assert "asks to run its own code" in _fails(spec, folder)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"llm_config": {"model_type": "phi3"}}, "llm_config.model_type is 'phi3'"),
        ({"ps_version": "v1"}, "ps_version is 'v1'"),
        ({"select_layer": -4}, "select_layer is -4"),
        ({"downsample_ratio": 0.25}, "downsample_ratio is 0.25"),
    ],
)
def test_a_variant_that_is_not_implemented_is_refused(
    spec: EncoderSpec, published: Callable[..., tuple[Path, Any]], changes: dict[str, Any], field: str
) -> None:
    folder, _ = published(**changes)
    message = _fails(spec, folder)
    assert field in message
    assert "own code is never run" in message


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"vision_config": {"num_hidden_layers": 24}}, "vision num_hidden_layers is 24, not 4"),
        ({"vision_config": {"image_size": 448}}, "vision image_size is 448, not 224"),
        ({"llm_config": {"hidden_size": 4096}}, "text hidden_size is 4096, not 96"),
    ],
)
def test_another_size_is_refused(
    spec: EncoderSpec, published: Callable[..., tuple[Path, Any]], changes: dict[str, Any], field: str
) -> None:
    folder, _ = published(**changes)
    assert f"is another size than internvl2_tiny: its {field}" in _fails(spec, folder)


def test_another_normalisation_is_refused(spec: EncoderSpec, published: Callable[..., tuple[Path, Any]]) -> None:
    folder, _ = published()
    (folder / "preprocessor_config.json").write_text(json.dumps({"image_mean": [0.5, 0.5, 0.5]}))
    assert "image_mean is [0.5, 0.5, 0.5]" in _fails(spec, folder)


def test_an_incomplete_config_is_refused(spec: EncoderSpec, published: Callable[..., tuple[Path, Any]]) -> None:
    folder, _ = published()
    config = json.loads((folder / "config.json").read_text())
    del config["vision_config"]["qkv_bias"]
    (folder / "config.json").write_text(json.dumps(config))
    assert "config.json lacks 'qkv_bias'" in _fails(spec, folder)
