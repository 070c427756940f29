"""Published size to the digit, the library's own arithmetic, strict sizes and strict checkpoints."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from foresight_harness import BuildRequest
from foresight_harness.contracts.errors import CheckpointError, GridError
from foresight_harness.protocols import Decoder
from foresight_hunyuan_vae import foresight_decoders
from foresight_hunyuan_vae.building import build_decoder, construct
from foresight_hunyuan_vae.decoder import HunyuanDecoder
from foresight_hunyuan_vae.presets import PRESETS, Preset, preset
from safetensors.torch import load_file, save_file

FILE = "diffusion_pytorch_model.safetensors"
TINY = preset("hunyuan_vae_tiny")


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def decoder() -> HunyuanDecoder:
    return build_decoder(TINY, BuildRequest())


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    """A pipeline folder whose ``vae`` the library has saved."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(11)
        vae: Any = construct(TINY, TINY.config)
    vae.save_pretrained(tmp_path / "vae")
    return tmp_path


def load(source: Path, wanted: Preset = TINY) -> HunyuanDecoder:
    return build_decoder(wanted, BuildRequest(weights="pretrained", source=str(source)))


def clips(frames: int = 5, size: tuple[int, int] = (32, 40)) -> torch.Tensor:
    return torch.rand(2, frames, 3, *size, generator=torch.Generator().manual_seed(5))


@pytest.mark.parametrize("entry", PRESETS, ids=lambda entry: entry.name)
def test_parameters_are_the_declared_ones(entry: Preset) -> None:
    with torch.device("meta"):
        found = sum(parameter.numel() for parameter in construct(entry, entry.config).parameters())
    assert found == entry.params
    assert json.loads(json.dumps(entry.config)) == entry.config
    assert entry.size == "tiny" or found == {"hunyuan_vae": 246_478_803, "hunyuan_vae_15": 1_260_634_115}[entry.name]


def test_the_published_file_of_15_holds_that_many_parameters() -> None:
    assert preset("hunyuan_vae_15").params * 4 == pytest.approx(5.04e9, abs=5e6)


@pytest.mark.parametrize("name", ["hunyuan_vae", "hunyuan_vae_15"])
def test_the_published_size_is_the_librarys_default(name: str) -> None:
    with torch.device("meta"):
        default, ours = construct(preset(name), {}), construct(preset(name), preset(name).config)
    shapes = [{name: value.shape for name, value in vae.state_dict().items()} for vae in (default, ours)]
    assert shapes[0] == shapes[1]


def test_latents_are_the_scaled_mode_and_pixels_the_librarys(decoder: HunyuanDecoder) -> None:
    pixels = clips()
    latents = decoder.encode(pixels)
    mode = decoder.vae.encode(pixels.transpose(1, 2) * 2 - 1).latent_dist.mode()
    torch.testing.assert_close(latents, mode.permute(0, 2, 3, 4, 1) * 0.476986)
    wanted = (decoder.vae.decode(mode).sample.transpose(1, 2) / 2 + 0.5).clamp(0, 1)
    torch.testing.assert_close(decoder.decode(latents), wanted, atol=1e-5, rtol=1e-5)
    assert isinstance(decoder, Decoder)
    assert latents.shape == (2, 2, 4, 5, 16)


@pytest.fixture(scope="module")
def second() -> HunyuanDecoder:
    return build_decoder(preset("hunyuan_vae_15_tiny"), BuildRequest())


@pytest.mark.parametrize("size", [(64, 96), (112, 48)])
def test_latents_and_pixels_of_15_are_those_of_its_two_halves(second: HunyuanDecoder, size: tuple[int, int]) -> None:
    """Another route: encoder and decoder called as such, the mode taken from the moments by hand."""
    pixels = clips(size=size)
    latents = second.encode(pixels)
    with torch.no_grad():
        mode = torch.cat([second.vae.encoder(one[None].movedim(2, 1) * 2 - 1)[:, :32] for one in pixels])
        wanted = torch.cat([second.vae.decoder(one[None]) for one in mode]).movedim(1, 2)
    torch.testing.assert_close(latents, mode.movedim(1, -1) * 1.03682, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(second.decode(latents), (wanted / 2 + 0.5).clamp(0, 1), atol=1e-5, rtol=1e-5)
    assert latents.shape == (2, 2, size[0] // 16, size[1] // 16, 32)


def test_15_has_its_own_strides_and_width(second: HunyuanDecoder) -> None:
    with pytest.raises(GridError, match=r"^40x96 px: .* multiples of 16; the next smaller are 32x96$"):
        second.encode(clips(size=(40, 96)))
    with pytest.raises(GridError, match=r"are \[B, T', H', W', 32\]"):
        second.decode(torch.zeros(1, 1, 2, 2, 16))


def test_one_generation_is_no_other(checkpoint: Path, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="is a 'AutoencoderKLHunyuanVideo' checkpoint; HunyuanVideo"):
        load(checkpoint, preset("hunyuan_vae_15_tiny"))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(11)
        vae: Any = construct(preset("hunyuan_vae_15_tiny"), preset("hunyuan_vae_15_tiny").config)
    vae.save_pretrained(tmp_path / "second")
    loaded = load(tmp_path / "second", preset("hunyuan_vae_15_tiny")).vae.state_dict()
    assert all(torch.equal(loaded[name], value) for name, value in vae.state_dict().items())
    with pytest.raises(CheckpointError, match=r"another size: its block_out_channels is \[8, 8, 16, 64, 64\]"):
        load(tmp_path / "second", preset("hunyuan_vae_15"))


@pytest.mark.parametrize("name", ["hunyuan_vae_tiny", "hunyuan_vae_15_tiny"])
def test_long_clips_come_back_whole(name: str) -> None:
    decoder, long = build_decoder(preset(name), BuildRequest()), clips(frames=21, size=(16, 16))
    assert decoder.decode(decoder.encode(long)).shape == long.shape


def test_illegal_clips_and_latents_are_refused(decoder: HunyuanDecoder) -> None:
    with pytest.raises(GridError, match=r"^3 frames: HunyuanVideo takes 4k \+ 1 .* nearest are 1 and 5$"):
        decoder.encode(clips(frames=3))
    with pytest.raises(GridError, match=r"^36x40 px: .* next smaller are 32x40$"):
        decoder.encode(clips(size=(36, 40)))
    with pytest.raises(GridError, match=r"clips are \[B, T, 3"):
        decoder.encode(clips()[0])
    with pytest.raises(GridError, match=r"are \[B, T', H', W', 16\]"):
        decoder.decode(torch.zeros(1, 16, 1, 2, 2))


@pytest.mark.parametrize("inner", ["", "vae"])
def test_a_checkpoint_loads_from_the_pipelines_folder_or_from_its_vae(inner: str, checkpoint: Path) -> None:
    loaded, saved = load(checkpoint / inner).vae.state_dict(), load_file(checkpoint / "vae" / FILE)
    assert loaded.keys() == saved.keys()
    assert all(torch.equal(loaded[name], saved[name]) for name in saved)


def test_the_checkpoints_scaling_factor_counts(checkpoint: Path) -> None:
    config = checkpoint / "vae" / "config.json"
    before = load(checkpoint).encode(clips(frames=1))
    config.write_text(json.dumps(json.loads(config.read_text()) | {"scaling_factor": 0.953972}))
    torch.testing.assert_close(load(checkpoint).encode(clips(frames=1)), 2 * before)


def test_other_families_sizes_and_pickles_are_refused(checkpoint: Path) -> None:
    with pytest.raises(CheckpointError, match=r"another size: its block_out_channels is \[8, 8, 8, 8\]"):
        load(checkpoint, preset("hunyuan_vae"))
    config = checkpoint / "vae" / "config.json"
    kept = config.read_text()
    config.write_text(json.dumps(json.loads(kept) | {"_class_name": "AutoencoderKLLTXVideo"}))
    with pytest.raises(CheckpointError, match="is a 'AutoencoderKLLTXVideo' checkpoint; HunyuanVideo"):
        load(checkpoint)
    config.write_text(kept)
    (checkpoint / "vae" / FILE).rename(checkpoint / "vae" / "model.bin")
    with pytest.raises(CheckpointError, match="as a pickle"):
        load(checkpoint)


def test_damaged_and_incomplete_weights_are_refused(checkpoint: Path) -> None:
    path = checkpoint / "vae" / FILE
    weights = load_file(path)
    save_file({name: tensor for name, tensor in weights.items() if name != "quant_conv.bias"}, path)
    with pytest.raises(CheckpointError, match=re.escape("1 missing (first: quant_conv.bias)")):
        load(checkpoint)
    save_file(weights | {"extra": torch.zeros(1)}, path)
    with pytest.raises(CheckpointError, match=re.escape("1 unexpected (first: extra)")):
        load(checkpoint)
    path.with_name("other.safetensors").write_bytes(path.read_bytes())
    save_file(weights, path)
    load(checkpoint)  # what lies beside the weights is passed over
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(CheckpointError, match="is damaged"):
        load(checkpoint)


def test_offering_decoders_imports_neither_torch_nor_diffusers() -> None:
    code = (
        "import sys, foresight_hunyuan_vae as plugin; list(plugin.foresight_decoders());"
        "print([name for name in ('torch', 'diffusers', 'numpy') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_tiny_decoder_offers_random_weights_only_so_that_a_run_of_pretrained_ones_falls_back() -> None:
    offered = {spec.size: spec.weights for spec in foresight_decoders()}
    assert offered == {"published": ("random", "pretrained"), "tiny": ("random",)}
