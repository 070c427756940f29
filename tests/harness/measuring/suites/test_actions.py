"""Actions of clips: from the generators' own labels, pooled, in order, and with their order destroyed."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from foresight_harness.contracts.outcomes import Measurement
from foresight_harness.measuring.suites import temporal
from foresight_harness.measuring.suites.actions import action_measurements
from foresight_harness.measuring.workshop.cell import Cell
from foresight_harness.parts.probes.action import ORDERED, POOLED, SHUFFLED
from foresight_harness.planning.options import DatasetChoice

ORACLE = "oracle@mask/identity/single/linear"


def cell_on(make_keeper: Any, planned: Any, builtins: Any, name: str, candidate: str = ORACLE) -> Cell:
    """A cell of suite temporal on a set of clips."""
    choice = DatasetChoice(name)
    keeper = make_keeper(datasets=(choice,))
    one = planned(builtins, candidate, "temporal", name)
    return Cell(keeper.workshop, one.candidate, one.suite, choice)


def means(found: list[Measurement]) -> dict[tuple[str, str | None], float]:
    return {(one.metric, one.probe): float(np.nanmean(one.values)) for one in found if one.values is not None}


def test_clips_that_name_actions_are_scored_by_them_beside_motion(make_keeper, planned, builtins) -> None:
    outcome = temporal.measure(cell_on(make_keeper, planned, builtins, "debug_clips"))
    found = [each for each in outcome.measurements if each.metric.startswith("action_")]
    assert [(each.metric, each.probe) for each in found] == [
        (metric, probe)
        for probe in (POOLED, ORDERED, SHUFFLED)
        for metric in ("action_accuracy", "action_balanced_accuracy")
    ]
    assert all(each.floor == pytest.approx(1 / each.details["actions"], abs=0.05) for each in found)
    assert all(each.probe_choices and each.probe_choices["probe"] == f"{each.probe}/1" for each in found)
    assert [each.gateable for each in found] == [True] * 4 + [False] * 2
    scores = means(found)
    assert scores["action_accuracy", ORDERED] >= 0.4  # ten kinds
    assert all(0 <= score <= 1 for score in scores.values())


def test_direction_as_the_label_is_read_in_order_and_not_without_it(make_keeper, planned, builtins) -> None:
    def scored(candidate: str) -> dict[tuple[str, str | None], float]:
        cell = cell_on(make_keeper, planned, builtins, "moving_shapes", candidate)

        def read(seed: int, name: Any) -> Any:
            return cell.fitted_for_places(seed).conditioning(cell.streams(name), candidate)

        def split(name: Any) -> Any:
            labels = cell.split(name).labels
            named = [{"action": str(motion["direction"])} for motion in labels.motion]
            return SimpleNamespace(labels=SimpleNamespace(motion=named, ids=labels.ids))

        assert action_measurements(cell, read) == []  # this set names no actions: its records stay what they were
        other: Any = SimpleNamespace(split=split, seeds=cell.seeds)
        return means(action_measurements(other, read))

    oracle = scored(ORACLE)
    assert oracle["action_accuracy", ORDERED] >= 0.85  # eight directions
    assert oracle["action_accuracy", SHUFFLED] <= 0.3
    assert oracle["action_accuracy", POOLED] <= 0.3
    constant = scored("constant@patch/identity/single/linear")
    assert {round(score, 3) for score in constant.values()} == {0.125}
