"""Every planted fault is refused, with the reason, by the functions that a run calls; honest encoders are admitted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest
import torch
from faulty_encoders import FAULTS, SPEC, Honest
from foresight_harness.contracts.specs import BuildRequest, DataRequest, EncoderSpec
from foresight_harness.contracts.token_grids import TokenGrid
from foresight_harness.measuring.admission.examining import Subject, examine
from foresight_harness.measuring.admission.verdicts import Verdict
from foresight_harness.measuring.workshop.cell import Cell
from foresight_harness.parts.datasets.shapes import Shapes
from foresight_harness.planning.plan import PlannedCell
from foresight_harness.planning.registry import PluginInfo, Registry
from foresight_harness.running.keeper import RunKeeper
from torch import Tensor

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


def losing(own_share: float) -> EncoderSpec:
    """An encoder whose tokens all show the whole picture, and faintly their own place or another."""

    def build(request: BuildRequest) -> Honest:
        encoder = Honest(request)
        before = encoder.grid

        def grid(tokens: Tensor) -> Tensor:
            seen = before(tokens)
            places = seen.flatten(1, 2)
            order = torch.randperm(places.shape[1], generator=torch.Generator().manual_seed(1))
            faint = own_share * places + (1 - own_share) * places[:, order]
            return seen.mean((1, 2), keepdim=True) + 0.1 * faint.reshape(seen.shape)

        encoder.grid = grid  # type: ignore[method-assign]
        return encoder

    return replace(SPEC, build=build)


def test_an_encoder_that_loses_places_is_not_taken_for_one_that_is_read_in_a_wrong_order(judge: Judge) -> None:
    verdict = judge(losing(0.15))
    assert verdict is not None
    assert verdict.status == "admitted"
    assert "not checked: places at last: every repainted square moves all tokens about alike" in str(verdict.line)


def test_faint_tokens_in_a_wrong_order_are_refused_all_the_same(judge: Judge) -> None:
    verdict = judge(losing(0.0))
    assert verdict is not None
    assert verdict.status == "refused"
    assert "do not change the tokens that cover them" in str(verdict.line)


def test_what_could_not_be_told_at_one_tap_is_not_said_of_another() -> None:
    def run(clips: Tensor, taps: Sequence[str]) -> dict[str, TokenGrid]:
        sharp, faint = Honest(BuildRequest()), losing(0.15).build(BuildRequest())
        return {"last": sharp.encode(clips, ["last"])["last"], "late": faint.encode(clips, ["late"])["late"]}

    spec = replace(SPEC, taps=(*SPEC.taps, replace(SPEC.taps[0], name="late")))
    shown = Shapes(DataRequest("test", 2, 0, canvas_px=SPEC.input_px))
    subject = Subject(spec, run, SPEC.input_px, params=SPEC.params or 0)
    found, _ = examine(subject, ["last", "late"], shown[0].clip, shown[1].clip)
    assert [verdict.status for verdict in found.values()] == ["admitted", "admitted"]
    assert found["last"].line is None
    assert "places at late" in str(found["late"].line)


def half_lost(clips: Tensor, taps: Sequence[str]) -> dict[str, TokenGrid]:
    """Tokens of the upper half in random places, as a network might learn and as a wrong order might be."""
    encoder = Honest(BuildRequest())
    before = encoder.grid

    def grid(tokens: Tensor) -> Tensor:
        seen = before(tokens).clone()
        upper = seen[:, : seen.shape[1] // 2]
        order = torch.randperm(upper.shape[1] * upper.shape[2], generator=torch.Generator().manual_seed(1))
        upper[:] = upper.flatten(1, 2)[:, order].reshape(upper.shape)
        return seen

    encoder.grid = grid  # type: ignore[method-assign]
    return encoder.encode(clips, taps)


@pytest.mark.parametrize(("untrained", "status"), [(None, "refused"), (half_lost, "refused"), ("honest", "admitted")])
def test_places_that_training_lost_are_told_from_an_order_that_the_code_has_wrong(
    untrained: object, status: str
) -> None:
    honest = Honest(BuildRequest()).encode
    run = honest if untrained == "honest" else untrained
    shown = Shapes(DataRequest("test", 2, 0, canvas_px=SPEC.input_px))
    subject = Subject(
        SPEC, half_lost, SPEC.input_px, params=SPEC.params or 0, untrained=None if run is None else lambda: run
    )
    found, pictures = examine(subject, ["last"], shown[0].clip, shown[1].clip)
    assert found["last"].status == status
    line = str(found["last"].line)
    assert ("training lost them" in line) == (status == "admitted")
    assert ("not in the upper half" in line) == (status == "refused")
    assert pictures == (24 if run is None else 33)
