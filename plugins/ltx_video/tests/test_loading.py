"""Checkpoints in the published layout, whole and damaged, loaded as a user does."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from foresight_harness import BuildRequest, DecoderSpec
from foresight_harness.contracts.errors import CheckpointError, UsageError
from foresight_harness.weights import provenance_of
from foresight_ltx_video import foresight_decoders
from foresight_ltx_video.decoder import build_decoder
from foresight_ltx_video.generation import build_transformer
from foresight_ltx_video.presets import AutoencoderPreset, TransformerPreset, autoencoder_preset
from safetensors.torch import load_file, save_file

VAE_FILE = "diffusion_pytorch_model.safetensors"


@pytest.fixture
def spec() -> DecoderSpec:
    return next(spec for spec in foresight_decoders() if spec.name == "ltx_video_tiny")


def pretrained(source: Path | str | None) -> BuildRequest:
    return BuildRequest(weights="pretrained", source=None if source is None else str(source))


@pytest.mark.parametrize("inner", ["", "vae"])
def test_a_checkpoint_loads_from_the_pipelines_folder_or_from_its_vae(
    inner: str, spec: DecoderSpec, checkpoint: Path, parts: dict[str, Any]
) -> None:
    decoder = spec.build(pretrained(checkpoint / inner))
    loaded, saved = decoder.vae.state_dict(), parts["vae"].state_dict()  # type: ignore[attr-defined]
    assert loaded.keys() == saved.keys()
    assert all(torch.equal(loaded[name], saved[name]) for name in saved)
    assert decoder.facts()["latent_statistics"] == "checkpoint"


def test_an_offline_mirror_is_found_by_hub_id(
    checkpoint: Path, monkeypatch: pytest.MonkeyPatch, tiny: AutoencoderPreset
) -> None:
    monkeypatch.setenv("FORESIGHT_WEIGHTS", str(checkpoint.parent.parent))
    decoder = build_decoder(tiny, pretrained(f"{checkpoint.parent.name}/LTX-Video"))
    assert decoder.facts()["latent_statistics"] == "checkpoint"


def test_only_the_autoencoder_is_fetched_from_the_hub(
    checkpoint: Path, monkeypatch: pytest.MonkeyPatch, tiny: AutoencoderPreset
) -> None:
    asked: list[Any] = []

    def snapshot(repo: str, revision: str | None, allow_patterns: list[str]) -> str:
        asked.append((repo, allow_patterns))
        return str(checkpoint)

    monkeypatch.delenv("FORESIGHT_WEIGHTS", raising=False)
    monkeypatch.setattr("huggingface_hub.snapshot_download", snapshot)
    build_decoder(tiny, pretrained("Lightricks/LTX-Video"))
    assert asked[0][0] == "Lightricks/LTX-Video"
    assert all(pattern.startswith("vae/") for pattern in asked[0][1])
    assert "vae/*.safetensors" in asked[0][1]


def test_provenance_is_that_of_the_autoencoder(checkpoint: Path, spec: DecoderSpec) -> None:
    request = pretrained(checkpoint)
    before = provenance_of(spec.name, spec.config, request, repo=spec.repo, subfolder=spec.subfolder)
    weights = load_file(checkpoint / "transformer" / VAE_FILE)
    save_file({name: tensor + 1 for name, tensor in weights.items()}, checkpoint / "transformer" / VAE_FILE)
    assert provenance_of(spec.name, spec.config, request, subfolder=spec.subfolder) == before
    weights = load_file(checkpoint / "vae" / VAE_FILE)
    save_file({name: tensor + 1 for name, tensor in weights.items()}, checkpoint / "vae" / VAE_FILE)
    assert provenance_of(spec.name, spec.config, request, subfolder=spec.subfolder).sha256 != before.sha256


def test_weights_split_over_shards_load(checkpoint: Path, parts: dict[str, Any], tiny: AutoencoderPreset) -> None:
    for file in (checkpoint / "vae").glob("*.safetensors"):
        file.unlink()
    parts["vae"].save_pretrained(checkpoint / "vae", max_shard_size="1MB")
    assert len(list((checkpoint / "vae").glob("*.safetensors"))) > 1
    loaded = build_decoder(tiny, pretrained(checkpoint)).vae.state_dict()
    assert all(torch.equal(loaded[name], tensor) for name, tensor in parts["vae"].state_dict().items())


def test_a_missing_shard_is_refused(checkpoint: Path, parts: dict[str, Any], tiny: AutoencoderPreset) -> None:
    (checkpoint / "vae" / VAE_FILE).unlink()
    parts["vae"].save_pretrained(checkpoint / "vae", max_shard_size="1MB")
    sorted((checkpoint / "vae").glob("*.safetensors"))[0].unlink()
    with pytest.raises(CheckpointError, match="names diffusion_pytorch_model-00001-of"):
        build_decoder(tiny, pretrained(checkpoint))


def test_a_truncated_shard_is_refused(checkpoint: Path, tiny: AutoencoderPreset) -> None:
    path = checkpoint / "vae" / VAE_FILE
    path.write_bytes(path.read_bytes()[:-1000])
    with pytest.raises(CheckpointError, match=rf"{VAE_FILE} is damaged"):
        build_decoder(tiny, pretrained(checkpoint))


def test_a_pickle_is_refused(checkpoint: Path, tiny: AutoencoderPreset) -> None:
    (checkpoint / "vae" / VAE_FILE).rename(checkpoint / "vae" / "diffusion_pytorch_model.bin")
    with pytest.raises(CheckpointError, match="holds its weights as a pickle"):
        build_decoder(tiny, pretrained(checkpoint))


@pytest.mark.parametrize("family", ["AutoencoderKLLTX2Video", "AutoencoderKLHunyuanVideo", "AutoencoderKL"])
def test_another_family_is_refused_in_one_line(
    family: str, checkpoint: Path, rewrite: Callable[..., None], tiny: AutoencoderPreset
) -> None:
    rewrite(checkpoint / "vae" / "config.json", _class_name=family)
    with pytest.raises(CheckpointError, match=f"is a '{family}' checkpoint; LTX-Video .* needs") as caught:
        build_decoder(tiny, pretrained(checkpoint))
    assert "\n" not in str(caught.value)


def test_another_version_is_refused_by_name(checkpoint: Path) -> None:
    with pytest.raises(CheckpointError, match=r"another version: its .* is .*, LTX-Video \(ltx_video\) has"):
        build_decoder(autoencoder_preset("ltx_video"), pretrained(checkpoint))


def test_a_conditioned_checkpoint_is_not_read_as_an_unconditioned_one(
    checkpoint: Path, rewrite: Callable[..., None], tiny: AutoencoderPreset
) -> None:
    rewrite(checkpoint / "vae" / "config.json", timestep_conditioning=True)
    with pytest.raises(CheckpointError, match="its timestep_conditioning is True"):
        build_decoder(tiny, pretrained(checkpoint))


def test_older_configurations_with_fewer_entries_load(checkpoint: Path, tiny: AutoencoderPreset) -> None:
    path = checkpoint / "vae" / "config.json"
    config = json.loads(path.read_text())
    for entry in (
        "down_block_types",
        "downsample_type",
        "upsample_residual",
        "upsample_factor",
        "timestep_conditioning",
    ):
        del config[entry]
    path.write_text(json.dumps(config))
    assert build_decoder(tiny, pretrained(checkpoint)).facts()["timestep_conditioning"] is False


def changed_weights(checkpoint: Path, change: Callable[[dict[str, torch.Tensor]], object]) -> None:
    path = checkpoint / "vae" / VAE_FILE
    weights = load_file(path)
    change(weights)
    save_file(weights, path)


def test_a_missing_tensor_is_an_error(checkpoint: Path, tiny: AutoencoderPreset) -> None:
    changed_weights(
        checkpoint, lambda weights: [weights.pop(name) for name in ("latents_mean", "latents_std")] and None
    )
    with pytest.raises(CheckpointError, match=re.escape("2 missing (first: latents_mean)")):
        build_decoder(tiny, pretrained(checkpoint))


def test_a_left_over_tensor_is_an_error(checkpoint: Path, tiny: AutoencoderPreset) -> None:
    changed_weights(checkpoint, lambda weights: weights.update(extra=torch.zeros(1)))
    with pytest.raises(CheckpointError, match=re.escape("1 unexpected (first: extra)")):
        build_decoder(tiny, pretrained(checkpoint))


def test_a_tensor_of_another_shape_is_an_error(checkpoint: Path, tiny: AutoencoderPreset) -> None:
    changed_weights(checkpoint, lambda weights: weights.update(latents_mean=torch.zeros(64)))
    with pytest.raises(CheckpointError, match=re.escape("1 of another shape (first: latents_mean)")):
        build_decoder(tiny, pretrained(checkpoint))


def test_a_variant_beside_the_weights_is_passed_over_and_alone_is_read(
    checkpoint: Path, tiny: AutoencoderPreset
) -> None:
    path = checkpoint / "vae" / VAE_FILE
    wanted = build_decoder(tiny, pretrained(checkpoint)).facts()
    variant = path.parent / "diffusion_pytorch_model.fp16.safetensors"
    variant.write_bytes(b"never read")
    assert build_decoder(tiny, pretrained(checkpoint)).facts() == wanted
    path.replace(variant)
    assert build_decoder(tiny, pretrained(checkpoint)).facts() == wanted


def test_a_configuration_that_is_absent_or_broken_is_said(checkpoint: Path, tiny: AutoencoderPreset) -> None:
    path = checkpoint / "vae" / "config.json"
    path.write_text("{")
    with pytest.raises(CheckpointError, match="is not valid JSON"):
        build_decoder(tiny, pretrained(checkpoint))
    path.unlink()
    with pytest.raises(CheckpointError, match=r"has no config\.json"):
        build_decoder(tiny, pretrained(checkpoint))


def test_tiny_without_a_folder_is_told_to_pass_one(tiny: AutoencoderPreset) -> None:
    with pytest.raises(CheckpointError, match="names no checkpoint; pass a folder"):
        build_decoder(tiny, pretrained(None))


def test_seeds_decide_random_weights(tiny: AutoencoderPreset) -> None:
    first, again, other = (build_decoder(tiny, BuildRequest(seed=seed)).vae.state_dict() for seed in (4, 4, 5))
    name = "decoder.conv_in.conv.weight"
    assert torch.equal(first[name], again[name])
    assert not torch.equal(first[name], other[name])


def test_a_model_that_does_not_fit_is_refused_before_it_is_built(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("foresight_harness.parts.weights.preflight._free_bytes", lambda device: 2**30)
    with pytest.raises(UsageError, match=r"ltx_video needs 1\.6 GiB for its weights in float32"):
        build_decoder(autoencoder_preset("ltx_video"), BuildRequest())


def test_the_transformer_loads_strictly_too(
    checkpoint: Path, parts: dict[str, Any], tiny_transformer: TransformerPreset, rewrite: Callable[..., None]
) -> None:
    loaded = build_transformer(tiny_transformer, pretrained(checkpoint)).state_dict()
    assert all(torch.equal(loaded[name], tensor) for name, tensor in parts["transformer"].state_dict().items())
    rewrite(checkpoint / "transformer" / "config.json", num_layers=3)
    with pytest.raises(CheckpointError, match="its num_layers is 3"):
        build_transformer(tiny_transformer, pretrained(checkpoint))
