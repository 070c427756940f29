"""Checks of trained parts: extractors, enhancers and fusions, all seen as functions from tensors to one tensor."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from foresight_harness.contracts.specs import GridShape
from foresight_harness.parts.checks.failures import require, require_other, require_same
from foresight_harness.parts.checks.pictures import random_clips

IMAGE_PX = (70, 98)
"""Rows and columns of the picture that an enhancer with ``uses_image`` is given."""


@dataclass(frozen=True)
class ModuleCase:
    """One module at one choice of input shapes."""

    name: str
    shapes: tuple[GridShape, ...]
    expected: GridShape
    factory: Callable[[], Any]
    call: Callable[[Any, Sequence[Tensor]], Tensor]
    trainable: bool
    uses_image: bool = False

    def __str__(self) -> str:
        return f"{self.name}({', '.join(map(str, self.shapes))})"

    def build(self, seed: int = 0) -> nn.Module:
        """A module of that seed, in evaluation mode; the global generator stays as it is."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            module = self.factory()
        require(isinstance(module, nn.Module), f"{self}: build gives a {type(module).__name__}, not an nn.Module")
        evaluated: nn.Module = module.eval()
        return evaluated

    def inputs(self, batch: int, *, seed: int = 0) -> list[Tensor]:
        """Random grids of the case's shapes, and the picture where the module wants it. [B, T, H, W, C] each"""
        generator = torch.Generator().manual_seed(seed)
        sizes = [(batch, shape.frames, shape.rows, shape.cols, shape.width) for shape in self.shapes]
        grids = [torch.randn(size, generator=generator) for size in sizes]
        frames = self.shapes[0].frames
        return [*grids, random_clips(IMAGE_PX, batch=batch, frames=frames, seed=seed)] if self.uses_image else grids


def output_size(shape: GridShape, batch: int) -> tuple[int, ...]:
    """Size of the tensor that a declared shape means; a token set has one row."""
    return (batch, shape.frames, shape.rows, shape.cols, shape.width)


def check_shape(case: ModuleCase) -> None:
    """The output has the declared shape and is finite. Raises: ConformanceError."""
    require(not case.expected.is_set or case.expected.rows == 1, f"{case}: a token set has one row: {case.expected}")
    output = case.call(case.build(), case.inputs(2))
    wanted = output_size(case.expected, 2)
    require(tuple(output.shape) == wanted, f"{case}: {wanted} is declared, {tuple(output.shape)} comes out")
    require(bool(torch.isfinite(output).all()), f"{case}: output is not finite")


def check_gradients(case: ModuleCase) -> None:
    """Gradients reach every parameter and every input. Raises: ConformanceError.

    Parameters are shaken first: a gate that starts at 0 rightly hides what stands behind it, but only at the start.
    """
    module = shaken(case.build(), seed=1)
    parameters = dict(module.named_parameters())
    require(bool(parameters) == case.trainable, f"{case}: trainable={case.trainable}, but {len(parameters)} parameters")
    inputs = [tensor.requires_grad_() for tensor in case.inputs(2)]
    output = case.call(module, inputs)
    weights = torch.randn(output.shape, generator=torch.Generator().manual_seed(2))
    torch.autograd.backward((output * weights).sum())
    for name, parameter in parameters.items():
        require(parameter.requires_grad, f"{case}: {name} is frozen")
        require(_reached(parameter), f"{case}: no gradient reaches {name}")
    for index, tensor in enumerate(inputs):
        require(_reached(tensor), f"{case}: no gradient reaches input {index}, so it is not used")


def check_dtypes(case: ModuleCase) -> None:
    """float32 and bfloat16 in give the same out, finite and close. Raises: ConformanceError."""
    single = case.call(case.build(), case.inputs(2))
    require(single.dtype == torch.float32, f"{case}: float32 in, {single.dtype} out")
    halved = [tensor.to(torch.bfloat16) for tensor in case.inputs(2)]
    half = case.call(case.build().to(torch.bfloat16), halved)
    require(half.dtype == torch.bfloat16, f"{case}: bfloat16 in, {half.dtype} out")
    require(bool(torch.isfinite(half).all()), f"{case}: output is not finite in bfloat16")
    difference = float(((half.float() - single).norm() / single.norm().clamp_min(1e-12)).detach())
    require(difference < 0.25, f"{case}: bfloat16 differs from float32 by {difference:.0%}")


def check_seed(case: ModuleCase) -> None:
    """The global generator alone decides the parameters, and calling repeats. Raises: ConformanceError."""
    first, again, other = case.build(0), case.build(0), case.build(1)
    for (name, one), two in zip(first.named_parameters(), again.parameters(), strict=True):
        require_same(two, one, f"{case}: {name} of two builds with one seed", tolerance=0)
    moved = [name for name, value in first.named_parameters() if value.numel() > 1 and value.detach().std() > 0]
    if moved:
        pairs = zip(first.parameters(), other.parameters(), strict=True)
        require(any(not torch.equal(a, b) for a, b in pairs), f"{case}: two seeds give one module")
    inputs = case.inputs(2)
    output = case.call(shaken(first, seed=1), inputs)
    require_same(case.call(first, inputs), output, f"{case}: the same inputs twice", tolerance=0)
    require_same(case.call(shaken(again, seed=1), inputs), output, f"{case}: two builds with one seed", tolerance=0)


def check_batch_split(case: ModuleCase) -> None:
    """Samples one by one equal samples together. Raises: ConformanceError."""
    module = shaken(case.build(), seed=1)
    inputs = case.inputs(3)
    together = case.call(module, inputs)
    parts = [case.call(module, [tensor[start : start + 1] for tensor in inputs]) for start in range(3)]
    require_same(torch.cat(parts), together, f"{case}: one by one against together")


def check_overfit(case: ModuleCase, *, steps: int = 30, rate: float = 1e-2) -> None:
    """Four samples are learnt: the loss against a shaken copy falls by a fifth in a few steps.

    The target is reachable by construction, so only a module that does not train fails.

    Raises: ConformanceError.
    """
    if not case.trainable:
        return
    module, inputs = case.build().train(), case.inputs(4)
    with torch.no_grad():
        target = case.call(shaken(case.build(), seed=3), inputs)
    parameters = list(module.parameters())
    moments = [(torch.zeros_like(parameter), torch.zeros_like(parameter)) for parameter in parameters]
    losses = []
    for step in range(1, steps + 1):
        loss = (case.call(module, inputs) - target).square().mean()
        losses.append(float(loss.detach()))
        gradients = torch.autograd.grad(loss, parameters, allow_unused=True)
        for parameter, gradient, moment in zip(parameters, gradients, moments, strict=True):
            if gradient is not None:
                parameter.data.sub_(rate * _adam_direction(gradient, moment, step))
    require(
        losses[-1] < 0.8 * losses[0],
        f"{case}: {steps} steps on 4 samples bring the loss from {losses[0]:.3g} to {losses[-1]:.3g} only",
    )


def check_place(case: ModuleCase, *, tolerance_cells: int) -> None:
    """A token that changes is found in the output where it stands in the input. Raises: ConformanceError."""
    module = shaken(case.build(), seed=1, scale=0.01)
    shape = case.shapes[0]
    for row, col in ((0, shape.cols - 1), (shape.rows - 1, shape.cols // 3)):
        inputs = case.inputs(1)
        before = case.call(module, inputs)
        inputs[0] = inputs[0].clone()
        inputs[0][:, :, row, col] *= -3
        change = (case.call(module, inputs) - before).detach().norm(dim=-1).mean((0, 1))
        found = divmod(int(change.argmax()), case.expected.cols)
        rows_off = abs((found[0] + 0.5) * shape.rows / case.expected.rows - row - 0.5)
        cols_off = abs((found[1] + 0.5) * shape.cols / case.expected.cols - col - 0.5)
        require(
            max(rows_off, cols_off) <= tolerance_cells + 0.5,
            f"{case}: token ({row}, {col}) of {shape.rows}x{shape.cols} changed, and the output changes most at "
            f"{found} of {case.expected.rows}x{case.expected.cols}",
        )


def check_stream_order(case: ModuleCase, order_matters: bool) -> None:
    """Exchanging streams of equal shape changes the output exactly where order is declared to matter. Raises:
    ConformanceError."""
    module, inputs = shaken(case.build(), seed=1), case.inputs(2)
    output, turned = case.call(module, inputs), case.call(module, inputs[::-1])
    if order_matters:
        require_other(turned, output, f"{case}: order_matters is declared, streams exchanged")
    else:
        require_same(turned, output, f"{case}: order_matters=False is declared, streams exchanged")


def shaken(module: nn.Module, *, seed: int, scale: float = 0.1) -> nn.Module:
    """The module with noise added to every parameter, in place."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=generator), alpha=scale)
    return module


def _adam_direction(gradient: Tensor, moments: tuple[Tensor, Tensor], step: int) -> Tensor:
    """Direction of one Adam step; moments change in place. ``torch.optim`` would import the compiler, 6 s and more.

    Source: Kingma and Ba, arXiv:1412.6980, algorithm 1.
    """
    first, second = moments
    first.lerp_(gradient, 0.1)
    second.lerp_(gradient.square(), 0.001)
    return (first / (1 - 0.9**step)) / ((second / (1 - 0.999**step)).sqrt() + 1e-8)


def _reached(tensor: Tensor) -> bool:
    return tensor.grad is not None and bool(tensor.grad.abs().max() > 0)
