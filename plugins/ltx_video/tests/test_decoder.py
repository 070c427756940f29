"""The decoder on every published topology: against the pipeline's own arithmetic, repeatable, strict about sizes."""

from __future__ import annotations

import pytest
import torch
from diffusers import LTXPipeline
from foresight_harness import BuildRequest
from foresight_harness.contracts.errors import GridError
from foresight_harness.protocols import Decoder
from foresight_ltx_video.decoder import LTXVideoDecoder, build_decoder
from foresight_ltx_video.legal_sizes import require_legal_size
from foresight_ltx_video.presets import DECODE_NOISE_SCALE, DECODE_TIMESTEP, AutoencoderPreset


def clips(frames: int = 9, batch: int = 2, size: tuple[int, int] = (64, 96)) -> torch.Tensor:
    return torch.rand(batch, frames, 3, *size, generator=torch.Generator().manual_seed(5))


def test_encode_is_the_posteriors_mode_normalised_as_the_pipeline_does(decoder: LTXVideoDecoder) -> None:
    pixels = clips()
    found = decoder.encode(pixels)
    with torch.no_grad():
        mode = decoder.vae.encode(pixels.transpose(1, 2) * 2 - 1).latent_dist.mode()
    wanted = LTXPipeline._normalize_latents(mode, decoder.vae.latents_mean, decoder.vae.latents_std, 1.0)
    torch.testing.assert_close(found, wanted.permute(0, 2, 3, 4, 1))
    assert found.shape == (2, 2, 2, 3, 128)
    assert isinstance(decoder, Decoder)


def test_decode_is_the_pipelines_own_last_step(decoder: LTXVideoDecoder) -> None:
    latents = decoder.encode(clips())
    found = decoder.decode(latents)
    vae = decoder.vae
    own = LTXPipeline._denormalize_latents(latents.permute(0, 4, 1, 2, 3), vae.latents_mean, vae.latents_std, 1.0)
    timestep = None
    if vae.config.timestep_conditioning:
        noise = torch.randn((1, *own.shape[1:]), generator=torch.Generator().manual_seed(0))
        own = (1 - DECODE_NOISE_SCALE) * own + DECODE_NOISE_SCALE * noise
        timestep = torch.tensor([DECODE_TIMESTEP] * 2)
    torch.manual_seed(0)
    wanted = (vae.decode(own, timestep).sample.transpose(1, 2) / 2 + 0.5).clamp(0, 1)
    torch.testing.assert_close(found, wanted)
    assert found.shape == (2, 9, 3, 64, 96)


def test_statistics_and_scaling_factor_are_the_checkpoints(decoder: LTXVideoDecoder) -> None:
    pixels = clips(frames=1, batch=1)
    before = decoder.encode(pixels)
    decoder.vae.latents_mean.add_(1)
    moved = decoder.encode(pixels)
    decoder.vae.latents_mean.sub_(1)
    torch.testing.assert_close(moved, before - 1 / decoder.vae.latents_std)
    assert decoder.facts()["latent_statistics"] == "checkpoint"


def test_decoding_repeats_whatever_the_global_generator_and_leaves_it_alone(decoder: LTXVideoDecoder) -> None:
    latents = decoder.encode(clips(frames=1))
    torch.manual_seed(1)
    first = decoder.decode(latents)
    following = torch.rand(1)
    torch.manual_seed(1)
    assert torch.equal(torch.rand(1), following)
    torch.manual_seed(2)
    assert torch.equal(decoder.decode(latents), first)


def test_injected_noise_counts_where_a_version_injects_it(decoder: LTXVideoDecoder) -> None:
    own = decoder.encode(clips(frames=1, batch=1)).permute(0, 4, 1, 2, 3)
    timestep = torch.tensor([DECODE_TIMESTEP]) if decoder.vae.config.timestep_conditioning else None
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        first, second = (decoder.vae.decode(own, timestep).sample for _ in range(2))
    assert torch.equal(first, second) != any(decoder.vae.config.decoder_inject_noise)


def test_a_clip_decodes_alone_as_in_a_batch(decoder: LTXVideoDecoder) -> None:
    latents = decoder.encode(clips())
    together = decoder.decode(latents)
    torch.testing.assert_close(decoder.decode(latents[1:]), together[1:], atol=1e-5, rtol=1e-5)


def test_decoding_can_be_differentiated_and_parameters_cannot(decoder: LTXVideoDecoder) -> None:
    latents = decoder.encode(clips(frames=1, batch=1)).requires_grad_()
    (gradient,) = torch.autograd.grad((decoder.decode(latents) - 0.5).square().mean(), latents)
    assert float(gradient.abs().sum()) > 0
    assert not any(parameter.requires_grad for parameter in decoder.vae.parameters())


def test_facts_say_what_was_used(decoder: LTXVideoDecoder) -> None:
    facts = decoder.facts()
    conditioned = decoder.vae.config.timestep_conditioning
    assert facts["dtype"] == "float32"
    assert facts["params"] == sum(parameter.numel() for parameter in decoder.vae.parameters())
    assert facts["timestep_conditioning"] == conditioned
    assert facts["decode_timestep"] == (0.05 if conditioned else None)
    assert facts["noise_seed"] == (0 if conditioned else None)


def test_a_fresh_random_decoder_says_that_its_statistics_are_none(tiny: AutoencoderPreset) -> None:
    assert build_decoder(tiny, BuildRequest()).facts()["latent_statistics"] == "identity"


def test_half_precision_gives_float32_pixels(tiny: AutoencoderPreset) -> None:
    half = build_decoder(tiny, BuildRequest(dtype="bfloat16"))
    latents = half.encode(clips(frames=1, batch=1))
    assert half.facts()["dtype"] == "bfloat16"
    assert latents.dtype == half.decode(latents).dtype == torch.float32
    whole = build_decoder(tiny, BuildRequest())
    torch.testing.assert_close(latents, whole.encode(clips(frames=1, batch=1)), atol=0.05, rtol=0.05)


@pytest.mark.parametrize(
    ("frames", "nearest"), [(2, "1 and 9"), (8, "1 and 9"), (10, "9 and 17"), (16, "9 and 17"), (0, "1")]
)
def test_other_counts_of_frames_are_refused_with_the_nearest_legal(frames: int, nearest: str) -> None:
    with pytest.raises(GridError, match=rf"^{frames} frames: LTX-Video takes 8k \+ 1 .* nearest are {nearest}$"):
        require_legal_size(frames, 64, 64)


@pytest.mark.parametrize("frames", [1, 9, 17, 121])
def test_legal_counts_of_frames_pass(frames: int) -> None:
    require_legal_size(frames, 32, 704)


@pytest.mark.parametrize(
    ("size", "nearest"),
    [
        ((200, 224), "192 or 224 high and 224 wide"),
        ((224, 30), "224 high and 32 wide"),
        ((33, 65), "32 or 64 high and 64 or 96 wide"),
    ],
)
def test_other_sizes_are_refused_with_the_nearest_legal(size: tuple[int, int], nearest: str) -> None:
    with pytest.raises(GridError, match=f"^{size[0]}x{size[1]} px: .* nearest are {nearest}$"):
        require_legal_size(1, *size)


def test_the_decoder_refuses_illegal_clips_before_the_library_cuts_them(decoder: LTXVideoDecoder) -> None:
    with pytest.raises(GridError, match="2 frames"):
        decoder.encode(clips(frames=2))
    with pytest.raises(GridError, match="60x96 px"):
        decoder.encode(clips(size=(60, 96)))
    with pytest.raises(GridError, match=r"clips are \[B, T, 3"):
        decoder.encode(clips()[0])


def test_latents_of_another_layout_are_refused(decoder: LTXVideoDecoder) -> None:
    with pytest.raises(GridError, match=r"are \[B, T', H', W', 128\], got shape \(1, 128, 1, 2, 2\)"):
        decoder.decode(torch.zeros(1, 128, 1, 2, 2))
