"""One training loop for every trained part, with convergence in its result."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from foresight_harness.errors import FitError
from foresight_harness.fit.recipe import Recipe

CURVE_POINTS = 50
"""Points of the loss curve that a record keeps."""


@dataclass(frozen=True)
class Convergence:
    """How a fit went."""

    loss: tuple[float, ...]
    """Loss curve, averaged to at most ``CURVE_POINTS`` points."""
    first: float
    """Mean loss of the first tenth of the steps."""
    last: float
    """Mean loss of the last tenth of the steps."""
    plateau: bool
    """Whether the last tenth is within 2 % of the tenth before it: more steps would change little."""
    grad_norm: float
    """Median gradient norm of the last tenth, before clipping."""
    steps: int

    def as_json(self) -> dict[str, Any]:
        """For ``details`` of a record."""
        return {
            "loss": [round(value, 6) for value in self.loss],
            "loss_first": self.first,
            "loss_last": self.last,
            "plateau": self.plateau,
            "grad_norm": self.grad_norm,
            "steps": self.steps,
        }


def train(
    module: nn.Module, loss_of: Callable[[Sequence[int]], Tensor], count: int, recipe: Recipe, seed: int
) -> Convergence:
    """Train every parameter of ``module``.

    Args:
        module: What is trained, in place; left in evaluation mode.
        loss_of: Loss of the samples of these indices, a scalar with gradients.
        count: Number of training samples.
        recipe: How.
        seed: Order of the samples, and whatever randomness the module itself has.

    Returns:
        How it went.

    Raises:
        FitError: if a loss is not finite, or the last tenth of the steps is no better than the first.
    """
    parameters = [parameter for parameter in module.parameters() if parameter.requires_grad]
    if not parameters:
        raise FitError(f"{type(module).__name__} has nothing to train; use the closed-form path")
    optimiser = torch.optim.AdamW(parameters, lr=recipe.learning_rate, weight_decay=recipe.weight_decay)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, recipe.rate_at)
    order = _Order(count, recipe.batch, seed)
    losses, norms = [], []
    module.train()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        for step in range(recipe.steps):
            optimiser.zero_grad(set_to_none=True)
            loss = loss_of(order.next())
            if not torch.isfinite(loss):
                raise FitError(f"the fit diverged: loss {loss.item()} at step {step} of {recipe.steps}")
            loss.backward()  # type: ignore[no-untyped-call]
            norms.append(nn.utils.clip_grad_norm_(parameters, recipe.clip_norm).item())
            optimiser.step()
            schedule.step()
            losses.append(loss.item())
    module.eval()
    return summarise(losses, norms)


def summarise(losses: Sequence[float], norms: Sequence[float]) -> Convergence:
    """Convergence of a finished fit. Raises: FitError where it made no progress or gradients were not finite."""
    tenth = max(1, len(losses) // 10)
    first, last = _mean(losses[:tenth]), _mean(losses[-tenth:])
    before = _mean(losses[-2 * tenth : -tenth]) if len(losses) >= 2 * tenth else first
    if not all(norm == norm and norm != float("inf") for norm in norms):
        raise FitError(f"the fit diverged: a gradient norm was not finite within {len(norms)} steps")
    if len(losses) > 1 and last >= first:
        raise FitError(f"the fit made no progress: loss {first:.4g} at its start, {last:.4g} after {len(losses)} steps")
    width = max(1, -(-len(losses) // CURVE_POINTS))
    curve = tuple(_mean(losses[start : start + width]) for start in range(0, len(losses), width))
    tail = sorted(norms[-tenth:])
    return Convergence(
        curve,
        first,
        last,
        plateau=abs(before - last) <= 0.02 * abs(before),
        grad_norm=tail[len(tail) // 2],
        steps=len(losses),
    )


class _Order:
    """Minibatches without replacement, reshuffled every pass."""

    def __init__(self, count: int, batch: int, seed: int) -> None:
        self._generator = torch.Generator().manual_seed(seed)
        self._count, self._batch = count, min(batch, count)
        self._left: list[int] = []

    def next(self) -> list[int]:
        if len(self._left) < self._batch:
            self._left += torch.randperm(self._count, generator=self._generator).tolist()
        taken, self._left = self._left[: self._batch], self._left[self._batch :]
        return sorted(taken)


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
