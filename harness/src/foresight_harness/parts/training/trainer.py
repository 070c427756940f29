"""One training loop for every trained part, with convergence in its result."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor, nn

from foresight_harness.contracts.errors import FitError
from foresight_harness.parts.training.convergence import Convergence, summarise
from foresight_harness.parts.training.early_stopping import Watch
from foresight_harness.parts.training.recipe import Recipe

__all__ = ["Convergence", "Order", "optimiser_of", "train"]


def train(
    module: nn.Module,
    loss_of: Callable[[Sequence[int]], Tensor],
    count: int,
    recipe: Recipe,
    seed: int,
    *,
    parts: Mapping[str, Sequence[nn.Parameter]] | None = None,
    constant: float | None = None,
    phase: str = "",
    held_out: Sequence[int] = (),
) -> Convergence:
    """Train the parameters of ``module`` that ask for gradients.

    Args:
        module: What is trained, in place; left in evaluation mode.
        loss_of: Loss of the samples of these indices, a scalar with gradients.
        count: Number of training samples.
        recipe: How; earlier phases of it are not made here.
        seed: Order of the samples, and whatever randomness the module itself has; the recipe's own is added.
        parts: Parameters whose gradient norms are told apart; None tells the module's children apart.
        constant: Loss of the best constant answer, where it is known.
        phase: What this is, in words, for the record.
        held_out: Indices that are not trained on, where the recipe says that the fit may stop early (``patience``).

    Returns:
        How it went.

    Raises:
        FitError: if a loss or a gradient is not finite, or there was no progress (``convergence.require_progress``).
    """
    parameters = [parameter for parameter in module.parameters() if parameter.requires_grad]
    if not parameters:
        raise FitError(f"{type(module).__name__} has nothing to train; use the closed-form path")
    named = {name: list(child.parameters()) for name, child in module.named_children()} if parts is None else parts
    optimiser = optimiser_of(parameters, recipe)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, recipe.rate_at)
    watch = None
    left = range(count)
    if recipe.patience is not None:
        watch = Watch(module, loss_of, held_out, recipe.batch, recipe.look_every, recipe.patience)
        left = sorted(set(left) - set(held_out))  # type: ignore[assignment]
    order = Order(len(left), recipe.batch, seed + recipe.seed)
    first: list[int] = []
    losses: list[float] = []
    norms: list[float] = []
    by_part: dict[str, list[float]] = {name: [] for name in named}
    watched = recipe.steps - max(1, recipe.steps // 10) if watch is None else 0
    module.train()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed + recipe.seed)
        for step in range(recipe.steps):
            optimiser.zero_grad(set_to_none=True)
            picked = [left[place] for place in order.next()]
            first = first or picked
            loss = loss_of(picked)
            if not torch.isfinite(loss):
                raise FitError(f"the fit diverged: loss {loss.item()} at step {step} of {recipe.steps}")
            loss.backward()  # type: ignore[no-untyped-call]
            if step >= watched:
                for name, members in named.items():
                    by_part[name].append(_norm(members))
            norm = nn.utils.clip_grad_norm_(parameters, recipe.clip_norm).item()
            if not math.isfinite(norm):
                raise FitError(f"the fit diverged: gradient norm {norm} at step {step} of {recipe.steps}")
            optimiser.step()
            schedule.step()
            losses.append(loss.item())
            norms.append(norm)
            if watch is not None and watch.over(step + 1):
                break
        if watch is not None:
            watch.restore()
        with torch.no_grad():
            after = loss_of(first).item()
    module.eval()
    found = summarise(losses, norms, after, by_part=by_part, constant=constant, phase=phase)
    return found if watch is None else watch.seen(found)


def optimiser_of(parameters: Sequence[Tensor], recipe: Recipe) -> torch.optim.Optimizer:
    """The optimiser that a recipe names; fused, since of small modules a step costs as much as their forward."""
    rate, decay = recipe.learning_rate, recipe.weight_decay
    if recipe.optimiser == "sgd":
        return torch.optim.SGD(parameters, lr=rate, momentum=0.9, weight_decay=decay, fused=True)
    return torch.optim.AdamW(parameters, lr=rate, weight_decay=decay, fused=True)


class Order:
    """Minibatches without replacement, reshuffled every pass; the same for every fit of one seed, batch and count."""

    def __init__(self, count: int, batch: int, seed: int) -> None:
        self._generator = torch.Generator().manual_seed(seed)
        self._count, self._batch = count, min(batch, count)
        self._left: list[int] = []

    def next(self) -> list[int]:
        """Indices of the next batch, ascending."""
        if len(self._left) < self._batch:
            self._left += torch.randperm(self._count, generator=self._generator).tolist()
        taken, self._left = self._left[: self._batch], self._left[self._batch :]
        return sorted(taken)


def _norm(parameters: Sequence[nn.Parameter]) -> float:
    grads = [parameter.grad for parameter in parameters if parameter.grad is not None]
    return nn.utils.get_total_norm(grads).item() if grads else 0.0
