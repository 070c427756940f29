"""The user's path: a folder in the published layout, loaded by name."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from foresight_detectors.sizes import Size
from foresight_detectors.specs import encoder_spec
from foresight_harness import BuildRequest, CheckpointError, UsageError
from safetensors.torch import load_file, save_file

Write = Callable[..., Path]
BySize = Callable[[str], Size]
CLIPS = torch.rand(1, 1, 3, 56, 84, generator=torch.Generator().manual_seed(3))


def _features(size: Size, **request: object) -> torch.Tensor:
    spec = encoder_spec(size)
    encoder = spec.build(BuildRequest(input_px=64, **request))  # type: ignore[arg-type]
    grids = encoder.encode(CLIPS, [spec.default_tap, "boxes"])
    return torch.cat([grid.tokens.flatten() for grid in grids.values()])


def _load(size: Size, folder: Path) -> torch.Tensor:
    return _features(size, weights="pretrained", source=str(folder))


def _edit_config(folder: Path, part: str | None = None, **changes: object) -> None:
    path = folder / "config.json"
    content = json.loads(path.read_text())
    (content[part] if part else content).update(changes)
    path.write_text(json.dumps(content))


def test_a_folder_gives_the_features_and_boxes_of_the_model_that_wrote_it(tiny: Size, write_checkpoint: Write) -> None:
    written = _features(tiny, seed=7)
    assert torch.equal(_load(tiny, write_checkpoint(tiny.name, seed=7)), written)
    assert not torch.equal(_load(tiny, write_checkpoint(tiny.name, seed=8)), written)


def test_the_written_folder_has_the_names_of_the_hub(write_checkpoint: Write) -> None:
    owl = set(load_file(write_checkpoint("owlvit_tiny") / "model.safetensors"))
    assert {"owlvit.vision_model.encoder.layers.0.self_attn.q_proj.weight", "class_head.dense0.weight"} <= owl
    detr = set(load_file(write_checkpoint("detr_tiny") / "model.safetensors"))
    assert "model.encoder.layers.0.self_attn.out_proj.weight" in detr
    assert any(name.startswith("model.backbone.conv_encoder.model.") for name in detr)
    grounding = set(load_file(write_checkpoint("grounding_dino_tiny") / "model.safetensors"))
    swin = "model.backbone.conv_encoder.model.encoder.layers.0.blocks.0"
    assert {f"{swin}.attention.self.query.weight", f"{swin}.intermediate.dense.bias"} <= grounding
    assert {"bbox_embed.0.layers.0.weight", "model.text_backbone.embeddings.word_embeddings.weight"} <= grounding
    assert not any("bbox_embed.1" in name for name in grounding), "blocks of the decoder share their heads"


def test_shards_are_joined(tiny: Size, write_checkpoint: Write) -> None:
    folder = write_checkpoint(tiny.name, shard="400KB")
    assert len(list(folder.glob("*.safetensors"))) > 1
    assert torch.equal(_load(tiny, folder), _features(tiny, seed=7))


def test_the_offline_mirror_is_read_by_hub_id(
    write_checkpoint: Write, size: BySize, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_checkpoint("detr_tiny").rename(tmp_path / "mirrored")
    monkeypatch.setenv("FORESIGHT_WEIGHTS", str(tmp_path))
    found = _features(size("detr_tiny"), weights="pretrained", source="mirrored")
    assert torch.equal(found, _features(size("detr_tiny"), seed=7))
    with pytest.raises(CheckpointError, match="facebook/detr-resnet-50 is not in FORESIGHT_WEIGHTS"):
        _features(size("detr_resnet50"), weights="pretrained")


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("owlvit_tiny", "owlvit.vision_model.post_layernorm.weight"),
        ("owlvit_tiny", "owlvit.text_model.final_layer_norm.bias"),
        ("detr_tiny", "model.query_position_embeddings.weight"),
        ("detr_tiny", "bbox_predictor.layers.0.weight"),
        ("grounding_dino_tiny", "model.level_embed"),
        ("grounding_dino_tiny", "model.text_projection.weight"),
    ],
)
def test_a_missing_another_and_an_unexpected_tensor_are_refused(
    name: str, key: str, write_checkpoint: Write, size: BySize
) -> None:
    folder = write_checkpoint(name)
    tensors = load_file(folder / "model.safetensors")
    for changed, message in (
        ({one: value for one, value in tensors.items() if one != key}, f"1 missing .*{key}"),
        ({**tensors, key: torch.zeros(3)}, "1 of another shape"),
        ({**tensors, "neck.weight": torch.zeros(3)}, r"1 unexpected \(first: neck.weight"),
    ):
        save_file(changed, folder / "model.safetensors", metadata={"format": "pt"})
        with pytest.raises(CheckpointError, match=message) as caught:
            _load(size(name), folder)
        assert "\n" not in str(caught.value)


def test_counters_of_older_versions_are_left_out(write_checkpoint: Write, size: BySize) -> None:
    folder = write_checkpoint("owlvit_tiny")
    tensors = load_file(folder / "model.safetensors")
    tensors["owlvit.vision_model.embeddings.position_ids"] = torch.arange(197.0)
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})
    assert torch.equal(_load(size("owlvit_tiny"), folder), _features(size("owlvit_tiny"), seed=7))


@pytest.mark.parametrize(
    ("name", "part", "changes", "message"),
    [
        ("owlvit_tiny", "vision_config", {"hidden_size": 96}, "hidden_size is 96, owlvit_tiny has 64"),
        ("owlvit_tiny", "vision_config", {"patch_size": 32}, "patch_size is 32"),
        ("owlvit_tiny", "vision_config", {"hidden_act": "gelu"}, "hidden_act is 'gelu'"),
        ("owlvit_tiny", "text_config", {"num_attention_heads": 2}, "num_attention_heads is 2"),
        ("detr_tiny", None, {"encoder_layers": 3}, "encoder_layers is 3, detr_tiny has 2"),
        ("detr_tiny", None, {"position_embedding_type": "learned"}, "position_embedding_type is 'learned'"),
        ("grounding_dino_tiny", None, {"num_queries": 8}, "num_queries is 8, grounding_dino_tiny has 64"),
        ("grounding_dino_tiny", "backbone_config", {"window_size": 12}, "window_size is 12"),
        ("grounding_dino_tiny", "text_config", {"num_hidden_layers": 1}, "num_hidden_layers is 1"),
        ("detr_tiny", None, {"d_model": "wide"}, r"config\.json cannot be used"),
        ("detr_tiny", None, {"model_type": "conditional_detr"}, "'conditional_detr' checkpoint; detr_tiny needs"),
        ("detr_tiny", None, {"auto_map": {"AutoModel": "modeling_evil.Model"}}, "asks to run its own code"),
    ],
)
def test_a_configuration_that_contradicts_what_is_built_is_refused_by_name(
    name: str, part: str | None, changes: dict[str, object], message: str, write_checkpoint: Write, size: BySize
) -> None:
    folder = write_checkpoint(name)
    _edit_config(folder, part, **changes)
    with pytest.raises(CheckpointError, match=message) as caught:
        _load(size(name), folder)
    assert "\n" not in str(caught.value)


def test_heads_that_are_shared_and_what_is_not_read_may_be_written_or_not(
    write_checkpoint: Write, size: BySize
) -> None:
    folder = write_checkpoint("grounding_dino_tiny")
    tensors = load_file(folder / "model.safetensors")
    swin = "model.backbone.conv_encoder.model"
    more = {
        name.replace("bbox_embed.0", "model.decoder.bbox_embed.1"): value.clone() for name, value in tensors.items()
    }
    more |= {f"{swin}.layernorm.weight": torch.zeros(128), f"{swin}.layernorm.bias": torch.zeros(128)}
    more[f"{swin}.encoder.layers.0.blocks.0.attention.self.relative_position_index"] = torch.zeros(49, 49)
    save_file({**tensors, **more}, folder / "model.safetensors", metadata={"format": "pt"})
    assert torch.equal(_load(size("grounding_dino_tiny"), folder), _features(size("grounding_dino_tiny"), seed=7))


def test_one_family_is_no_other(write_checkpoint: Write, size: BySize) -> None:
    with pytest.raises(CheckpointError, match="'owlv2' checkpoint; owlvit_tiny needs 'owlvit'"):
        _load(size("owlvit_tiny"), write_checkpoint("owlv2_tiny"))


def test_a_pickle_is_refused(write_checkpoint: Write, size: BySize) -> None:
    folder = write_checkpoint("detr_tiny")
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(CheckpointError, match="pickle"):
        _load(size("detr_tiny"), folder)


def test_a_processor_of_other_colours_is_refused(tiny: Size, write_checkpoint: Write) -> None:
    folder = write_checkpoint(tiny.name)
    (folder / "preprocessor_config.json").write_text(json.dumps({"image_mean": [0.5, 0.5, 0.5]}))
    with pytest.raises(CheckpointError, match=rf"image_mean is \[0\.5, 0\.5, 0\.5\], {tiny.name} has"):
        _load(tiny, folder)


def test_weights_that_are_not_on_offer_and_a_side_under_one_cell_are_refused(tiny: Size) -> None:
    with pytest.raises(UsageError, match="nano weights are not on offer"):
        _features(tiny, weights="nano")
    with pytest.raises(UsageError, match="less than one cell"):
        encoder_spec(tiny).build(BuildRequest(input_px=15))


def test_a_model_that_memory_cannot_hold_is_refused(size: BySize, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("foresight_harness.parts.weights.preflight._free_bytes", lambda device: 2**26)
    with pytest.raises(UsageError, match=r"detr_resnet50 needs 0.2 GiB for its weights in float32"):
        encoder_spec(size("detr_resnet50")).build(BuildRequest())
