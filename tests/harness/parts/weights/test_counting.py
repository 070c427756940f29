"""That there is nothing to load is counted, not believed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import pytest
import torch
from foresight_harness.contracts.errors import PluginError
from foresight_harness.contracts.specs import BuildRequest
from foresight_harness.measuring.extraction.pool import EncoderPool
from foresight_harness.parts.weights.counting import parameter_count, require_no_parameters
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


def test_an_encoder_that_hides_a_network_behind_no_parameters_is_refused(builtins: Registry) -> None:
    """T1 of the faults: declared trust would make a random network gateable."""
    honest = builtins.encoders["pixels"]
    request = BuildRequest()
    pool = EncoderPool(lambda spec: request)
    pool.get(honest)
    hiding = replace(honest, name="hiding", build=lambda request: Holder(nn.Linear(3, 2)))  # type: ignore[arg-type, return-value]
    with pytest.raises(PluginError, match="encoder hiding declares no parameters and holds 8: declare params"):
        pool.get(hiding)


def test_every_built_in_that_declares_nothing_to_load_loads_nothing(builtins: Registry) -> None:
    declared = [spec for spec in builtins.encoders.values() if spec.params == 0 and spec.derive is None]
    assert declared
    for spec in declared:
        require_no_parameters(spec.build(BuildRequest()), spec.name)
