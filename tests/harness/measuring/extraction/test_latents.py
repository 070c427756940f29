"""Decoders as they are built for their latents."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from foresight_harness.contracts.errors import CheckpointError
from foresight_harness.contracts.specs import BuildRequest, DecoderSpec, LatentSpace
from foresight_harness.measuring.extraction.latents import Latents
from torch import nn


def latents_of(weights: str) -> tuple[Latents, DecoderSpec]:
    """A decoder one of whose weights is no number, built with weights of that kind."""

    def build(request: BuildRequest) -> Any:
        model = nn.Linear(3, 2)
        nn.init.constant_(model.bias, float("nan"))
        return SimpleNamespace(model=model)

    spec = DecoderSpec("vae_fake", build, LatentSpace(4, 8))
    unused: Any = None
    return Latents(unused, unused, lambda _: BuildRequest(weights=weights), unused), spec  # type: ignore[arg-type]


@pytest.mark.parametrize("weights", ["pretrained", "nano"])
def test_a_decoder_with_weights_that_are_no_numbers_is_refused_by_name(weights: str) -> None:
    latents, spec = latents_of(weights)
    with pytest.raises(CheckpointError, match=r"^decoder vae_fake: 2 of 2 values of bias are not finite"):
        latents.decoder(spec)


def test_random_weights_of_a_decoder_are_not_searched() -> None:
    """They are made here, and a large decoder has billions."""
    latents, spec = latents_of("random")
    assert latents.decoder(spec) is latents.decoder(spec)
