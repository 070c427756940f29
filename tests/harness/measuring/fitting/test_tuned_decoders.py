"""Decoders that a fit may change by parameters of its own: trained last, used when sampled, kept with the fit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest
import torch
from foresight_harness.contracts.errors import UsageError
from foresight_harness.contracts.hooks import hookimpl
from foresight_harness.contracts.specs import DecoderSpec, GridShape, LatentSpace
from foresight_harness.measuring.fitting.conditioned_decoders import OwnAdapter
from foresight_harness.measuring.workshop.cell import Cell
from foresight_harness.parts.pixel_decoders.pixels import PixelSpace
from foresight_harness.planning.options import scale_of
from foresight_harness.planning.recipes import for_decoder, latents_recipe
from foresight_harness.planning.registry import PluginInfo, Registry, own_plugins, registry_from
from foresight_harness.running.kept_fits import kept_path, read_fit
from foresight_harness.surface.fit_export.conditioner import adapter_head
from torch import Tensor, nn

STRIDE = 8
NAME = "pixels@patch/identity/single/tunable_pixels"


class Grey(nn.Module):
    """Brightness of every token through a scale that starts at nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.zeros(()))

    def forward(self, grid: Tensor) -> Tensor:
        return self.scale * grid.mean(-1, keepdim=True)


class Tunable(PixelSpace):
    """A grey of the picture's brightness in every cell, plus the colours that it is tuned by: none where it is not."""

    shift: Tensor | float = 0.0
    trained: ClassVar[list[bool]] = []
    """Of every loss with gradients, whether it was tuned."""

    def build_adapter(self, shape: GridShape) -> nn.Module:
        return Grey()

    def build_tuning(self, *, width: int) -> nn.Module:
        return nn.ParameterDict({"shift": nn.Parameter(torch.zeros(width))})

    @contextmanager
    def tuned(self, tuning: nn.Module) -> Iterator[None]:
        self.shift = tuning["shift"]
        try:
            yield
        finally:
            self.shift = 0.0

    def loss(self, prompts: Tensor, latents: Tensor, generator: torch.Generator) -> Tensor:
        if torch.is_grad_enabled():
            Tunable.trained.append(isinstance(self.shift, Tensor))
        means = (self.shift + prompts).mean((2, 3)) - latents.mean((2, 3))
        return means.square().mean((1, 2))

    def sample(self, prompts: Tensor, size: tuple[int, int, int], seeds: Sequence[int]) -> Tensor:
        return (prompts + self.shift + torch.zeros(3 * STRIDE**2)).mean((2, 3), keepdim=True).expand(-1, *size, -1)

    def adapter_facts(self, adapter: nn.Module) -> Mapping[str, Any]:
        return {"positions_in_tokens": False}


SPEC = DecoderSpec(
    name="tunable_pixels",
    build=lambda request: Tunable(STRIDE),
    latent_space=LatentSpace(channels=3 * STRIDE**2, stride_px=STRIDE),
    adapter="own",
    loss="cell_means",
    tuning={"width": 3 * STRIDE**2},
    family="pixels",
    size="tiny",
    weights=("random",),
    weightless=True,
)
FROZEN = replace(SPEC, name="frozen_pixels", tuning={})
SCALE = scale_of("smoke")


def offering(*specs: DecoderSpec) -> Registry:
    offer = SimpleNamespace(foresight_decoders=hookimpl(lambda: specs))
    return registry_from([*own_plugins(), (PluginInfo("tunable", "foresight-tunable", "0", "0"), offer)])


def assigned_of(keeper, planned) -> Cell:
    return Cell(keeper.workshop, planned.candidate, planned.suite, planned.dataset)


@pytest.mark.usefixtures("few_pictures")
def test_the_last_phase_tunes_the_decoder_and_the_fit_keeps_what_it_learned(make_keeper, planned) -> None:
    Tunable.trained.clear()
    registry = offering(SPEC)
    keeper = make_keeper(registry, recipe="decoder_lora", keep_fits=True)
    cell = planned(registry, NAME, "reconstruction")
    keeper.plan([cell])
    outcome = keeper.run_cell(cell)
    steps = len(Tunable.trained) // 2
    assert Tunable.trained == [False] * steps + [True] * steps
    assert outcome.params["tuning"] == 3 * STRIDE**2
    fit = outcome.details["fit"]
    assert "decoder" in fit["phase"]
    assert "decoder" not in fit["earlier"][0]["phase"]
    assert fit["grad_norms"]["decoder"] > 0
    assert fit["first_batch_after"] < fit["first_batch_before"]
    assert keeper.workshop.latents.decoder(cell.candidate.decoder).shift == 0.0
    assigned = assigned_of(keeper, cell)
    assert kept_path(keeper.folder.path, assigned, "latents", 0).is_file()
    kept = read_fit(keeper.folder.path, assigned, "latents", 0)
    assert kept is not None
    made = assigned.fitted_for_latents(0).adapter
    again = kept.fitted.adapter
    assert isinstance(made, OwnAdapter)
    assert isinstance(again, OwnAdapter)
    assert made.tuning is not None
    assert again.tuning is not None
    assert made.tuning["shift"].abs().max() > 0
    assert torch.equal(made.tuning["shift"], again.tuning["shift"])
    with pytest.raises(UsageError, match="changed its decoder"):
        adapter_head(made, (1, 2, 2))


def test_sampling_goes_through_what_the_fit_learned_and_leaves_the_decoder_as_it_was() -> None:
    decoder = Tunable(STRIDE)
    network = Grey()
    tuning = decoder.build_tuning(width=3 * STRIDE**2)
    nn.init.constant_(tuning["shift"], 0.25)
    grid = torch.randn(2, 1, 2, 2, 4, generator=torch.Generator().manual_seed(0))
    plain = OwnAdapter(network, decoder, (1, 2, 2))(grid)
    changed = OwnAdapter(network, decoder, (1, 2, 2), tuning)(grid)
    assert torch.allclose(changed, plain + 0.25, atol=1e-6)
    assert torch.equal(OwnAdapter(network, decoder, (1, 2, 2))(grid), plain)


@pytest.mark.parametrize(
    "decoder",
    [
        FROZEN,
        replace(SPEC, name="averaged", adapter="linear"),
        DecoderSpec("plain", lambda request: PixelSpace(8), LatentSpace(192, 8)),
    ],
)
def test_a_decoder_with_nothing_to_tune_is_refused_in_one_line(decoder: DecoderSpec) -> None:
    with pytest.raises(
        UsageError, match=rf"^--recipe decoder_lora tunes the decoder itself, and {decoder.name} offers"
    ):
        for_decoder(latents_recipe("decoder_lora", SCALE), decoder)
    assert for_decoder(latents_recipe("decoder_lora", SCALE), SPEC).weights == {"cell_means": 1.0}


def test_a_tuning_is_a_choice_of_the_protocol_only_where_it_is_used(make_keeper, planned) -> None:
    registry = offering(SPEC)
    cell = planned(registry, NAME, "reconstruction")
    protocols = [assigned_of(make_keeper(registry, recipe=name), cell).protocol() for name in ("joint", "decoder_lora")]
    assert "tuning" not in protocols[0]
    assert protocols[1]["tuning"] == {"width": 3 * STRIDE**2}
