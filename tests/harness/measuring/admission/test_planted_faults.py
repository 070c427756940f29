"""Every planted fault is refused, with the reason, by the functions that a run calls; honest encoders are admitted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from faulty_encoders import FAULTS, SPEC
from foresight_harness.contracts.specs import EncoderSpec
from foresight_harness.measuring.admission.verdicts import Verdict
from foresight_harness.measuring.workshop.cell import Cell
from foresight_harness.planning.plan import PlannedCell
from foresight_harness.planning.registry import PluginInfo, Registry
from foresight_harness.running.keeper import RunKeeper

Judge = Callable[[EncoderSpec], Verdict | None]


@pytest.fixture
def judge(builtins: Registry, make_keeper: Callable[..., RunKeeper], planned, few_pictures: None) -> Judge:
    """The verdict on an encoder of a plugin, as the records of its cells would state it."""

    def found(spec: EncoderSpec) -> Verdict | None:
        plugin = PluginInfo("planted", "foresight-planted", "1", "0" * 16)
        registry = replace(
            builtins,
            encoders={**builtins.encoders, spec.name: spec},
            owners={**builtins.owners, ("encoder", spec.name): plugin},
        )
        keeper = make_keeper(registry)
        cell: PlannedCell = planned(registry, f"{spec.name}@last/identity/single/linear", "spatial")
        asked = Cell(keeper.workshop, cell.candidate, cell.suite, cell.dataset)
        keeper.workshop.admission.before(asked)
        return keeper.workshop.admission.of(asked)

    return found


@pytest.mark.parametrize("name", FAULTS)
def test_a_planted_fault_is_refused_and_named(judge: Judge, name: str) -> None:
    spec, said = FAULTS[name]
    verdict = judge(spec)
    assert verdict is not None
    assert verdict.status == "refused"
    assert said in str(verdict.line)
    assert "encoder planted_tiny of plugin 'planted'" in str(verdict.line)
    assert "\n" not in str(verdict.line)


def test_the_honest_encoder_is_admitted(judge: Judge) -> None:
    verdict = judge(SPEC)
    assert verdict is not None
    assert (verdict.status, verdict.line) == ("admitted", None)


def test_colours_that_are_not_declared_are_said_not_to_be_checked(judge: Judge) -> None:
    verdict = judge(replace(SPEC, preprocessing={}))
    assert verdict is not None
    assert verdict.status == "admitted"
    assert verdict.line == "not checked: colours: no mean and std of three channels declared"
