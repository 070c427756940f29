"""Tiny parts of every published topology, and a checkpoint in the published pipeline layout."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import diffusers
import pytest
import torch
from foresight_harness import BuildRequest
from foresight_ltx_video.decoder import LTXVideoDecoder, build_decoder
from foresight_ltx_video.presets import (
    SHIFTED,
    VAE_091,
    VAE_095,
    AutoencoderPreset,
    TransformerPreset,
    autoencoder_preset,
    transformer_preset,
)

TINY = autoencoder_preset("ltx_video_tiny")
TINY_TRANSFORMER = transformer_preset("ltx_video_tiny")
TINY_091 = AutoencoderPreset(
    "tiny_091",
    VAE_091
    | {
        "block_out_channels": [8, 16, 32, 32],
        "layers_per_block": [1] * 5,
        "decoder_block_out_channels": [16, 32, 64],
        "decoder_layers_per_block": [1] * 4,
    },
    0,
)
TINY_095 = AutoencoderPreset(
    "tiny_095",
    VAE_095
    | {
        "block_out_channels": [8, 16, 32, 64, 128],
        "layers_per_block": [1] * 5,
        "decoder_block_out_channels": [16, 32, 64],
        "decoder_layers_per_block": [1] * 4,
    },
    0,
)


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="session", params=[TINY, TINY_091, TINY_095], ids=lambda preset: preset.name)
def decoder(request: pytest.FixtureRequest) -> LTXVideoDecoder:
    """A random decoder of each topology, with statistics of its own and, in 0.9.1, with noise that counts."""
    built = build_decoder(request.param, BuildRequest())
    generator = torch.Generator().manual_seed(3)
    built.vae.latents_mean.copy_(torch.randn(128, generator=generator))
    built.vae.latents_std.copy_(torch.rand(128, generator=generator) + 0.5)
    for name, parameter in built.vae.named_parameters():
        if "per_channel_scale" in name:
            parameter.fill_(0.3)  # zero in a fresh model: injected noise would have no effect
    return built


@pytest.fixture(scope="session")
def parts() -> dict[str, Any]:
    """The parts that ``checkpoint`` saves."""
    library: Any = diffusers
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(11)
        vae = library.AutoencoderKLLTXVideo(**TINY.config).eval()
        vae.latents_mean.copy_(torch.randn(128))
        vae.latents_std.copy_(torch.rand(128) + 0.5)
        transformer = library.LTXVideoTransformer3DModel(**TINY_TRANSFORMER.config).eval()
    return {"vae": vae, "transformer": transformer, "scheduler": library.FlowMatchEulerDiscreteScheduler(**SHIFTED)}


@pytest.fixture
def checkpoint(parts: dict[str, Any], tmp_path: Path) -> Path:
    """A folder as ``LTXPipeline.save_pretrained`` lays it out, without text encoder and tokenizer."""
    root = tmp_path / "LTX-Video"
    for name, part in parts.items():
        part.save_pretrained(root / name)
    index = {
        "_class_name": "LTXPipeline",
        "_diffusers_version": "0.32.0",
        "scheduler": ["diffusers", "FlowMatchEulerDiscreteScheduler"],
        "text_encoder": ["transformers", "T5EncoderModel"],
        "tokenizer": ["transformers", "T5TokenizerFast"],
        "transformer": ["diffusers", "LTXVideoTransformer3DModel"],
        "vae": ["diffusers", "AutoencoderKLLTXVideo"],
    }
    (root / "model_index.json").write_text(json.dumps(index))
    return root


@pytest.fixture
def rewrite() -> Callable[..., None]:
    """Change entries of a JSON file."""

    def change(path: Path, **fields: Any) -> None:
        path.write_text(json.dumps(json.loads(path.read_text()) | fields))

    return change


@pytest.fixture
def tiny_transformer() -> TransformerPreset:
    return TINY_TRANSFORMER


@pytest.fixture
def tiny() -> AutoencoderPreset:
    return TINY
