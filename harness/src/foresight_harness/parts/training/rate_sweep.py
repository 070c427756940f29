"""A small sweep of learning rates: short fits from the same start, judged on training samples that they did not see."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from torch import Tensor, nn

from foresight_harness.contracts.errors import FitError
from foresight_harness.parts.training.convergence import Convergence
from foresight_harness.parts.training.early_stopping import mean_loss
from foresight_harness.parts.training.recipe import Recipe
from foresight_harness.parts.training.trainer import train


def swept(
    module: nn.Module,
    loss_of: Callable[[Sequence[int]], Tensor],
    count: int,
    recipe: Recipe,
    seed: int,
    *,
    held_out: Sequence[int],
    parts: Mapping[str, Sequence[nn.Parameter]] | None = None,
    constant: float | None = None,
    phase: str = "",
) -> Convergence:
    """Choose the learning rate by short fits, then train as ``train`` does, on the samples that it would.

    Args:
        module: What is trained, in place. Every fit begins at the parameters that it has now.
        loss_of: Loss of the samples of these indices, a scalar with gradients.
        count: Number of training samples.
        recipe: With the rates of its sweep.
        seed: See ``train``: the same order of samples for every rate.
        held_out: Indices that judge the rates; short fits are made on the others.
        parts: See ``train``.
        constant: See ``train``.
        phase: See ``train``.

    Returns:
        How the fit went, with the rates that were tried.

    Raises:
        FitError: where every rate fails, with what the last one failed by; else as ``train``.
    """
    start = copy.deepcopy(module.state_dict())
    judged = set(held_out)
    left = [place for place in range(count) if place not in judged]
    tried: list[tuple[float, float | None]] = []
    failed: FitError | None = None
    for rate in recipe.sweep:
        module.load_state_dict(start)
        try:
            train(
                module, lambda picked: loss_of([left[place] for place in picked]), len(left), recipe.trial(rate), seed
            )
            loss = mean_loss(module, loss_of, held_out, recipe.batch)
            tried.append((rate, loss if math.isfinite(loss) else None))
        except FitError as error:
            failed = error
            tried.append((rate, None))
    module.load_state_dict(start)
    chosen = best_of(tried)
    if chosen is None:
        rates = ", ".join(f"{rate:g}" for rate in recipe.sweep)
        raise FitError(f"none of the learning rates {rates} makes a fit: {failed or 'their losses are not finite'}")
    once = replace(recipe, learning_rate=chosen, sweep=())
    found = train(module, loss_of, count, once, seed, parts=parts, constant=constant, phase=phase, held_out=held_out)
    return replace(found, rates=tuple(tried), learning_rate=chosen)


def best_of(tried: Sequence[tuple[float, float | None]]) -> float | None:
    """The rate with the least loss, of equal ones the smaller; None where every fit failed."""
    known = [(loss, rate) for rate, loss in tried if loss is not None]
    return min(known)[1] if known else None
