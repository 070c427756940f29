"""Published configurations: parameter counts to the digit, and offers that cost nothing."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib.metadata import version
from typing import Any

import pytest
import torch
from diffusers import AutoencoderKLLTXVideo, LTXVideoTransformer3DModel
from foresight_harness import LatentSpace
from foresight_ltx_video import foresight_decoders, foresight_environment
from foresight_ltx_video.loading import count_params
from foresight_ltx_video.presets import AUTOENCODERS, TRANSFORMERS, AutoencoderPreset, TransformerPreset

PUBLISHED = {
    "ltx_video": 419_193_649,
    "ltx_video_091": 934_976_434,
    "ltx_video_095": 1_246_913_522,
    "ltx_video_097": 1_246_913_522,
    "ltx_video_2b": 1_923_385_472,
    "ltx_video_13b": 13_042_569_344,
}


@pytest.mark.parametrize("preset", AUTOENCODERS, ids=lambda preset: preset.name)
def test_an_autoencoder_has_the_parameters_that_its_spec_declares(preset: AutoencoderPreset) -> None:
    assert count_params(AutoencoderKLLTXVideo, preset.config) == preset.params
    assert preset.size == "tiny" or preset.params == PUBLISHED[preset.name]


@pytest.mark.parametrize("preset", TRANSFORMERS, ids=lambda preset: preset.name)
def test_a_transformer_has_the_parameters_that_its_preset_declares(preset: TransformerPreset) -> None:
    assert count_params(LTXVideoTransformer3DModel, preset.config) == preset.params
    assert "pretrained" not in preset.weights or preset.params == PUBLISHED[preset.name]


def test_090_is_the_librarys_default() -> None:
    model_class: Any = AutoencoderKLLTXVideo
    with torch.device("meta"):
        default, ours = model_class(), model_class(**AUTOENCODERS[0].config)
    shapes = [{name: value.shape for name, value in vae.state_dict().items()} for vae in (default, ours)]
    assert shapes[0] == shapes[1]


def test_every_version_is_offered_with_one_latent_space_and_the_finer_nano_says_its_own() -> None:
    specs = {spec.name: spec for spec in foresight_decoders() if spec.adapter != "own"}
    assert list(specs) == [
        "ltx_video",
        "ltx_video_091",
        "ltx_video_095",
        "ltx_video_097",
        "ltx_video_tiny",
        "ltx_video_nano",
        "ltx_video_16px_nano",
    ]
    assert specs["ltx_video_16px_nano"].latent_space == LatentSpace(160, 16, 2)
    others = {spec.latent_space for name, spec in specs.items() if name != "ltx_video_16px_nano"}
    assert others == {LatentSpace(128, 32, 8)}
    assert specs["ltx_video"].repo == "Lightricks/LTX-Video"
    assert {spec.subfolder for spec in specs.values()} == {"vae"}
    assert [spec.name for spec in specs.values() if spec.size == "tiny"] == [
        "ltx_video_tiny",
        "ltx_video_nano",
        "ltx_video_16px_nano",
    ]


def test_configurations_are_json() -> None:
    for preset in (*AUTOENCODERS, *TRANSFORMERS):
        assert json.loads(json.dumps(preset.config)) == preset.config


def test_the_run_is_told_the_version_of_diffusers() -> None:
    assert foresight_environment() == {"diffusers": version("diffusers")}


def test_offering_decoders_imports_neither_torch_nor_diffusers() -> None:
    code = (
        "import sys, foresight_ltx_video as plugin; list(plugin.foresight_decoders()); plugin.foresight_environment();"
        "print([name for name in ('torch', 'diffusers', 'transformers', 'numpy') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_small_decoder_offers_one_kind_of_weights_only_so_that_a_run_of_pretrained_ones_falls_back() -> None:
    offered = {spec.name: spec.weights for spec in foresight_decoders()}
    for name in ("ltx_video_tiny", "ltx_video_dit_tiny", "ltx_video_dit_tiny_unplaced"):
        assert offered.pop(name) == ("random",)
    for name in ("ltx_video_nano", "ltx_video_16px_nano", "ltx_video_dit_nano", "ltx_video_dit_nano_unplaced"):
        assert offered.pop(name) == ("nano",)
    assert set(offered.values()) == {("random", "pretrained")}
