"""Decoders that bring adapter, loss and sampler: fitted by their own loss, sampled by the seed of each sample."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from foresight_harness.contracts.errors import CandidateError, PluginError, UsageError
from foresight_harness.contracts.hooks import hookimpl
from foresight_harness.contracts.specs import DecoderSpec, GridShape, LatentSpace
from foresight_harness.measuring.fitting.conditioned_decoders import OwnAdapter, OwnTargets
from foresight_harness.parts import builtin
from foresight_harness.parts.metrics.pixels import psnr
from foresight_harness.parts.pixel_decoders.pixels import PixelSpace
from foresight_harness.planning.options import DatasetChoice, scale, scale_of
from foresight_harness.planning.plan import PlannedCell
from foresight_harness.planning.recipes import for_decoder, latents_recipe
from foresight_harness.planning.registry import PluginInfo, Registry, registry_from
from torch import Tensor, nn

STRIDE = 8


class NoisyPixels(PixelSpace):
    """Pixels through a linear map of each cell, with noise by seed: as little of a generator as the contract allows."""

    def build_adapter(self, shape: GridShape, *, gain: float = 1.0) -> nn.Module:
        layer = nn.Linear(shape.width, 3 * STRIDE**2)
        layer.weight.data *= gain
        return layer

    def loss(self, prompts: Tensor, latents: Tensor, generator: torch.Generator) -> Tensor:
        noise = 0.01 * torch.randn(latents.shape, generator=generator)
        means = prompts.mean((2, 3), keepdim=True) - (latents + noise).mean((2, 3), keepdim=True)
        return means.square().mean((1, 2, 3, 4))

    def sample(self, prompts: Tensor, size: tuple[int, int, int], seeds: Sequence[int]) -> Tensor:
        noise = [torch.rand(3 * STRIDE**2, generator=torch.Generator().manual_seed(seed)) for seed in seeds]
        means = prompts.mean((2, 3), keepdim=True).expand(-1, *size, -1)
        return means + 0.01 * torch.stack(noise)[:, None, None, None]

    def adapter_facts(self, adapter: nn.Module) -> Mapping[str, Any]:
        return {"positions_in_tokens": False}


OWN = DecoderSpec(
    name="noisy_pixels",
    build=lambda request: NoisyPixels(STRIDE),
    latent_space=LatentSpace(channels=3 * STRIDE**2, stride_px=STRIDE),
    adapter="own",
    loss="cell_means",
    family="pixels",
    size="tiny",
    weights=("random",),
    weightless=True,
)
NAME = "pixels@patch/identity/single/noisy_pixels"


def offering(*specs: DecoderSpec) -> Registry:
    offer = SimpleNamespace(foresight_decoders=hookimpl(lambda: specs))
    return registry_from(
        [
            (PluginInfo("builtin", "foresight-harness", "0", "0"), builtin),
            (PluginInfo("noisy", "foresight-noisy", "0", "0"), offer),
        ]
    )


@pytest.mark.usefixtures("few_pictures")
def test_a_cell_is_fitted_by_the_decoders_loss_and_says_what_its_adapter_is(make_bench, planned) -> None:
    registry = offering(OWN)
    bench = make_bench(registry)
    cell = planned(registry, NAME, "reconstruction")
    outcome = bench.run_cell(cell)
    assert outcome.details["positions_in_tokens"] is False
    assert "cell_means" in outcome.details["fit"]["phase"]
    assert outcome.details["fit"]["loss_last"] < outcome.details["fit"]["loss_first"]
    assert outcome.params["adapter"] > 0
    again = make_bench(registry).run_cell(cell)
    for one, other in zip(outcome.measurements, again.measurements, strict=True):
        np.testing.assert_array_equal(one.values, other.values)


class Continuing(NoisyPixels):
    """It repeats the frame that it is given."""

    def continue_first(self, clips: Tensor, seeds: Sequence[int]) -> Tensor:
        assert len(seeds) == len(clips)
        return self.encode(clips[:, :1].expand_as(clips))


@pytest.mark.usefixtures("few_pictures")
@pytest.mark.parametrize("kind", [Continuing, NoisyPixels])
def test_clips_continued_from_the_first_frame_are_a_reference_row_that_is_not_ranked(
    kind: type[NoisyPixels], make_bench, planned, monkeypatch
) -> None:
    small = replace(scale.SCALES["smoke"], clips_train=8, clips_test=2, clip_px=64)
    monkeypatch.setitem(scale.SCALES, "smoke", small)
    registry, clips = offering(replace(OWN, build=lambda request: kind(STRIDE))), DatasetChoice("moving_shapes")
    bench = make_bench(registry, datasets=(clips,))
    cell = planned(registry, NAME, "reconstruction")
    bench.plan([PlannedCell(cell.candidate, cell.suite, clips, clips=True)])
    found = {entry.metric: entry for entry in bench.run_cell(bench.planned[0]).measurements}
    row = found.get("psnr_first_frame")
    assert (row is not None) == (kind is Continuing)
    if row is not None:
        assert (row.direction, row.gateable, found["psnr"].direction) == ("none", False, "higher")
        true = bench.splits.decoded(clips, "test").take([0, 1])
        wanted = psnr(true[:, :1].expand_as(true), true)
        np.testing.assert_allclose(row.values[0][:2], wanted, rtol=1e-6)


def test_each_sample_has_noise_of_its_own_that_does_not_depend_on_its_batch() -> None:
    decoder = NoisyPixels(STRIDE)
    network = nn.Linear(4, 3 * STRIDE**2)
    adapter = OwnAdapter(network, decoder, (1, 2, 2))
    grid = torch.ones(6, 1, 2, 2, 4)
    found = adapter(grid)
    assert found.shape == (6, 1, 2, 2, 3 * STRIDE**2)
    assert len({float(one.sum()) for one in found}) == 6
    torch.testing.assert_close(adapter(grid[:5]), found[:5])


def test_before_and_after_a_fit_a_batch_is_under_the_same_noise() -> None:
    latents = torch.randn(4, 1, 2, 2, 3 * STRIDE**2)
    known: Any = SimpleNamespace(take=lambda indices: latents[list(indices)])
    targets = OwnTargets(NoisyPixels(STRIDE), known, seed=3)
    prompts = torch.zeros(2, 1, 2, 2, 3 * STRIDE**2, requires_grad=True)
    first, second = targets.loss(prompts, [0, 1]), targets.loss(prompts, [0, 1])
    with torch.no_grad():
        after = targets.loss(prompts, [0, 1])
    assert first.item() == after.item() != second.item()


def test_recipes_name_the_decoders_loss_and_refuse_to_compare_pictures() -> None:
    smoke = scale_of("smoke")
    phases = for_decoder(latents_recipe("frozen_enhancer", smoke), OWN).phases("latents")
    assert [phase.losses for phase in phases if phase.objective == "latents"] == [("cell_means",)]
    assert phases[0].losses != ("cell_means",)
    with pytest.raises(UsageError, match="--recipe perceptual compares decoded pictures, and noisy_pixels samples"):
        for_decoder(latents_recipe("perceptual", smoke), OWN)


def test_a_decoder_that_brings_no_adapter_is_refused_in_one_line(make_bench, planned) -> None:
    registry = offering(replace(OWN, build=lambda request: PixelSpace(STRIDE)))
    bench = make_bench(registry)
    with pytest.raises(PluginError, match="noisy_pixels declares adapter 'own'; it needs build_adapter"):
        bench.latents.conditioned(registry.decoder("noisy_pixels"))


def test_no_budget_adapter_stands_before_a_decoder_that_reads_for_itself() -> None:
    with pytest.raises(CandidateError, match="'noisy_pixels' reads the conditioning itself"):
        offering(OWN).decoder("adapter_1m:noisy_pixels")
