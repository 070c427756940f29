from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from foresight_harness.contracts.specs import MetricSpec
from foresight_harness.parts.builtin import foresight_metrics
from foresight_harness.parts.checks import metric_checks as checks
from foresight_harness.testing import ConformanceError, MetricConformance
from torch import Tensor

CHECKS: tuple[Callable[[Any, MetricSpec], None], ...] = (
    checks.check_values,
    checks.check_direction,
    checks.check_pure,
    checks.check_batch_invariance,
)


def _error(output: Tensor, target: Tensor) -> Tensor:
    return (output - target).square().flatten(1).mean(1, dtype=torch.float64)


def _spec(metric: Any = _error, **changes: Any) -> MetricSpec:
    facts = {
        "name": "squared_error",
        "build": lambda: metric,
        "compares": "pictures",
        "unit": "squared intensity",
        "direction": "lower",
        "range": (0.0, 1.0),
        "reference": "mean over pixels",
    }
    return MetricSpec(**(facts | changes))


class TestBuiltin(MetricConformance):
    """The harness's own metrics keep what it asks of others."""

    plugin = "foresight_harness.parts.builtin"
    metrics = tuple(spec.name for spec in foresight_metrics() if spec.unit != "distance")
    """Without the perceptual one, whose network takes seconds and has tests of its own."""


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_an_honest_metric_passes(check: Callable[..., None]) -> None:
    check(_error, _spec())
    checks.check_declared(_spec())


def _writes(output: Tensor, target: Tensor) -> Tensor:
    values = _error(output, target)
    output.zero_()
    return values


def _draws(output: Tensor, target: Tensor) -> Tensor:
    return _error(output, target) + 1e-4 * torch.rand(len(output), dtype=torch.float64)


def _ranks(output: Tensor, target: Tensor) -> Tensor:
    values = _error(output, target)
    return values / values.max().clamp_min(1e-12)


@pytest.mark.parametrize(
    ("check", "metric", "changes", "message"),
    [
        (checks.check_values, lambda o, t: _error(o, t).mean(), {}, "never a mean"),
        (checks.check_values, lambda o, t: _error(o, t).tolist(), {}, "not a tensor"),
        (checks.check_values, lambda o, t: _error(o, t).float(), {}, "wanted torch.float64"),
        (checks.check_values, lambda o, t: _error(o, t) - 1, {}, "leave the declared range"),
        (checks.check_values, _error, {"range": (None, 1e-9)}, "leave the declared range"),
        (checks.check_direction, _error, {"direction": "higher"}, "which is better"),
        (checks.check_direction, lambda o, t: 0 * _error(o, t), {}, "strong damage"),
        (checks.check_pure, _writes, {}, "changes its arguments"),
        (checks.check_pure, _draws, {}, "moves the global generator of torch"),
        (checks.check_batch_invariance, _ranks, {}, "one by one against together"),
    ],
)
def test_a_fault_is_found(check: Callable[..., None], metric: Any, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ConformanceError, match=message):
        check(metric, _spec(metric, **changes))


def test_a_metric_with_a_memory_is_found() -> None:
    calls: list[int] = []

    def remembers(output: Tensor, target: Tensor) -> Tensor:
        calls.append(1)
        return _error(output, target) + len(calls)

    with pytest.raises(ConformanceError, match="the same pair twice"):
        checks.check_pure(remembers, _spec())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": "Squared"}, "lower_snake_case"),
        ({"unit": " "}, "no unit"),
        ({"reference": ""}, "no reference"),
        ({"direction": "up"}, "higher or lower"),
        ({"range": (1.0, 0.0)}, "is empty"),
    ],
)
def test_an_incomplete_declaration_is_found(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ConformanceError, match=message):
        checks.check_declared(_spec(**changes))
