from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest
import torch
from foresight_harness import BuildRequest, DecoderSpec, GridError, LatentSpace
from foresight_harness.surface.conformance import decoder_checks as checks
from foresight_harness.testing import ConformanceError
from torch import Tensor
from torch.nn import functional as F

STRIDE = 8
SPACE = LatentSpace(channels=3 * STRIDE**2, stride_px=STRIDE, stride_frames=2)


class Decoder:
    """Pixels of a cell times a random rotation of channels; every second frame. Honest unless ``fault`` is named."""

    def __init__(self, fault: str, seed: int) -> None:
        self.fault = fault
        self.latent_space = replace(SPACE, channels=1) if fault == "other_space" else SPACE
        generator = torch.Generator().manual_seed(0 if fault == "one_seed" else seed)
        if fault == "unseeded":
            generator.seed()
        self.mix = torch.linalg.qr(torch.randn(SPACE.channels, SPACE.channels, generator=generator))[0]
        if fault == "moves_generator":
            torch.rand(1)

    def encode(self, clips: Tensor) -> Tensor:
        rows, cols = clips.shape[-2:]
        if (rows % STRIDE or cols % STRIDE) and self.fault != "takes_any_size":
            raise GridError(f"{rows}x{cols} px" + ("\nis wrong" if self.fault == "two_lines" else ""))
        clips = clips[..., : rows // STRIDE * STRIDE, : cols // STRIDE * STRIDE]
        frames = clips[:, :: 1 if self.fault == "every_frame" else 2] * 2 - 1
        cells = F.pixel_unshuffle(frames, STRIDE).permute(0, 1, 3, 4, 2)
        if self.fault == "batch_dependence":
            cells = cells - cells.mean(0, keepdim=True)
        if self.fault == "swapped":
            batch, time, height, width, channels = cells.shape
            cells = cells.reshape(batch, time, width, height, channels).transpose(2, 3)
        if self.fault == "noise":
            cells = cells + 0.1 * torch.randn_like(cells)
        latents: Tensor = cells @ self.mix
        return latents

    def decode(self, latents: Tensor) -> Tensor:
        cells = latents @ self.mix.T
        if self.fault == "mirrored":
            cells = cells.flip(2)
        pictures = F.pixel_shuffle(cells.permute(0, 1, 4, 2, 3), STRIDE) / 2 + 0.5
        if self.fault == "dead":
            pictures = pictures * 0
        pictures = pictures.repeat_interleave(2, 1)[:, 1:]
        return pictures if self.fault == "not_clamped" else pictures.clamp(0, 1)

    def facts(self) -> Mapping[str, Any]:
        if self.fault == "no_facts":
            return {"dtype": "float32"}
        dtype = "float16" if self.fault == "wrong_dtype" else "float32"
        return {"dtype": dtype, "params": self.mix.numel() + (self.fault == "wrong_params")}


def make_spec(fault: str = "") -> DecoderSpec:
    return DecoderSpec(
        "fake", lambda request: Decoder(fault, request.seed), SPACE, params=SPACE.channels**2, size="tiny"
    )


REQUEST = BuildRequest()
CHECKS: dict[str, Callable[[DecoderSpec], None]] = {
    "latent_space": lambda spec: checks.check_latent_space(spec.build(REQUEST), spec),
    "illegal_size": lambda spec: checks.check_illegal_size(spec.build(REQUEST), spec),
    "places": lambda spec: checks.check_places(spec.build(REQUEST), spec, tolerance_cells=0),
    "batch": lambda spec: checks.check_batch_invariance(spec.build(REQUEST), spec),
    "seed": lambda spec: checks.check_seed(spec, REQUEST),
    "facts": lambda spec: checks.check_facts(spec.build(REQUEST), spec, REQUEST),
}

CAUGHT = [
    ("latent_space", "other_space"),
    ("latent_space", "every_frame"),
    ("latent_space", "not_clamped"),
    ("illegal_size", "takes_any_size"),
    ("illegal_size", "two_lines"),
    ("places", "swapped"),
    ("places", "mirrored"),
    ("places", "dead"),
    ("batch", "batch_dependence"),
    ("batch", "noise"),
    ("seed", "one_seed"),
    ("seed", "unseeded"),
    ("seed", "moves_generator"),
    ("seed", "noise"),
    ("facts", "no_facts"),
    ("facts", "wrong_dtype"),
    ("facts", "wrong_params"),
]


@pytest.mark.parametrize("check", list(CHECKS))
def test_an_honest_decoder_passes_every_check(check: str) -> None:
    CHECKS[check](make_spec())


@pytest.mark.parametrize(("check", "fault"), CAUGHT)
def test_a_planted_fault_is_caught_by_its_check(check: str, fault: str) -> None:
    with pytest.raises(ConformanceError):
        CHECKS[check](make_spec(fault))


def test_every_check_has_a_fault_that_it_catches() -> None:
    assert set(CHECKS) == {check for check, _ in CAUGHT}
