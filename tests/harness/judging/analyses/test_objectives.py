"""What training asked for, as the analysis ``layers`` says it."""

from __future__ import annotations

import pytest
from foresight_harness.judging.analyses.envelope import Measured
from foresight_harness.judging.analyses.layers import analyse
from foresight_harness.judging.analyses.objectives import sentence

COUNT = 40
TAPS = ("early", "middle", "deep")


def _twins(constructed, scores, *, direction="higher", objectives=("say what", "say where")) -> None:
    """One relative an objective; ``scores`` gives each its mean at every tap, with pictures that differ a little."""
    for name, (objective, means) in zip(("one", "other", "third"), zip(objectives, scores, strict=True), strict=False):
        for index, mean in enumerate(means):
            values = {0: [mean + 0.001 * ((7 * picture + index) % 5) for picture in range(COUNT)]}
            constructed.add(
                f"{name}@{TAPS[index]}/identity/single/linear",
                values,
                depth=index / 2,
                family="kin",
                objective=objective,
                direction=direction,
            )


def test_the_better_objective_is_named_with_what_it_lifts_the_deepest_tap_by(constructed) -> None:
    _twins(constructed, [(0.3, 0.3, 0.2), (0.3, 0.4, 0.5)])
    found = analyse(constructed.run())
    assert found.finding.startswith("Training kin to say where lifts its tap deep by 0.300 [")
    assert "over training it to say what: iou" in found.finding
    assert "same architecture, start and pictures. In 1 of 2 profiles" in found.finding
    by_tap = {row["tap"]: row for row in found.further["objectives"]}
    assert set(by_tap) == set(TAPS)
    assert (by_tap["deep"]["objective"], by_tap["deep"]["over"]) == ("say where", "say what")
    assert by_tap["deep"]["difference"].value == pytest.approx(0.3)
    assert by_tap["deep"]["separated"]
    assert not by_tap["early"]["separated"]


def test_of_errors_the_lower_one_is_better(constructed) -> None:
    _twins(constructed, [(0.3, 0.3, 0.2), (0.3, 0.4, 0.5)], direction="lower")
    found = analyse(constructed.run())
    assert found.finding.startswith("Training kin to say what lowers its tap deep by 0.300 [")


def test_three_objectives_are_one_family_of_tests_and_the_best_stands_over_both(constructed) -> None:
    scores = [(0.3, 0.3, 0.2), (0.3, 0.4, 0.5), (0.3, 0.3, 0.4)]
    _twins(constructed, scores, objectives=("say what", "say where", "say something else"))
    found = analyse(constructed.run())
    assert len(found.further["objectives"]) == 9
    assert "over training it to say what; and by 0.100 [" in found.finding
    assert "over training it to say something else: iou" in found.finding


def test_what_is_not_told_apart_is_said_to_be(constructed) -> None:
    _twins(constructed, [(0.3, 0.3, 0.2), (0.3, 0.4, 0.2)])
    assert "which is not told apart" in analyse(constructed.run()).finding


@pytest.mark.parametrize("objectives", [(None, None), ("say what", "say what"), (None, "say what")])
def test_nothing_is_said_without_two_objectives(constructed, objectives) -> None:
    _twins(constructed, [(0.3, 0.3, 0.2), (0.3, 0.4, 0.5)], objectives=objectives)
    found = analyse(constructed.run())
    assert found.finding.startswith("In ")
    assert "objectives" not in found.further


def test_the_data_set_that_tells_most_is_quoted_whichever_was_scored_first() -> None:
    kin = {"family": "f", "pipeline": "", "suite": "spatial", "metric": "iou", "probe": "ridge", "direction": "higher"}
    both = {**kin, "tap": "last", "depth": 1.0, "objective": "say where", "over": "say what"}
    told = {**both, "dataset": "told", "difference": Measured(0.2, 0.1, 0.3, 9, "x"), "separated": True}
    open_ = {**both, "dataset": "open", "difference": Measured(0.3, -0.1, 0.7, 9, "x"), "separated": False}
    assert sentence([told, open_]) == sentence([open_, told])
    assert "by 0.200 [0.100, 0.300]" in sentence([open_, told])
    assert "on told," in sentence([open_, told])
