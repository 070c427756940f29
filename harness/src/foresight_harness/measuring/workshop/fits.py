"""The fits of a run: each made once for all suites that read it, those of one build side by side."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from foresight_harness.contracts.errors import ForesightError, UsageError
from foresight_harness.contracts.specs.models import OWN
from foresight_harness.measuring.fitting.fitted import FitRequest, Fitted
from foresight_harness.measuring.fitting.kept_fits import KeptFits
from foresight_harness.measuring.fitting.objectives import fit_together
from foresight_harness.measuring.fitting.phases import step_numbers
from foresight_harness.measuring.fitting.reconstruction import PERCEPTUAL, Pictures, needs_pictures
from foresight_harness.measuring.fitting.stacked import pays
from foresight_harness.parts.training.recipe import Objective, Recipe

if TYPE_CHECKING:
    from foresight_harness.measuring.workshop.cell import Cell
    from foresight_harness.planning.plan import PlannedCell

MOST_MEMBERS = 16
"""Fits made side by side: bounds the memory of their optimisers, and what is lost when a run is killed."""


class Fits:
    """Makes fits when cells ask for them, and keeps them for the next suite."""

    def __init__(self) -> None:
        self.kept = KeptFits()
        self.made = 0
        """Fits made so far, failed ones included."""
        self.stacks = 0
        """How often several were made at once."""
        self._wanted: Counter[Hashable] = Counter()

    def plan(self, cells: Iterable[PlannedCell]) -> None:
        """Announce the cells that may ask for fits."""
        self._wanted.update(map(_modules, cells))

    def done(self, cell: PlannedCell) -> None:
        """A cell has ended: fits that no planned cell asks for any more are forgotten, so that memory does not grow
        with the number of candidates."""
        modules = _modules(cell)
        self._wanted[modules] -= 1
        if self._wanted[modules] <= 0:
            del self._wanted[modules]
            self.kept.forget(lambda key: isinstance(key, tuple) and (key[1], key[3]) == modules)

    def places(self, cell: Cell, seed: int) -> Fitted:
        """Modules fitted for localisation; candidates that differ only in the decoder share them.

        Raises:
            FitError: if the fit diverged or made no progress.
        """
        return self._fit(cell, "places", seed)

    def latents(self, cell: Cell, seed: int) -> Fitted:
        """Modules and adapter fitted to the decoder's latents. Raises: FitError."""
        return self._fit(cell, "latents", seed)

    def _fit(self, cell: Cell, objective: Objective, seed: int) -> Fitted:
        wanted = _key(cell, objective, seed)
        if wanted not in self.kept:
            members = self._members(cell, objective, seed)
            requests: list[FitRequest] = [self._request(member, objective, number) for member, number in members]
            self.made += len(requests)
            self.stacks += len(requests) > 1
            found = fit_together(requests, cell.bench.options.device)
            keys = [_key(member, objective, number) for member, number in members]
            # The one that was asked for last, so that it is the last to be forgotten.
            for key, fitted in sorted(zip(keys, found, strict=True), key=lambda pair: pair[0] == wanted):
                self.kept.keep(key, fitted)
        return self.kept.get(wanted)

    def _members(self, cell: Cell, objective: Objective, seed: int) -> list[tuple[Cell, int]]:
        """The fit that is asked for, and those of one build that the plan will ask for, where a stack pays."""
        bench = cell.bench
        own = objective == "latents" and cell.candidate.decoder.adapter == OWN
        if own or not cell.trained(objective) or not pays(bench.options.device, _numbers(cell, objective)):
            return [(cell, seed)]
        build = _build(cell, objective)
        found = {_key(cell, objective, seed): (cell, seed)}
        for planned in bench.planned:
            other = replace(cell, candidate=planned.candidate, suite=planned.suite, dataset=planned.dataset)
            near = (planned.suite, planned.dataset, planned.candidate.candidate.encoders)
            if near != (cell.suite, cell.dataset, cell.candidate.candidate.encoders) or other.id in bench.done:
                continue
            try:
                same = _build(other, objective) == build
            except ForesightError:
                continue  # its own cell will say what is wrong with it
            for number in (seed,) if cell.suite.first_seed_only else other.seeds:
                key = _key(other, objective, number)
                if same and key not in self.kept and len(found) < MOST_MEMBERS:
                    found.setdefault(key, (other, number))
        return list(found.values())

    def _request(self, cell: Cell, objective: Objective, seed: int) -> FitRequest:
        streams = cell.streams("train")
        if objective == "places":
            return FitRequest(cell.candidate, streams, objective, cell.recipe_for_places(), seed)
        recipe = cell.recipe_for_latents()
        latents = cell.bench.latents.of(cell.candidate.decoder, cell.split("train"))
        start = self.places(cell, seed) if begins_with_places(recipe, cell) else None
        own = cell.bench.latents.conditioned(cell.candidate.decoder)
        return FitRequest(
            cell.candidate, streams, objective, recipe, seed, latents, _pictures(cell, recipe), start, own
        )


def begins_with_places(recipe: Recipe, cell: Cell) -> bool:
    """Whether a recipe's first phase is the spatial suite's own fit, so that one of them serves both."""
    if not recipe.earlier or not cell.candidate.trainable:
        return False
    first = recipe.earlier[0]
    own = cell.recipe_for_places()
    return first.objective == "places" and replace(recipe.of(first), name=own.name) == own


def _pictures(cell: Cell, recipe: Recipe) -> Pictures | None:
    """The way from latents to pictures with gradients, where a loss term compares pictures."""
    if cell.candidate.decoder.adapter == OWN or not needs_pictures(recipe.weights):
        return None
    bench = cell.bench
    absent = [name for name in recipe.weights if name in PERCEPTUAL and name not in bench.registry.metrics]
    if absent:
        raise UsageError(f"--recipe {recipe.name} needs the metric {absent[0]}, which no plugin offers")
    specs = [bench.registry.metrics[name] for name in recipe.weights if name in PERCEPTUAL]
    perceptual = {name: metric.loss for name, metric in bench.built_metrics(specs).items()}  # type: ignore[attr-defined]
    return Pictures(bench.latents.decoder(cell.candidate.decoder).decode, cell.split("train"), perceptual)


def _key(cell: Cell, objective: Objective, seed: int) -> Hashable:
    candidate = cell.candidate.candidate
    parts = (candidate.streams, candidate.enhancer, candidate.fusion)
    return (objective, parts, candidate.decoder if objective == "latents" else None, str(cell.dataset), seed)


def _modules(cell: PlannedCell) -> Hashable:
    """What fits of a cell have in common, whatever their objective, decoder and seed: two fields of their keys."""
    candidate = cell.candidate.candidate
    return (candidate.streams, candidate.enhancer, candidate.fusion), str(cell.dataset)


def _build(cell: Cell, objective: Objective) -> Hashable:
    """What two candidates must have in common for their modules to be of one build."""
    candidate = cell.candidate
    return (
        tuple(stream.ref.extractor for stream in candidate.streams),
        tuple(tuple(shapes) for shapes in cell.streams("train").shapes()),
        candidate.enhancer.name,
        candidate.fusion.name,
        candidate.candidate.decoder if objective == "latents" else None,
    )


def _numbers(cell: Cell, objective: Objective) -> int:
    candidate = cell.candidate
    latents = cell.bench.latents.of(candidate.decoder, cell.split("train")).shape if objective == "latents" else None
    return step_numbers(candidate, cell.streams("train").shapes(), cell.scale.batch, latents)
