"""The user's path: a folder in the published layout."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from foresight_grounding_vlms import spec_of
from foresight_grounding_vlms.presets import PRESETS, Size
from foresight_harness import BuildRequest, CheckpointError, UsageError
from safetensors.torch import load_file, save_file

Write = Callable[..., Path]
BY_NAME = {preset.name: preset for preset in PRESETS}
CLIPS = torch.rand(1, 1, 3, 56, 84, generator=torch.Generator().manual_seed(3))


def _features(preset: Size, **request: object) -> torch.Tensor:
    spec = spec_of(preset)
    grids = spec.build(BuildRequest(**request)).encode(CLIPS, [tap.name for tap in spec.taps])  # type: ignore[arg-type]
    return torch.cat([grid.tokens.flatten() for grid in grids.values()])


def _load(preset: Size, folder: Path) -> torch.Tensor:
    return _features(preset, weights="pretrained", source=str(folder))


def _refusal(preset: Size, folder: Path) -> str:
    with pytest.raises(CheckpointError) as caught:
        _load(preset, folder)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_folder_gives_the_features_of_the_model_that_wrote_it(tiny: Size, write_checkpoint: Write) -> None:
    assert torch.equal(_load(tiny, write_checkpoint(tiny, 7)), _features(tiny, seed=7))
    assert not torch.equal(_load(tiny, write_checkpoint(tiny, 8)), _features(tiny, seed=7))


def test_shards_are_joined(tiny: Size, write_checkpoint: Write) -> None:
    folder = write_checkpoint(tiny, shard="400KB")
    assert len(list(folder.glob("*.safetensors"))) > 1
    assert torch.equal(_load(tiny, folder), _features(tiny, seed=7))


def test_the_written_folder_has_the_names_of_the_hub(write_checkpoint: Write) -> None:
    florence = set(load_file(write_checkpoint(BY_NAME["florence2_tiny"]) / "model.safetensors"))
    assert "model.vision_tower.blocks.0.0.spatial_block.window_attn.qkv.weight" in florence
    assert "model.multi_modal_projector.image_projection.weight" in florence
    kosmos = set(load_file(write_checkpoint(BY_NAME["kosmos2_tiny"]) / "model.safetensors"))
    assert "vision_model.model.encoder.layers.0.self_attn.q_proj.weight" in kosmos
    assert "image_to_text_projection.latent_query" in kosmos


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("florence2_tiny", "model.vision_tower.convs.1.norm.weight"),
        ("florence2_tiny", "model.multi_modal_projector.image_projection.weight"),
        ("kosmos2_tiny", "vision_model.model.post_layernorm.bias"),
    ],
)
def test_a_missing_another_and_an_unexpected_tensor_are_refused(name: str, key: str, write_checkpoint: Write) -> None:
    folder = write_checkpoint(BY_NAME[name])
    path = folder / "model.safetensors"
    tensors = load_file(path)
    prefix = key.rpartition(".")[0]
    for changed, message in (
        ({one: value for one, value in tensors.items() if one != key}, "1 missing"),
        ({**tensors, key: torch.zeros(3)}, "1 of another shape"),
        ({**tensors, f"{prefix}.extra": torch.zeros(3)}, "1 unexpected"),
    ):
        save_file(changed, path, metadata={"format": "pt"})
        assert message in _refusal(BY_NAME[name], folder)


@pytest.mark.parametrize(
    ("name", "changes", "message"),
    [
        ("florence2_tiny", {"window_size": 12}, "its vision window_size is 12, not 4"),
        ("florence2_tiny", {"depths": [1, 1, 9, 1]}, "its vision depths is [1, 1, 9, 1]"),
        ("kosmos2_tiny", {"image_size": 224}, "its vision image_size is 224, not 112"),
        ("kosmos2_tiny", {"hidden_act": "gelu"}, "its vision hidden_act is gelu, not quick_gelu"),
    ],
)
def test_a_configuration_of_another_size_is_refused_by_name(
    name: str, changes: dict[str, object], message: str, write_checkpoint: Write
) -> None:
    folder = write_checkpoint(BY_NAME[name])
    content = json.loads((folder / "config.json").read_text())
    content["vision_config"].update(changes)
    (folder / "config.json").write_text(json.dumps(content))
    assert message in _refusal(BY_NAME[name], folder)


def test_one_family_is_no_other_and_no_code_of_a_folder_is_run(write_checkpoint: Write) -> None:
    folder = write_checkpoint(BY_NAME["kosmos2_tiny"])
    assert "is a 'kosmos-2' checkpoint; Florence-2 needs 'florence2'" in _refusal(BY_NAME["florence2_tiny"], folder)
    content = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**content, "auto_map": {"AutoModel": "modeling_evil.Model"}}))
    assert "asks to run its own code" in _refusal(BY_NAME["kosmos2_tiny"], folder)


def test_a_processor_of_other_colours_is_refused(tiny: Size, write_checkpoint: Write) -> None:
    folder = write_checkpoint(tiny)
    (folder / "preprocessor_config.json").write_text(json.dumps({"image_mean": [0.5, 0.5, 0.5]}))
    assert "image_mean is [0.5, 0.5, 0.5]" in _refusal(tiny, folder)


def test_weights_that_are_not_on_offer_are_refused(tiny: Size) -> None:
    with pytest.raises(UsageError, match="has no nano weights; choose random or pretrained"):
        _features(tiny, weights="nano")
