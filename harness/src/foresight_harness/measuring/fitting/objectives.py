"""Fitting candidates, one or several: phase by phase, each failure its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ParamSpec, TypeVar

from foresight_harness.measuring.cache.grids import CachedGrids
from foresight_harness.measuring.conditioning import StreamSet
from foresight_harness.measuring.fitting.adapters import decode_latents
from foresight_harness.measuring.fitting.fitted import FitRequest, Fitted
from foresight_harness.measuring.fitting.pathway import Task
from foresight_harness.measuring.fitting.phases import Draft
from foresight_harness.measuring.fitting.reconstruction import Pictures
from foresight_harness.measuring.fitting.stacked import can_stack, train_stacked
from foresight_harness.parts.training.convergence import Convergence
from foresight_harness.parts.training.rate_sweep import swept
from foresight_harness.parts.training.recipe import Recipe
from foresight_harness.parts.training.trainer import train
from foresight_harness.planning.candidates import ResolvedCandidate

P = ParamSpec("P")
R = TypeVar("R")

__all__ = ["Fitted", "decode_latents", "fit_for_latents", "fit_for_places", "fit_together"]


def fit_for_places(
    candidate: ResolvedCandidate, train_streams: StreamSet, recipe: Recipe, seed: int, device: str
) -> Fitted:
    """Fit extractor, enhancer and fusion so that a per-cell linear head sees which cells objects cover.

    The head is thrown away: the suite's own probe reads the fitted features, the same as it reads every candidate's.

    Raises:
        FitError: if the fit diverges or makes no progress.
    """
    return _alone(FitRequest(candidate, train_streams, "places", recipe, seed), device)


def fit_for_latents(
    candidate: ResolvedCandidate,
    train_streams: StreamSet,
    latents: CachedGrids,
    recipe: Recipe,
    seed: int,
    device: str,
    *,
    pictures: Pictures | None = None,
    start: Fitted | None = None,
) -> Fitted:
    """Fit everything between the streams and a decoder's latents.

    Modules without parameters under a ``linear`` adapter take the closed form. Trained modules under a ``linear``
    adapter are fitted together with a linear layer, which the closed form then replaces.

    Raises:
        FitError: if the fit diverges or makes no progress.
    """
    return _alone(FitRequest(candidate, train_streams, "latents", recipe, seed, latents, pictures, start), device)


def fit_together(
    requests: Sequence[FitRequest], device: str, keep: Callable[[FitRequest, Draft], None] | None = None
) -> list[Fitted | Exception]:
    """Fit several candidates that ``stacked.can_stack`` says are of one build, in one stack of modules.

    Args:
        requests: Of one objective and one recipe.
        device: Where to fit.
        keep: Told of each draft whose training ended well.

    Returns:
        For each request its fit, or the error with which it failed; a failure does not touch the others.
    """
    drafts: list[Draft | Exception] = [_attempt(Draft, request, device) for request in requests]
    alive = [draft for draft in drafts if isinstance(draft, Draft)]
    for number in range(len(alive[0].phases()) if alive else 0):
        alive = [draft for draft in drafts if isinstance(draft, Draft)]
        found = [_attempt(draft.task, draft.phases()[number]) for draft in alive]
        tasks = [task for task in found if isinstance(task, Task)]
        made = dict(zip(map(id, tasks), _train(tasks), strict=True))
        for draft, task in zip(alive, found, strict=True):
            outcome = task if isinstance(task, Exception) else made[id(task)] if task is not None else None
            if isinstance(outcome, Exception):
                drafts[drafts.index(draft)] = outcome
            elif outcome is not None:
                draft.made(outcome)
    for request, trained in zip(requests, drafts, strict=True):
        if keep is not None and isinstance(trained, Draft):
            keep(request, trained)
    return [draft if isinstance(draft, Exception) else _attempt(draft.finish) for draft in drafts]


def _alone(request: FitRequest, device: str) -> Fitted:
    (found,) = fit_together([request], device)
    if isinstance(found, Exception):
        raise found
    return found


def _train(tasks: Sequence[Task]) -> list[Convergence | Exception]:
    if len(tasks) > 1 and can_stack(tasks):
        return list(train_stacked(tasks))
    return [_attempt(_train_alone, task) for task in tasks]


def _train_alone(task: Task) -> Convergence:
    with task.pathway.only(task.recipe.trains):
        return (swept if task.recipe.sweep else train)(
            task.pathway,
            task.loss_of,
            task.count,
            task.recipe,
            task.seed,
            parts=task.pathway.parts(),
            constant=task.constant,
            phase=task.phase,
            held_out=task.held_out,
        )


def _attempt(work: Callable[P, R], *arguments: P.args, **named: P.kwargs) -> R | Exception:
    """The answer, or the error instead of it: to be raised where its own cell asks for the fit."""
    try:
        return work(*arguments, **named)
    except Exception as error:
        return error
