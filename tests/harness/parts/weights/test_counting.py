"""That there is nothing to load is counted, not believed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import pytest
import torch
from foresight_harness.contracts.errors import CheckpointError
from foresight_harness.contracts.specs import BuildRequest
from foresight_harness.parts.weights.counting import (
    parameter_count,
    require_finite_parameters,
    require_no_parameters,
    tensor_count,
)
from foresight_harness.planning.registry import Registry
from torch import nn


@dataclass
class Holder:
    """Anything that holds something."""

    held: object


class Slotted:
    """Without a dictionary."""

    __slots__ = ("held",)

    def __init__(self, held: object) -> None:
        self.held = held


def _closure(held: nn.Module) -> Callable[[], object]:
    return lambda: held


@pytest.mark.parametrize(
    "hide",
    [
        Holder,
        Slotted,
        _closure,
        lambda held: [{"a": (held,)}],
        lambda held: partial(print, held),
        lambda held: held.forward,
    ],
    ids=["attribute", "slot", "closure", "container", "partial", "method"],
)
def test_a_network_is_found_wherever_it_is_kept(hide: Callable[[nn.Module], object]) -> None:
    assert parameter_count(Holder(hide(nn.Linear(3, 2)))) == 8


def test_shared_parameters_count_once_and_constants_do_not() -> None:
    layer = nn.Linear(3, 2)
    assert parameter_count([layer, Holder(layer), nn.Sequential(layer), layer.weight]) == 8
    assert parameter_count(Holder(torch.ones(1000))) == 0
    assert parameter_count(Holder(nn.Parameter(torch.ones(5)))) == 5


def test_plain_tensors_as_large_as_weights_count_where_nothing_is_declared() -> None:
    assert tensor_count(Holder(torch.ones(1000))) == 1000
    assert tensor_count(Holder(torch.ones(3))) == 0
    assert tensor_count([layer := nn.BatchNorm2d(300), Holder(layer)]) == 600
    assert tensor_count(Holder(np.zeros((20, 20), dtype=np.float32))) == 400
    assert tensor_count(Holder(torch.zeros(1000, dtype=torch.int64))) == 0


def test_every_built_in_that_declares_nothing_to_load_loads_nothing(builtins: Registry) -> None:
    declared = [spec for spec in builtins.encoders.values() if spec.params == 0 and spec.derive is None]
    assert declared
    for spec in declared:
        require_no_parameters(spec.build(BuildRequest()), spec.name)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_weights_that_are_no_numbers_are_refused_by_name(value: float, dtype: torch.dtype) -> None:
    model = nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 2)).to(dtype)
    require_finite_parameters(Holder(model), "encoder fake_tiny")
    with torch.no_grad():
        model[1].weight[1, 2] = value
    with pytest.raises(
        CheckpointError, match=r"^encoder fake_tiny: 1 of 8 values of 1\.weight are not finite: .*copy$"
    ):
        require_finite_parameters(Holder(model), "encoder fake_tiny")


def test_large_weights_and_infinite_buffers_are_no_fault() -> None:
    model = nn.Linear(4, 4)
    model.register_buffer("mask", torch.full((4,), -torch.inf))
    with torch.no_grad():
        model.weight.fill_(3e38)  # the sum is beyond float32, and no value is
    require_finite_parameters(model, "encoder fake_tiny")
    require_finite_parameters(nn.Linear(2, 2, device="meta"), "encoder fake_tiny")
