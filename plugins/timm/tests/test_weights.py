"""The user's path: a folder as timm publishes it, or one file."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from foresight_harness import BuildRequest, CheckpointError, UsageError
from foresight_harness.contracts.progress import silent
from foresight_harness.planning.options import RunOptions, WeightsSource
from foresight_harness.planning.registry import load_registry
from foresight_harness.running.keeper import RunKeeper
from foresight_harness.running.run_folder.recording import _loaded
from foresight_timm.presets import Preset
from foresight_timm.specs import encoder_spec
from foresight_timm.weights import read_checkpoint
from safetensors.torch import load_file, save_file

Write = Callable[..., Path]
ByName = Callable[[str], Preset]
CLIPS = torch.rand(1, 1, 3, 60, 90, generator=torch.Generator().manual_seed(3))


def _features(preset: Preset, **request: object) -> torch.Tensor:
    spec = encoder_spec(preset)
    encoder = spec.build(BuildRequest(**request))  # type: ignore[arg-type]
    return encoder.encode(CLIPS, [spec.default_tap])[spec.default_tap].tokens


def _load(preset: Preset, source: Path, **request: object) -> torch.Tensor:
    return _features(preset, weights="pretrained", source=str(source), **request)


def _edit(folder: Path, change: Callable[[dict[str, torch.Tensor]], None]) -> None:
    tensors = load_file(folder / "model.safetensors")
    change(tensors)
    save_file(tensors, folder / "model.safetensors", metadata={"format": "pt"})


@pytest.mark.parametrize("name", ["sam_tiny", "siglip_tiny", "eva02_tiny", "mae_tiny"])
def test_a_folder_gives_the_features_of_the_model_that_wrote_it(
    name: str, write_checkpoint: Write, preset: ByName
) -> None:
    written = _features(preset(name), seed=7)
    assert torch.equal(_load(preset(name), write_checkpoint(name, seed=7)), written)
    assert not torch.equal(_load(preset(name), write_checkpoint(name, seed=8)), written)


def test_one_file_works_like_its_folder(write_checkpoint: Write, preset: ByName) -> None:
    folder = write_checkpoint("mae_tiny")
    assert torch.equal(_load(preset("mae_tiny"), folder / "model.safetensors"), _load(preset("mae_tiny"), folder))


def test_a_run_reads_one_file_by_the_option_and_records_its_sha256(
    write_checkpoint: Write, preset: ByName, tmp_path: Path
) -> None:
    file = write_checkpoint("mae_tiny", seed=8) / "model.safetensors"
    options = RunOptions(
        weights_sources=(WeightsSource("mae_tiny", str(file)),), out=tmp_path / "runs", cache=tmp_path / "cache"
    )
    registry = load_registry()
    keeper = RunKeeper(registry, options, silent(), "pytest benchmarks/")
    spec = registry.encoder("mae_tiny")
    found = keeper.workshop.extraction.provenance(spec)
    assert (found.kind, found.repo) == ("pretrained", str(file))
    assert found.sha256 == hashlib.sha256(file.read_bytes()).hexdigest()
    features = keeper.workshop.pool.get(spec).encode(CLIPS, [spec.default_tap])[spec.default_tap].tokens
    assert torch.equal(features, _features(preset("mae_tiny"), seed=8))


def test_a_classifier_in_the_checkpoint_is_left_out(write_checkpoint: Write, preset: ByName) -> None:
    folder = write_checkpoint("mae_tiny")
    plain = _load(preset("mae_tiny"), folder)
    _edit(folder, lambda tensors: tensors.update({"head.weight": torch.rand(10, 64), "head.bias": torch.rand(10)}))
    assert torch.equal(_load(preset("mae_tiny"), folder), plain)


def test_positions_are_resampled_to_another_side(write_checkpoint: Write, preset: ByName) -> None:
    folder = write_checkpoint("siglip_tiny")
    found = _load(preset("siglip_tiny"), folder, input_px=112)
    assert found.shape == (1, 1, 8, 8, 64)
    assert not torch.equal(found, _features(preset("siglip_tiny"), seed=7, input_px=112))


def test_the_offline_mirror_is_read_by_hub_id(
    write_checkpoint: Write, preset: ByName, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_checkpoint("mae_tiny")
    monkeypatch.setenv("FORESIGHT_WEIGHTS", str(tmp_path))
    found = _features(preset("mae_tiny"), weights="pretrained", source="mae_tiny")
    assert torch.equal(found, _features(preset("mae_tiny"), seed=7))
    with pytest.raises(CheckpointError, match=r"timm/vit_base_patch16_224.mae is not in FORESIGHT_WEIGHTS"):
        _features(preset("mae_b"), weights="pretrained")


@pytest.mark.parametrize("key", ["blocks.2.mlp.fc1.bias", "pos_embed", "norm.weight"])
def test_a_missing_key_is_refused(key: str, write_checkpoint: Write, preset: ByName) -> None:
    folder = write_checkpoint("mae_tiny")
    _edit(folder, lambda tensors: tensors.__delitem__(key))
    with pytest.raises(CheckpointError, match=rf"1 missing \(first: {key}\)") as caught:
        _load(preset("mae_tiny"), folder)
    assert "\n" not in str(caught.value)


def test_an_unexpected_key_is_refused(write_checkpoint: Write, preset: ByName) -> None:
    folder = write_checkpoint("mae_tiny")
    _edit(folder, lambda tensors: tensors.update({"blocks.9.norm1.weight": torch.zeros(64)}))
    with pytest.raises(CheckpointError, match=r"1 unexpected \(first: blocks.9.norm1.weight\)"):
        _load(preset("mae_tiny"), folder)


def test_a_tensor_of_another_shape_is_refused(write_checkpoint: Write, preset: ByName) -> None:
    folder = write_checkpoint("mae_tiny")
    _edit(folder, lambda tensors: tensors.update({"norm.weight": torch.ones(65)}))
    with pytest.raises(CheckpointError, match=r"1 of another shape \(first: norm.weight\)"):
        _load(preset("mae_tiny"), folder)


def test_a_truncated_file_is_refused(write_checkpoint: Write, preset: ByName) -> None:
    folder = write_checkpoint("mae_tiny")
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-100])
    for source in (folder, path):
        with pytest.raises(CheckpointError, match="is damaged") as caught:
            _load(preset("mae_tiny"), source)
        assert "\n" not in str(caught.value)


def test_another_architecture_is_refused(write_checkpoint: Write, preset: ByName) -> None:
    with pytest.raises(CheckpointError, match="is a 'samvit_base_patch16' checkpoint; mae_tiny needs"):
        _load(preset("mae_tiny"), write_checkpoint("sam_tiny"))


def test_a_pickle_is_refused(write_checkpoint: Write, preset: ByName) -> None:
    folder = write_checkpoint("mae_tiny")
    pickle = (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    for source in (folder, pickle):
        with pytest.raises(CheckpointError, match="pickle"):
            _load(preset("mae_tiny"), source)


def test_a_wish_for_remote_code_is_refused(write_checkpoint: Write, preset: ByName) -> None:
    folder = write_checkpoint("mae_tiny")
    path = folder / "config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "auto_map": {"AutoModel": "evil.Model"}}))
    with pytest.raises(CheckpointError, match="asks to run its own code"):
        _load(preset("mae_tiny"), folder)


def test_weights_that_are_not_on_offer_are_refused(preset: ByName) -> None:
    with pytest.raises(UsageError, match="nano weights are not on offer"):
        _features(preset("mae_tiny"), weights="nano")


def test_averaged_weights_beside_the_model_are_not_loaded(write_checkpoint: Write, preset: ByName) -> None:
    folder = write_checkpoint("mae_tiny")
    tensors = load_file(folder / "model.safetensors")
    save_file({name: torch.zeros_like(tensor) for name, tensor in tensors.items()}, folder / "model_ema.safetensors")
    assert torch.equal(_load(preset("mae_tiny"), folder), _features(preset("mae_tiny"), seed=7))


@pytest.mark.parametrize("prefix", ["module.", "model.", "backbone.", "_orig_mod.", "module.backbone.", "net.vit."])
def test_a_model_inside_a_larger_checkpoint_is_loaded(prefix: str, write_checkpoint: Write, preset: ByName) -> None:
    folder = write_checkpoint("mae_tiny")
    tensors = load_file(folder / "model.safetensors")
    around = {"decode_head.weight": torch.zeros(3)} if prefix.endswith(("backbone.", "vit.")) else {}
    save_file({prefix + name: tensor for name, tensor in tensors.items()} | around, folder / "model.safetensors")
    for source in (folder, folder / "model.safetensors"):
        assert torch.equal(_load(preset("mae_tiny"), source), _features(preset("mae_tiny"), seed=7))


def test_a_model_that_is_there_twice_is_refused(write_checkpoint: Write, preset: ByName) -> None:
    folder = write_checkpoint("mae_tiny")
    tensors = load_file(folder / "model.safetensors")
    both = {f"{who}.{name}": tensor.clone() for who in ("student", "teacher") for name, tensor in tensors.items()}
    save_file(both, folder / "model.safetensors")
    with pytest.raises(CheckpointError, match=r"holds the model 2 times, under 'student\.' and 'teacher\.'"):
        _load(preset("mae_tiny"), folder)


def _change_config(folder: Path, change: Callable[[dict[str, object]], object]) -> None:
    config = json.loads((folder / "config.json").read_text())
    change(config)
    (folder / "config.json").write_text(json.dumps(config))


@pytest.mark.parametrize(
    ("facts", "message"),
    [
        ({"mean": [0.5] * 3}, r"pretrained_cfg\.mean is \[0\.5, 0\.5, 0\.5\], mae_tiny has \[0\.485"),
        ({"std": [0.5] * 3}, r"pretrained_cfg\.std is"),
        ({"interpolation": "bilinear"}, r"pretrained_cfg\.interpolation is 'bilinear', mae_tiny has 'bicubic'"),
    ],
)
def test_colours_of_the_checkpoint_that_differ_are_refused_by_name(
    facts: dict[str, object], message: str, write_checkpoint: Write, preset: ByName
) -> None:
    folder = write_checkpoint("mae_tiny")
    _change_config(folder, lambda config: config["pretrained_cfg"].update(facts))  # type: ignore[attr-defined]
    with pytest.raises(CheckpointError, match=message) as caught:
        _load(preset("mae_tiny"), folder)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("arguments", [{"act_layer": "relu"}, {"norm_layer": "rmsnorm"}, {"num_heads": 8}])
def test_arguments_that_no_shape_shows_are_refused_by_name(
    arguments: dict[str, object], write_checkpoint: Write, preset: ByName
) -> None:
    folder = write_checkpoint("mae_tiny")
    _change_config(folder, lambda config: config.update(model_args=arguments))
    with pytest.raises(CheckpointError, match=f"{next(iter(arguments))} is"):
        _load(preset("mae_tiny"), folder)


def test_weights_of_another_tag_are_refused_with_their_own_name(write_checkpoint: Write, preset: ByName) -> None:
    folder = write_checkpoint("mae_tiny")
    tagged = replace(preset("mae_tiny"), architecture="vit_base_patch16_224.mae")
    _change_config(folder, lambda config: config["pretrained_cfg"].update(tag="dino"))  # type: ignore[attr-defined]
    with pytest.raises(CheckpointError, match=r"the weights 'dino'.*score them as timm:vit_base_patch16_224\.dino"):
        read_checkpoint(tagged, BuildRequest(weights="pretrained", source=str(folder)))


@pytest.mark.parametrize(
    ("positions", "message"),
    [
        (slice(1, None), r"pos_embed is \(1, 196, 64\), the model's \(1, 197, 64\).*class token's position is missing"),
        (slice(0, 190), r"pos_embed is \(1, 190, 64\), the model's \(1, 197, 64\): 1 and a square of positions$"),
        (slice(0, 1), r"pos_embed is \(1, 1, 64\)"),
    ],
)
def test_positions_that_are_no_square_are_refused_with_both_shapes(
    positions: slice, message: str, write_checkpoint: Write, preset: ByName
) -> None:
    folder = write_checkpoint("mae_tiny")
    _edit(folder, lambda tensors: tensors.update(pos_embed=tensors["pos_embed"][:, positions].contiguous()))
    with pytest.raises(CheckpointError, match=message):
        _load(preset("mae_tiny"), folder)


def test_patches_of_another_size_are_refused_and_not_resampled(write_checkpoint: Write, preset: ByName) -> None:
    folder = write_checkpoint("mae_tiny")
    _edit(folder, lambda tensors: tensors.update({"patch_embed.proj.weight": torch.zeros(64, 3, 14, 14)}))
    with pytest.raises(CheckpointError, match=r"patch_embed\.proj\.weight\), \(64, 3, 14, 14\) in the checkpoint"):
        _load(preset("mae_tiny"), folder)


def test_what_timm_cannot_bring_to_its_layout_is_one_line(write_checkpoint: Write, preset: ByName) -> None:
    folder = write_checkpoint("mae_tiny")
    _edit(folder, lambda tensors: tensors.update({"patch_embed.proj.weight": torch.zeros(64, 5)}))
    with pytest.raises(CheckpointError, match="cannot be brought to timm's layout") as caught:
        _load(preset("mae_tiny"), folder)
    assert "\n" not in str(caught.value)


def test_quantised_weights_are_refused_in_a_folder_and_alone(write_checkpoint: Write, preset: ByName) -> None:
    folder = write_checkpoint("mae_tiny")
    _edit(folder, lambda tensors: tensors.update({"blocks.0.attn.qkv.weight": torch.zeros(192, 64).to(torch.int8)}))
    for source in (folder, folder / "model.safetensors"):
        with pytest.raises(CheckpointError, match=r"blocks\.0\.attn\.qkv\.weight is stored as I8"):
            _load(preset("mae_tiny"), source)


def test_a_run_says_what_of_a_folder_was_not_read_and_keeps_it_in_its_records(
    write_checkpoint: Write, tmp_path: Path
) -> None:
    folder = write_checkpoint("mae_tiny")
    _edit(folder, lambda tensors: tensors.update({"head.weight": torch.rand(10, 64)}))
    save_file({"head.weight": torch.zeros(1)}, folder / "model_ema.safetensors")
    options = RunOptions(
        weights_sources=(WeightsSource("mae_tiny", str(folder)),), out=tmp_path / "runs", cache=tmp_path / "cache"
    )
    registry = load_registry()
    extraction = RunKeeper(registry, options, silent(), "pytest benchmarks/").workshop.extraction
    assert extraction.remarks() == {}
    found = extraction.provenance(registry.encoder("mae_tiny"))
    said = ("passed over model_ema.safetensors beside its weights", "left out head.weight behind its tokens")
    assert extraction.remarks() == {"mae_tiny": said}
    model = _loaded("encoder", "mae_tiny", found, trusted=False)
    assert model.as_json()["remarks"] == list(said)
    assert "remarks" not in _loaded("encoder", "mae_tiny", replace(found, remarks=()), trusted=False).as_json()
