from __future__ import annotations

import pytest
from foresight_harness.judging.analyses.layers import analyse, halves

GROUPS = [f"s{index}" for index in range(8)]


def _profile(constructed, scores, *, direction="higher") -> None:
    """Four taps; ``scores`` gives each its values on the first and on the second half of the pictures."""
    first, _ = halves(GROUPS)
    for index, (on_first, on_second) in enumerate(scores):
        values = {0: [on_first if inside else on_second for inside in first]}
        constructed.add(f"e@t{index}/identity/single/linear", values, depth=index / 3, direction=direction)


def test_profiles_stand_by_relative_depth(constructed) -> None:
    _profile(constructed, [(0.1, 0.1), (0.2, 0.2), (0.4, 0.4), (0.3, 0.3)])
    found = analyse(constructed.run())
    assert [(row["tap"], row["depth"], row["measured"].value) for row in found.rows] == [
        ("t0", 0.0, pytest.approx(0.1)),
        ("t1", pytest.approx(1 / 3), pytest.approx(0.2)),
        ("t2", pytest.approx(2 / 3), pytest.approx(0.4)),
        ("t3", 1.0, pytest.approx(0.3)),
    ]
    assert found.rows[0]["pipeline"] == "identity/single"
    assert {entry["tap"] for entry in found.further["best"]} == {"t2"}
    assert found.finding.startswith("In 1 of 1 profiles both halves of the pictures choose the same tap")


def test_the_best_tap_is_chosen_on_one_half_and_reported_on_the_other(constructed) -> None:
    # t1 looks best on the first half alone, t3 on the second alone.
    _profile(constructed, [(0.1, 0.1), (0.9, 0.2), (0.3, 0.3), (0.4, 0.8)])
    found = analyse(constructed.run())
    first, second = found.further["best"]
    assert (first["tap"], first["on_chosen"], first["measured"].value) == ("t1", pytest.approx(0.9), pytest.approx(0.2))
    assert (second["tap"], second["on_chosen"], second["measured"].value) == (
        "t3",
        pytest.approx(0.8),
        pytest.approx(0.4),
    )
    assert (first["chosen_on"], first["measured"].n, first["of"]) == ("first half", 4, 4)
    assert found.finding.startswith("In 0 of 1 profiles")


def test_a_lower_score_is_best_where_the_metric_says_so(constructed) -> None:
    _profile(constructed, [(0.5, 0.5), (0.2, 0.2), (0.3, 0.3), (0.4, 0.4)], direction="lower")
    assert {entry["tap"] for entry in analyse(constructed.run()).further["best"]} == {"t1"}


def test_halves_share_no_group_and_do_not_depend_on_the_order() -> None:
    groups = [f"g{index // 3}" for index in range(30)]
    first, second = halves(groups)
    ours = {group for group, inside in zip(groups, first, strict=True) if inside}
    theirs = {group for group, inside in zip(groups, second, strict=True) if inside}
    assert (len(ours), len(theirs), ours & theirs) == (5, 5, set())
    again, _ = halves(groups[::-1])
    assert list(again[::-1]) == list(first)
    assert halves(["one"] * 4) is None


def test_two_taps_are_no_profile(constructed) -> None:
    _profile(constructed, [(0.1, 0.1), (0.2, 0.2)])
    assert analyse(constructed.run()) is None


def test_taps_of_different_pipelines_are_not_one_profile(constructed) -> None:
    for index, enhancer in enumerate(["identity", "identity", "sharp", "sharp"]):
        constructed.add(f"e@t{index}/{enhancer}/single/linear", {0: [0.1] * 4}, depth=index / 3)
    assert analyse(constructed.run()) is None


def test_joined_streams_have_no_depth_and_no_place_in_a_profile(constructed) -> None:
    _profile(constructed, [(0.1, 0.1), (0.2, 0.2), (0.3, 0.3)])
    constructed.add("e@t0+e@t1/identity/single/linear", {0: [0.9] * 8})
    assert len(analyse(constructed.run()).rows) == 3


def test_a_metric_without_per_sample_values_has_a_profile_and_no_best_tap(constructed) -> None:
    for index in range(3):
        constructed.add(f"e@t{index}/identity/single/linear", 0.1 * index, metric="map50", depth=index / 2)
    found = analyse(constructed.run())
    assert len(found.rows) == 3
    assert found.further["best"] == []
    assert "no best tap is chosen" in found.finding
