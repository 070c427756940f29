"""Training of the finer nano autoencoder: its criteria, its start, its command."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from diffusers import AutoencoderKLLTXVideo
from foresight_harness import BuildRequest, LatentSpace
from foresight_harness.contracts.errors import GridError
from foresight_harness.parts.metrics.pixels import psnr
from foresight_ltx_video.ceiling.command import main
from foresight_ltx_video.ceiling.criteria import RoundTrip, change_kept, margins, standing
from foresight_ltx_video.ceiling.start import cell_codes, principal_pairs, start_from_pairs
from foresight_ltx_video.ceiling.training import reconstructed
from foresight_ltx_video.decoder import LTXVideoDecoder, build_decoder
from foresight_ltx_video.nano.principal import principal_basis
from foresight_ltx_video.presets import NANO_16PX, NANO_16PX_PRESET


def test_it_is_the_real_class_with_a_latent_space_of_its_own() -> None:
    finer: LTXVideoDecoder = build_decoder(NANO_16PX_PRESET, BuildRequest())
    assert type(finer.vae) is AutoencoderKLLTXVideo
    assert sum(parameter.numel() for parameter in finer.vae.parameters()) == NANO_16PX_PRESET.params
    assert finer.latent_space == LatentSpace(160, 16, 2)
    with torch.inference_mode():
        latents = finer.encode(torch.rand(1, 9, 3, 48, 64))
        assert latents.shape == (1, 5, 3, 4, 160)
        assert finer.decode(latents).shape == (1, 9, 3, 48, 64)
    with pytest.raises(
        GridError, match=r"8 frames: LTX-Video takes 2k \+ 1 frames \(1, 3, 5 ...\); nearest are 7 and 9"
    ):
        finer.encode(torch.rand(1, 8, 3, 48, 64))
    with pytest.raises(GridError, match="multiples of 16; nearest are 32 or 48 high"):
        finer.encode(torch.rand(1, 1, 3, 40, 64))


def test_margins_are_negative_exactly_where_a_criterion_is_missed() -> None:
    met = RoundTrip(0.2, 0.8, 27.0, object_iou=0.86, object_iou_of_target=0.97, change_kept=0.8)
    assert min(margins(met).values()) > 0
    worse = RoundTrip(0.41, 0.8, 25.9, object_iou=0.84, object_iou_of_target=0.97, change_kept=0.7)
    assert max(margins(worse).values()) < 0
    low = RoundTrip(0.2, 0.8, 27.0, object_iou=0.76, object_iou_of_target=0.8)
    assert margins(low)["object_iou"] == pytest.approx(0, abs=1e-9)
    assert standing({"a": met}) > standing({"a": met, "b": worse})


def test_frames_that_are_averaged_by_pairs_lose_half_of_the_change() -> None:
    clips = torch.rand(2, 9, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    pairs = clips[:, 1:].unflatten(1, (4, 2)).mean(2, keepdim=True).expand(-1, -1, 2, -1, -1, -1).flatten(1, 2)
    averaged = torch.cat([clips[:, :1], pairs], dim=1)
    assert change_kept(clips, clips).tolist() == [1, 1]
    assert float(change_kept(averaged, clips).max()) < 0.75


def test_its_start_is_the_projection_on_principal_components_of_pairs_of_frames() -> None:
    """All blocks add nothing at first, and what norms divide by is nearly one number: the class is then linear."""
    generator = torch.Generator().manual_seed(0)
    smooth = torch.nn.functional.interpolate(torch.rand(24, 3, 8, 8, generator=generator), size=(32, 32))
    stills = smooth * 2 - 1
    clips = torch.stack([torch.roll(stills, shift, -1) for shift in (0, 2, 4)], dim=1)
    model_class: Any = AutoencoderKLLTXVideo
    vae = model_class(**NANO_16PX)
    start_from_pairs(vae, stills, clips, 0)
    basis = principal_basis(stills, 8, 160)
    pairs = principal_pairs(basis, stills, clips, 159)
    codes = cell_codes(basis, stills[:4].unsqueeze(1))
    flat = pairs.components.flatten(0, 3)
    kept = (codes - pairs.mean).flatten(1) @ flat @ flat.T + pairs.mean.flatten()
    lost = float((kept - codes.flatten(1)).square().mean())
    assert lost < 1e-3
    shown = (stills[:4] / 2 + 0.5).unsqueeze(1)
    assert float(psnr(reconstructed(vae, shown), shown).min()) > 25


def test_the_command_says_in_one_line_what_it_was_asked_wrongly(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--steps", "many"])
    assert "invalid int value: 'many'" in capsys.readouterr().err
