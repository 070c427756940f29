"""What admission costs: pictures that are encoded for it, before and after scoring; none where it was done before."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
import torch
from faulty_encoders import PARAMS, SPEC, Honest
from foresight_harness.contracts.specs import BuildRequest, EncoderSpec
from foresight_harness.grids import TokenGrid
from foresight_harness.measuring.workshop.cell import Cell
from foresight_harness.planning.registry import PluginInfo, Registry
from foresight_harness.running.keeper import RunKeeper
from torch import Tensor, nn

MORE = 6_000_000
"""Parameters beyond which an encoder is large."""


@dataclass
class Counted:
    """An honest encoder that counts the pictures it is given."""

    encoder: Honest
    given: list[int]
    more: nn.Parameter = field(default_factory=lambda: nn.Parameter(torch.zeros(0)))

    def encode(self, clips: Tensor, taps: Sequence[str]) -> dict[str, TokenGrid]:
        self.given.append(len(clips))
        return self.encoder.encode(clips, taps)

    def facts(self) -> Mapping[str, Any]:
        return {**self.encoder.facts(), "params": PARAMS + self.more.numel()}


def counted(given: list[int], more: int) -> EncoderSpec:
    """The spec of an encoder with so many parameters beside those that run."""

    def build(request: BuildRequest) -> Counted:
        return Counted(Honest(request), given, nn.Parameter(torch.zeros(more), requires_grad=False))

    return replace(SPEC, build=build, params=PARAMS + more)


@pytest.fixture
def admitted(builtins: Registry, make_keeper: Callable[..., RunKeeper], planned, few_pictures: None) -> Any:
    """Pictures that a run encodes to admit an encoder: before it is scored, and after."""

    def run(more: int) -> tuple[int, int]:
        given: list[int] = []
        spec = counted(given, more)
        registry = replace(
            builtins,
            encoders={**builtins.encoders, spec.name: spec},
            owners={
                **builtins.owners,
                ("encoder", spec.name): PluginInfo("planted", "foresight-planted", "1", "0" * 16),
            },
        )
        workshop = make_keeper(registry).workshop
        cell = planned(registry, f"{spec.name}@last/identity/single/linear", "spatial")
        asked = Cell(workshop, cell.candidate, cell.suite, cell.dataset)
        workshop.admission.before(asked)
        before = sum(given)
        workshop.extraction.grids(spec, "last", asked.split("test"))
        scored = sum(given)
        workshop.admission.after(asked)
        verdict = workshop.admission.of(asked)
        assert verdict is not None
        assert verdict.status == "admitted"
        return before, sum(given) - scored

    return run


@pytest.mark.parametrize(("more", "most"), [(0, 32), (MORE, 8)], ids=["small", "large"])
def test_an_encoder_is_shown_few_pictures_and_none_by_a_second_run(
    admitted: Callable[[int], tuple[int, int]], more: int, most: int
) -> None:
    first = admitted(more)
    assert min(first) > 0
    assert sum(first) <= most
    assert admitted(more) == (0, 0)
