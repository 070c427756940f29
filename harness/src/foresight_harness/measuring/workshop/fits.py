"""Making the fits that cells ask for, those of one build side by side."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import replace

from foresight_harness.contracts.errors import ForesightError, UsageError
from foresight_harness.contracts.specs.models import OWN
from foresight_harness.measuring.fitting.fitted import FitRequest, Fitted
from foresight_harness.measuring.fitting.objectives import fit_together
from foresight_harness.measuring.fitting.phases import step_numbers
from foresight_harness.measuring.fitting.reconstruction import PERCEPTUAL, Pictures, needs_pictures
from foresight_harness.measuring.fitting.stacked import pays
from foresight_harness.measuring.workshop.assignment import Assignment
from foresight_harness.parts.training.recipe import Objective, Recipe

MOST_MEMBERS = 16
"""Fits made side by side: bounds the memory of their optimisers, and what is lost when a run is killed."""


def fit_for_places(cell: Assignment, seed: int) -> Fitted:
    """Modules fitted for localisation; candidates that differ only in the decoder share them.

    Raises:
        FitError: if the fit diverged or made no progress.
    """
    return _fit(cell, "places", seed)


def fit_for_latents(cell: Assignment, seed: int) -> Fitted:
    """Modules and adapter fitted to the decoder's latents. Raises: FitError."""
    return _fit(cell, "latents", seed)


def fit_in_memory(cell: Assignment, objective: Objective, seed: int) -> Fitted | None:
    """The fit that was made for a cell, where it is still in memory and did not fail; makes none."""
    memory, key = cell.workshop.fits, _key(cell, objective, seed)
    try:
        return memory.kept.get(key) if key in memory.kept else None
    except Exception:  # the error with which it failed is its own cell's to tell
        return None


def _fit(cell: Assignment, objective: Objective, seed: int) -> Fitted:
    memory = cell.workshop.fits
    wanted = _key(cell, objective, seed)
    if wanted not in memory.kept:
        members = _members(cell, objective, seed)
        requests: list[FitRequest] = [_request(member, objective, number) for member, number in members]
        keys = [_key(member, objective, number) for member, number in members]
        found = _made(cell, objective, requests)
        # The one that was asked for last, so that it is the last to be forgotten.
        for key, fitted in sorted(zip(keys, found, strict=True), key=lambda pair: pair[0] == wanted):
            memory.kept.keep(key, fitted)
    return memory.kept.get(wanted)


def _made(cell: Assignment, objective: Objective, requests: Sequence[FitRequest]) -> list[Fitted | Exception]:
    """Each fit, read from the cache where an earlier run has kept it, else made now, those of one build together."""
    memory, stored, device = cell.workshop.fits, cell.workshop.stored_fits, cell.workshop.options.device
    found: dict[int, Fitted | Exception] = {}
    for place, request in enumerate(requests) if cell.trained(objective) else ():
        try:
            known = stored.find(request)
        except ForesightError as error:
            found[place] = error
            continue
        if known is not None:
            found[place] = known
    memory.read += len(found)
    left = [place for place in range(len(requests)) if place not in found]
    memory.made += len(left)
    memory.stacks += len(left) > 1
    if left:
        made = fit_together([requests[place] for place in left], device, stored.keep)
        found |= dict(zip(left, made, strict=True))
    return [found[place] for place in range(len(requests))]


def _members(cell: Assignment, objective: Objective, seed: int) -> list[tuple[Assignment, int]]:
    """The fit that is asked for, and those of one build that the plan will ask for, where a stack pays."""
    workshop, memory = cell.workshop, cell.workshop.fits
    own = objective == "latents" and cell.candidate.decoder.adapter == OWN
    if own or not cell.trained(objective) or not pays(workshop.options.device, _numbers(cell, objective)):
        return [(cell, seed)]
    build = _build(cell, objective)
    found = {_key(cell, objective, seed): (cell, seed)}
    for planned in workshop.planned:
        other = replace(cell, candidate=planned.candidate, suite=planned.suite, dataset=planned.dataset)
        near = (planned.suite, planned.dataset, planned.candidate.candidate.encoders)
        if near != (cell.suite, cell.dataset, cell.candidate.candidate.encoders) or other.id in workshop.done:
            continue
        try:
            same = _build(other, objective) == build
        except ForesightError:
            continue  # its own cell will say what is wrong with it
        for number in (seed,) if cell.suite.first_seed_only else other.seeds:
            key = _key(other, objective, number)
            if same and key not in memory.kept and len(found) < MOST_MEMBERS:
                found.setdefault(key, (other, number))
    return list(found.values())


def _request(cell: Assignment, objective: Objective, seed: int) -> FitRequest:
    streams = cell.streams("train")
    if objective == "places":
        return FitRequest(cell.candidate, streams, objective, cell.recipe_for_places(), seed)
    recipe = cell.recipe_for_latents()
    latents = cell.workshop.latents.of(cell.candidate.decoder, cell.split("train"))
    start = fit_for_places(cell, seed) if begins_with_places(recipe, cell) else None
    own = cell.workshop.latents.conditioned(cell.candidate.decoder)
    return FitRequest(cell.candidate, streams, objective, recipe, seed, latents, _pictures(cell, recipe), start, own)


def begins_with_places(recipe: Recipe, cell: Assignment) -> bool:
    """Whether a recipe's first phase is the spatial suite's own fit, so that one of them serves both."""
    if not recipe.earlier or not cell.candidate.trainable:
        return False
    first = recipe.earlier[0]
    own = cell.recipe_for_places()
    return first.objective == "places" and replace(recipe.of(first), name=own.name) == own


def _pictures(cell: Assignment, recipe: Recipe) -> Pictures | None:
    """The way from latents to pictures with gradients, where a loss term compares pictures."""
    if cell.candidate.decoder.adapter == OWN or not needs_pictures(recipe.weights):
        return None
    workshop = cell.workshop
    absent = [name for name in recipe.weights if name in PERCEPTUAL and name not in workshop.registry.metrics]
    if absent:
        raise UsageError(f"--recipe {recipe.name} needs the metric {absent[0]}, which no plugin offers")
    specs = [workshop.registry.metrics[name] for name in recipe.weights if name in PERCEPTUAL]
    perceptual = {name: metric.loss for name, metric in workshop.built_metrics(specs).items()}  # type: ignore[attr-defined]
    return Pictures(workshop.latents.decoder(cell.candidate.decoder).decode, cell.split("train"), perceptual)


def _key(cell: Assignment, objective: Objective, seed: int) -> Hashable:
    candidate = cell.candidate.candidate
    parts = (candidate.streams, candidate.enhancer, candidate.fusion)
    return (objective, parts, candidate.decoder if objective == "latents" else None, str(cell.dataset), seed)


def _build(cell: Assignment, objective: Objective) -> Hashable:
    """What two candidates must have in common for their modules to be of one build."""
    candidate = cell.candidate
    return (
        tuple(stream.ref.extractor for stream in candidate.streams),
        tuple(tuple(shapes) for shapes in cell.streams("train").shapes()),
        candidate.enhancer.name,
        candidate.fusion.name,
        candidate.candidate.decoder if objective == "latents" else None,
    )


def _numbers(cell: Assignment, objective: Objective) -> int:
    candidate = cell.candidate
    latents = cell.workshop.latents.of(candidate.decoder, cell.split("train")).shape if objective == "latents" else None
    return step_numbers(candidate, cell.streams("train").shapes(), cell.scale.batch, latents)
