"""Checks of metrics: one value per sample, a copy is best, more damage is worse, nothing depends on neighbours."""

from __future__ import annotations

import re
from typing import Any, Literal

import torch
from torch import Tensor

from foresight_harness.contracts.protocols import Metric
from foresight_harness.contracts.specs import MetricSpec
from foresight_harness.parts.checks.failures import require, require_same
from foresight_harness.parts.checks.generators import global_generators_kept
from foresight_harness.parts.checks.pictures import random_clips

Compared = Literal["boxes", "pictures", "objects", "distributions"]
SIZE_PX = (48, 64)
"""Rows and columns of the pictures of these checks, in pixels: unequal, so that exchanged axes show."""
SAMPLES = 4
NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
DAMAGE = (0.02, 0.15)
"""Mild and strong damage: standard deviation of noise on pictures; what boxes lose on top and on the left, in sides of
the picture."""


def target_of(compares: Compared) -> Any:
    """What is true: clips of two frames [B, 2, 3, H_px, W_px], these with masks of one object each, or boxes of
    one to three objects [N_i, 4] each."""
    if compares == "pictures":
        return random_clips(SIZE_PX, batch=SAMPLES, frames=2, seed=21)
    if compares == "objects":
        return _objects()
    corners = torch.tensor([[0.1, 0.2], [0.5, 0.1], [0.3, 0.6]])
    sides = torch.tensor([[0.3, 0.2], [0.2, 0.3], [0.25, 0.25]])
    boxes = torch.cat([corners, corners + sides], dim=1)
    return [boxes[: 1 + index % 3] + 0.01 * index for index in range(SAMPLES)]


def damaged(compares: Compared, target: Any, damage: float) -> Any:
    """The target with noise on its pictures, or with its boxes cut short on top and on the left."""
    if compares == "boxes":
        return [boxes + torch.tensor([damage, damage, 0.0, 0.0]) for boxes in target]
    clips = target[0] if compares == "objects" else target
    noise = torch.randn(clips.shape, generator=torch.Generator().manual_seed(22))
    return (clips + damage * noise).clamp(0, 1)


def _objects() -> tuple[Tensor, list[Tensor]]:
    """Clips with a brighter rectangle each, and its masks [2, 1, H_px, W_px]."""
    clips = random_clips(SIZE_PX, batch=SAMPLES, frames=2, seed=21) * 0.5
    masks = torch.zeros(SAMPLES, 2, 1, *SIZE_PX, dtype=torch.bool)
    for index in range(SAMPLES):
        masks[index, :, :, 8 + index : 30 + index, 12 : 40 + index] = True
    return clips + 0.35 * masks, list(masks)


def check_declared(spec: MetricSpec) -> None:
    """Name, unit, reference, direction and range are stated. Raises: ConformanceError."""
    require(NAME.fullmatch(spec.name) is not None, f"{spec.name} is not lower_snake_case")
    require(bool(spec.unit.strip()), f"{spec.name} states no unit")
    require(bool(spec.reference.strip()), f"{spec.name} states no reference: which paper or code defines the value?")
    require(spec.direction in ("higher", "lower"), f"{spec.name}: direction {spec.direction!r}; higher or lower?")
    low, high = spec.range
    require(low is None or high is None or low < high, f"{spec.name}: range {spec.range} is empty")


def check_values(metric: Metric, spec: MetricSpec) -> None:
    """One float64 per sample, inside the declared range. Raises: ConformanceError."""
    target = target_of(spec.compares)
    for damage in (0.0, *DAMAGE):
        values = metric(damaged(spec.compares, target, damage), target)
        require(isinstance(values, Tensor), f"{spec.name} gives a {type(values).__name__}, not a tensor")
        require(
            tuple(values.shape) == (SAMPLES,),
            f"{spec.name}: {SAMPLES} samples give values of shape {tuple(values.shape)}; one a sample, never a mean",
        )
        require(values.dtype == torch.float64, f"{spec.name}: values are {values.dtype}, wanted torch.float64")
        known = values[~values.isnan()]
        low, high = spec.range
        inside = (low is None or bool((known >= low).all())) and (high is None or bool((known <= high).all()))
        require(inside, f"{spec.name}: {values.tolist()} leave the declared range {spec.range}")


def check_direction(metric: Metric, spec: MetricSpec) -> None:
    """A copy is best, and strong damage is worse than mild. Raises: ConformanceError."""
    target = target_of(spec.compares)
    sign = 1.0 if spec.direction == "higher" else -1.0
    copy, mild, strong = (
        sign * float(metric(damaged(spec.compares, target, damage), target).nanmean()) for damage in (0.0, *DAMAGE)
    )
    require(
        copy >= mild, f"{spec.name}: a copy reads {sign * copy:.4g}, mild damage {sign * mild:.4g}, which is better"
    )
    require(
        mild > strong,
        f"{spec.name}: {spec.direction} is better, but mild damage reads {sign * mild:.4g} and strong damage "
        f"{sign * strong:.4g}",
    )


def check_pure(metric: Metric, spec: MetricSpec) -> None:
    """The same call gives the same values, and leaves its arguments and the global generators alone. Raises:
    ConformanceError."""
    target = target_of(spec.compares)
    output = damaged(spec.compares, target, DAMAGE[1])
    with global_generators_kept(f"metric {spec.name}"):
        first = metric(output, target)
        again = metric(damaged(spec.compares, target_of(spec.compares), DAMAGE[1]), target_of(spec.compares))
    require_same(again, first, f"{spec.name}: the same pair twice", tolerance=0)
    kept = _equal(target, target_of(spec.compares)) and _equal(output, damaged(spec.compares, target, DAMAGE[1]))
    require(kept, f"{spec.name} changes its arguments")


def check_batch_invariance(metric: Metric, spec: MetricSpec) -> None:
    """Samples one by one equal samples together. Raises: ConformanceError."""
    target = target_of(spec.compares)
    output = damaged(spec.compares, target, DAMAGE[1])
    together = metric(output, target)
    alone = [metric(output[index : index + 1], _sample(spec.compares, target, index)) for index in range(SAMPLES)]
    require_same(torch.cat(alone), together, f"{spec.name}: one by one against together", tolerance=1e-6)


def _sample(compares: Compared, target: Any, index: int) -> Any:
    """The target of one sample, as a batch of one."""
    alone = slice(index, index + 1)
    return (target[0][alone], target[1][alone]) if compares == "objects" else target[alone]


def _equal(one: Any, two: Any) -> bool:
    if isinstance(one, Tensor):
        return torch.equal(one, two)
    return all(_equal(a, b) for a, b in zip(one, two, strict=True))
