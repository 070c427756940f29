"""One fit in the making: modules that go from phase to phase, and what closes the fit."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from foresight_harness.contracts.errors import CandidateError
from foresight_harness.contracts.protocols import ConditionedDecoder, TunableDecoder
from foresight_harness.contracts.specs import GridShape
from foresight_harness.measuring.conditioning import Conditioning, build_modules
from foresight_harness.measuring.conditioning.slots import in_common_slots
from foresight_harness.measuring.fitting.adapters import (
    PLACINGS,
    LinearAdapter,
    TrainedAdapter,
    build_adapter,
    fit_linear,
    on_latent_grid,
)
from foresight_harness.measuring.fitting.conditioned_decoders import OwnAdapter, OwnTargets
from foresight_harness.measuring.fitting.fitted import FitRequest, Fitted
from foresight_harness.measuring.fitting.localisation import PlaceTargets
from foresight_harness.measuring.fitting.pathway import Pathway, Task
from foresight_harness.measuring.fitting.reconstruction import LATENT, LatentTargets
from foresight_harness.measuring.fitting.set_readers import SetReader
from foresight_harness.parts.training.convergence import Convergence
from foresight_harness.parts.training.early_stopping import held_out
from foresight_harness.parts.training.recipe import DECODER, Phase, Recipe
from foresight_harness.planning.candidates import ResolvedCandidate

SET_READER_CELLS = 16
"""Side of the grid on which a token set is read for localisation: that of the ViTs under test."""

HELD_BYTES = 2**28
"""Conditioning grids of a frozen pipeline are computed once and held, up to this size."""

ADAPTER_WIDTH = 64
"""Least channels that a trained adapter has on the latent grid."""

PIPELINE_PARTS = {"extractor", "enhancer", "fusion"}


class Draft:
    """A fit that is made phase by phase, so that fits of several candidates can be made side by side."""

    def __init__(self, request: FitRequest, device: str) -> None:
        self.request, self.device = request, device
        candidate, streams = request.candidate, request.streams
        self._seed = request.seed + request.recipe.seed
        if request.start is None:
            self.modules = build_modules(candidate, streams.shapes(), self._seed).to(device)
            self.history: list[Convergence] = []
        else:
            self.modules = copy.deepcopy(request.start.modules)
            self.history = [request.start.convergence] if request.start.convergence else []
        self.shape = conditioning_shape(candidate, streams.shapes())
        self.reader: nn.Module | None = None
        self.head: nn.Module | None = None
        self.tuning: nn.Module | None = None

    def phases(self) -> tuple[Phase, ...]:
        """Those that are still to be made."""
        found = self.request.recipe.phases(self.request.objective)
        return found if self.request.start is None else found[1:]

    def task(self, phase: Phase) -> Task | None:
        """What to train in a phase; None where the candidate has nothing that a gradient must find."""
        recipe = self.request.recipe.of(phase)
        last = phase.objective == self.request.objective
        return self._places(phase, recipe, last) if phase.objective == "places" else self._latents(phase, recipe)

    def build(self) -> None:
        """Build reader and head as the phases do, without training: for parameters that were trained before."""
        if self.request.objective == "places":
            if self.shape.is_set:
                with torch.random.fork_rng(devices=[]):
                    torch.manual_seed(self._seed + 1)
                    self.reader = self._reader(SET_READER_CELLS, SET_READER_CELLS)
            return
        assert self.request.latents is not None
        shape = self.request.latents.shape
        self._build_head(shape.rows, shape.cols, shape.width)

    def made(self, convergence: Convergence) -> None:
        """Take note of a phase that was made."""
        self.history.append(convergence)

    def finish(self) -> Fitted:
        """The fit. Under a ``linear`` adapter on latents the closed form replaces the trained layer.

        Raises:
            FitError: where features or latents are not finite.
        """
        self.modules.eval()
        convergence = replace(self.history[-1], earlier=tuple(self.history[:-1])) if self.history else None
        if self.request.objective == "places":
            return Fitted(self.modules, self.reader, None, convergence, self.device)
        latents = self.request.latents
        assert latents is not None
        adapter: LinearAdapter | TrainedAdapter | OwnAdapter
        if self._closes(self.request.recipe):
            cells = self.request.candidate.decoder.adapter_cells
            adapter = fit_linear(self._conditioning(), latents, cells)
        elif self.request.own is not None:
            assert self.head is not None
            size = (latents.shape.frames, latents.shape.rows, latents.shape.cols)
            adapter = OwnAdapter(self.head, self.request.own, size, self.tuning)
        else:
            assert self.head is not None
            adapter = TrainedAdapter(self.head, latents.shape.frames, self._cells)
        return Fitted(self.modules, self.reader, adapter, convergence, self.device)

    def _places(self, phase: Phase, recipe: Recipe, last: bool) -> Task | None:
        if not self.request.candidate.trainable:
            return None
        side = SET_READER_CELLS
        rows, cols = (side, side) if self.shape.is_set else (self.shape.rows, self.shape.cols)
        labels = self.request.streams.split.labels
        targets = PlaceTargets(labels, (self.shape.frames, rows, cols), recipe.weights, self.device)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self._seed + 1)
            reader = self._reader(side, side) if self.shape.is_set else None
            head = targets.head(self.shape.width).to(self.device)
        if last:
            self.reader = reader
        return self._task(Pathway(self.modules, reader, head), phase, recipe, targets)

    def _latents(self, phase: Phase, recipe: Recipe) -> Task | None:
        if self.request.own is not None:
            return self._own(self.request.own, phase, recipe)
        targets = self._targets(recipe)
        _, rows, cols = targets.size
        if self.head is None:
            self._build_head(rows, cols, targets.latents.shape.width)
        assert self.head is not None
        pathway = Pathway(self.modules, self.reader, self.head, self._placing(targets.size))
        trained = [name for name in pathway.parts() if name in phase.trains]
        if not trained or (trained == ["head"] and self._closes(recipe)):
            return None
        return self._task(pathway, phase, recipe, targets)

    def _build_head(self, rows: int, cols: int, channels: int) -> None:
        """Reader of a token set and adapter to latents of that many rows, columns and channels."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self._seed + 1)
            if self.shape.is_set:
                self.reader = self._reader(rows, cols)
            spec = self.request.candidate.decoder
            read = replace(self.shape, rows=rows, cols=cols) if self.shape.is_set else self.shape
            self.head = build_adapter(spec, read, channels, (rows, cols)).to(self.device)

    def _reader(self, rows: int, cols: int) -> SetReader:
        anchors = getattr(self.modules.fusion, "anchors", None)
        return SetReader(self.shape.width, rows, cols, anchors).to(self.device)

    def _own(self, decoder: ConditionedDecoder, phase: Phase, recipe: Recipe) -> Task:
        """A decoder with an adapter of its own reads grids and token sets as they are."""
        latents = self.request.latents
        assert latents is not None
        if self.head is None:
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(self._seed + 1)
                choices = self.request.candidate.decoder.adapter_choices
                self.head = decoder.build_adapter(self.shape, **choices).to(self.device)
        if DECODER in phase.trains and self.tuning is None:
            self.tuning = self._tuning_of(decoder)
        targets = OwnTargets(decoder, latents, self._seed, tuning=self.tuning)
        return self._task(Pathway(self.modules, None, self.head, tuning=self.tuning), phase, recipe, targets)

    def _tuning_of(self, decoder: ConditionedDecoder) -> nn.Module:
        """What changes the decoder, as it starts. Raises: CandidateError where its spec promises more than it keeps."""
        spec = self.request.candidate.decoder
        if not isinstance(decoder, TunableDecoder):
            raise CandidateError(f"decoder {spec.name} declares a tuning; it needs build_tuning and tuned beside loss")
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self._seed + 2)
            return decoder.build_tuning(**spec.tuning).to(self.device)

    def _placing(self, latent: tuple[int, int, int]) -> Callable[[Tensor], Tensor]:
        """Tokens of each latent cell for a linear layer; networks change the cells themselves."""
        if self._cells is None:
            return lambda grid: on_latent_grid(grid, (latent[0], *grid.shape[2:4]))
        placing = PLACINGS[self._cells]
        return lambda grid: placing(grid, latent)

    @property
    def _cells(self) -> str | None:
        spec = self.request.candidate.decoder
        return spec.adapter_cells if spec.adapter == "linear" else None

    def _closes(self, recipe: Recipe) -> bool:
        """Whether the adapter is a linear map of least squares, which needs no steps."""
        return self.request.candidate.decoder.adapter == "linear" and set(recipe.weights) == {LATENT}

    def _targets(self, recipe: Recipe) -> LatentTargets:
        latents = self.request.latents
        assert latents is not None
        return LatentTargets(latents, recipe.weights, self.request.pictures)

    def _task(
        self, pathway: Pathway, phase: Phase, recipe: Recipe, targets: PlaceTargets | LatentTargets | OwnTargets
    ) -> Task:
        streams, device = self.request.streams, self.device

        def read(indices: Sequence[int]) -> tuple[Any, ...]:
            taps, clips = streams.take(indices, clips=self.modules.uses_image)
            moved = [[grid.to(device) for grid in stream] for stream in taps]
            return (moved,) if clips is None else (moved, clips.to(device))

        def read_held(indices: Sequence[int]) -> tuple[Any, ...]:
            assert held is not None
            return (held[list(indices)].to(device),)

        latents = None if isinstance(targets, PlaceTargets) else targets.latents.shape
        held = self._held(pathway, phase)
        if held is not None:
            pathway = Pathway(None, pathway.reader, pathway.head, pathway.place, pathway.tuning)
        return Task(
            pathway,
            read if held is None else read_held,
            targets.loss,
            len(streams),
            recipe,
            self.request.seed,
            targets.constant(),
            str(phase),
            device,
            step_numbers(self.request.candidate, streams.shapes(), recipe.batch, latents),
            _held_out(recipe, streams.split.labels.groups),
        )

    def _held(self, pathway: Pathway, phase: Phase) -> Tensor | None:
        """Conditioning grids of the whole split, where no phase's gradient reaches the pipeline and they fit."""
        moving = PIPELINE_PARTS & set(phase.trains) & set(pathway.parts())
        numbers = len(self.request.streams) * self.shape.frames * self.shape.rows * self.shape.cols * self.shape.width
        if moving or 4 * numbers > HELD_BYTES:
            return None
        self.modules.eval()
        conditioning = Conditioning(self.request.streams, self.modules, str(self.request.candidate), None, self.device)
        # Outside inference mode, or autograd could not save them for the adapter's gradient.
        return torch.cat([grid.clone() for grid in conditioning])

    def _conditioning(self) -> Conditioning:
        name = str(self.request.candidate)
        return Conditioning(self.request.streams, self.modules, name, self.reader, self.device)


def _held_out(recipe: Recipe, groups: Sequence[str]) -> tuple[int, ...]:
    """Training samples that judge a fit while it is made, where the recipe has any."""
    if recipe.patience is not None:
        return held_out(groups)
    return held_out(groups, "--learning-rate sweep") if recipe.sweep else ()


def conditioning_shape(candidate: ResolvedCandidate, taps: Sequence[Sequence[GridShape]]) -> GridShape:
    """Shape of a candidate's conditioning on real grids."""
    streams = zip(candidate.streams, taps, strict=True)
    inputs = [candidate.enhancer.output_shape(stream.extractor.output_shape(shapes)) for stream, shapes in streams]
    return candidate.fusion.output_shape(in_common_slots(inputs))


def step_numbers(
    candidate: ResolvedCandidate, taps: Sequence[Sequence[GridShape]], batch: int, latents: GridShape | None
) -> int:
    """Numbers of the largest grid that one step of a fit makes: whether stacking pays follows from it."""
    largest = _numbers(conditioning_shape(candidate, taps))
    if latents is not None:
        largest = max(largest, _numbers(replace(latents, width=max(latents.width, ADAPTER_WIDTH))))
    return batch * largest


def _numbers(shape: GridShape) -> int:
    return shape.frames * shape.rows * shape.cols * shape.width
