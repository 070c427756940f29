"""Fitting modules of one build side by side: their parameters stacked, one call of every kernel for all of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call, stack_module_state, vmap
from torch.nn.modules.batchnorm import _BatchNorm

from foresight_harness.contracts.errors import FitError
from foresight_harness.measuring.fitting.pathway import Task
from foresight_harness.parts.training.convergence import Convergence, summarise
from foresight_harness.parts.training.trainer import Order, optimiser_of

CPU_NUMBERS = 65_536
"""Most numbers of one sample batch for which stacking pays on a CPU: measured with the modules of ``sem`` at six
members, the stack costs 0.4 to 0.8 of fitting alone up to here, 0.9 to 1.25 at twice this and 1.3 at eight times, where
arithmetic and no longer the launching of kernels is the cost (``benchmarks/perf/stacking.py``)."""

AGREEMENT = 1e-3
"""Relative difference of predictions before training beyond which a module is not believed to be stackable."""


def pays(device: str, numbers: int) -> bool:
    """Whether a stack is faster than one by one.

    Args:
        device: On accelerators it always is: small modules are all launching there.
        numbers: Of the largest grid of one step of one member.
    """
    return not device.startswith("cpu") or numbers <= CPU_NUMBERS


def can_stack(tasks: Sequence[Task]) -> bool:
    """Whether tasks have equal recipes, parameters and modes, and modules that behave in a stack as they do alone."""
    first = tasks[0]
    shared = (first.recipe, first.count, _build(first.pathway))
    return (
        first.recipe.patience is None  # members would stop at different steps
        and not first.recipe.sweep  # and learn at different rates
        and pays(first.device, max(task.numbers for task in tasks))
        and all((task.recipe, task.count, _build(task.pathway)) == shared for task in tasks)
        and not any(_has_own_state(module) for module in first.pathway.modules())
        and _agrees(tasks)
    )


def train_stacked(tasks: Sequence[Task]) -> list[Convergence | Exception]:
    """Train every task, in place; the same steps on the same samples as ``train`` would make one by one.

    Results differ from those by the rounding of batched kernels only. A member whose loss or gradient is not finite is
    taken out of the sum, so that it stands still while the others go on.

    Returns:
        For each task how it went, or the ``FitError`` with which it failed.
    """
    recipe, pathways = tasks[0].recipe, [task.pathway for task in tasks]
    for task in tasks:
        task.pathway.train()
    trains = set(recipe.trains)
    wanted = {id(p) for part, members in pathways[0].parts().items() if part in trains for p in members}
    params, buffers = stack_module_state(list(pathways))  # type: ignore[arg-type]
    names = [name for name, p in pathways[0].named_parameters() if id(p) in wanted]
    for name, tensor in params.items():
        tensor.requires_grad_(name in names)
    moving = [params[name] for name in names]
    optimiser = optimiser_of(moving, recipe)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, recipe.rate_at)
    orders = [Order(task.count, recipe.batch, task.seed + recipe.seed) for task in tasks]
    call = _stacked_call(pathways[0])
    first: list[list[int]] = []

    def losses_of(indices: Sequence[Sequence[int]]) -> list[Tensor]:
        inputs = _stack([task.inputs(picked) for task, picked in zip(tasks, indices, strict=True)])
        predicted = call(params, buffers, *inputs)
        return [task.loss(one, picked) for task, one, picked in zip(tasks, predicted, indices, strict=True)]

    log = _Log(tasks, names)
    for step in range(recipe.steps):
        optimiser.zero_grad(set_to_none=True)
        indices = [order.next() for order in orders]
        first = first or indices
        finite = log.losses(losses_of(indices), step)
        if not finite:
            break
        torch.stack(finite).sum().backward()  # type: ignore[no-untyped-call]
        scale = recipe.clip_norm / (log.norms(moving, step) + 1e-6)
        for tensor in moving:
            if tensor.grad is not None:
                factor = scale.clamp(max=1).nan_to_num(0).reshape(-1, *[1] * (tensor.ndim - 1))
                tensor.grad.nan_to_num_(0, 0, 0).mul_(factor.to(tensor.grad))
        optimiser.step()
        schedule.step()
    with torch.no_grad():
        after = [loss.item() for loss in losses_of(first)]
        for number, pathway in enumerate(pathways):
            for name, parameter in pathway.named_parameters():
                parameter.copy_(params[name][number])
            pathway.eval()
    return log.close(after)


class _Log:
    """Losses and gradient norms of every member, and which of them have failed."""

    def __init__(self, tasks: Sequence[Task], names: Sequence[str]) -> None:
        self.tasks, self.steps = tasks, tasks[0].recipe.steps
        self.failed: dict[int, FitError] = {}
        self.curves: list[list[float]] = [[] for _ in tasks]
        self.totals: list[list[float]] = [[] for _ in tasks]
        owner = {id(p): part for part, members in tasks[0].pathway.parts().items() for p in members}
        found = dict(tasks[0].pathway.named_parameters())
        self.owners = [owner[id(found[name])] for name in names]
        self.parts: list[dict[str, list[float]]] = [{part: [] for part in tasks[0].pathway.parts()} for _ in tasks]

    def losses(self, losses: Sequence[Tensor], step: int) -> list[Tensor]:
        """Note the losses of a step; gives those that may be descended."""
        finite = []
        for number, loss in enumerate(losses):
            value = loss.item()
            if number in self.failed:
                continue
            self.curves[number].append(value)
            if not math.isfinite(value):
                self._fail(number, f"loss {value}", step)
            else:
                finite.append(loss)
        return finite

    def norms(self, moving: Sequence[Tensor], step: int) -> Tensor:
        """Note the gradient norms of a step; gives the total of each member. [K]"""
        count = len(self.tasks)
        zero = moving[0].new_zeros(count)
        each = torch.stack([zero if p.grad is None else p.grad.reshape(count, -1).norm(dim=1) for p in moving])
        total: Tensor = each.norm(dim=0)
        for number, value in enumerate(total.tolist()):
            if number in self.failed:
                continue
            self.totals[number].append(value)
            if not math.isfinite(value):
                self._fail(number, f"gradient norm {value}", step)
            for part, values in self.parts[number].items():
                own = [row for row, owner in zip(each[:, number], self.owners, strict=True) if owner == part]
                values.append(torch.stack(own).norm().item() if own else 0.0)
        return total

    def close(self, after: Sequence[float]) -> list[Convergence | Exception]:
        """How each member went, given the losses of the first batches when the last step was made."""
        return [self._summary(number, loss) for number, loss in enumerate(after)]

    def _summary(self, number: int, after: float) -> Convergence | Exception:
        if number in self.failed:
            return self.failed[number]
        task = self.tasks[number]
        try:
            return summarise(
                self.curves[number],
                self.totals[number],
                after,
                by_part=self.parts[number],
                constant=task.constant,
                phase=task.phase,
            )
        except FitError as error:
            return error

    def _fail(self, number: int, what: str, step: int) -> None:
        self.failed[number] = FitError(f"the fit diverged: {what} at step {step} of {self.steps}")


def _stacked_call(base: nn.Module) -> Callable[..., Tensor]:
    def one(params: dict[str, Tensor], buffers: dict[str, Tensor], *inputs: Any) -> Tensor:
        predicted: Tensor = functional_call(base, (params, buffers), inputs)
        return predicted

    stacked: Callable[..., Tensor] = vmap(one)  # type: ignore[assignment]
    return stacked


def _build(pathway: nn.Module) -> tuple[str, tuple[tuple[str, tuple[int, ...], torch.dtype], ...]]:
    """Modules with their settings, as they print themselves, and every parameter and buffer."""
    state = [*pathway.named_parameters(), *pathway.named_buffers()]
    return repr(pathway), tuple((name, tuple(tensor.shape), tensor.dtype) for name, tensor in state)


def _has_own_state(module: nn.Module) -> bool:
    """Whether a module draws random numbers or changes its buffers, so that a stack of it is another thing."""
    return isinstance(module, _BatchNorm) or (isinstance(module, nn.modules.dropout._DropoutNd) and module.p > 0)


def _agrees(tasks: Sequence[Task]) -> bool:
    """Whether the stack predicts for one sample what every member predicts alone; False where it cannot be called."""
    params, buffers = stack_module_state([task.pathway for task in tasks])  # type: ignore[arg-type]
    try:
        with torch.no_grad():
            inputs = [task.inputs([0]) for task in tasks]
            found = _stacked_call(tasks[0].pathway)(params, buffers, *_stack(inputs))
            alone = torch.stack([task.pathway(*one) for task, one in zip(tasks, inputs, strict=True)])
    except (RuntimeError, ValueError, NotImplementedError):  # what torch.func raises where it cannot batch a module
        return False
    if not torch.equal(found.isfinite(), alone.isfinite()):
        return False
    found, alone = found.nan_to_num(0, 0, 0), alone.nan_to_num(0, 0, 0)
    return torch.allclose(found, alone, rtol=AGREEMENT, atol=AGREEMENT * float(alone.abs().max()))


def _stack(items: Sequence[Any]) -> Any:
    """Equal structures of tensors to one structure of stacked tensors."""
    if isinstance(items[0], Tensor):
        return torch.stack(list(items))
    return type(items[0])(_stack(list(column)) for column in zip(*items, strict=True))
