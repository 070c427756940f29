"""One interval against one rule."""

from __future__ import annotations

import pytest
from foresight_harness.judging.gates.gate import Rule
from foresight_harness.judging.gates.verdict import Reading, best, judge, worst
from foresight_harness.judging.gates.vocabulary import Fact
from foresight_harness.parts.statistics.planning import needed_n

RATIO = Fact("ratio", "higher", (0.0, 1.0))


def rule(**changes) -> Rule:
    fields = {"id": "r", "label": "r", "quote": "q", "line": 1, "fact": RATIO, "direction": "higher", "bound": 0.4}
    return Rule(**{**fields, **changes})


def reading(low, value, high, n=100) -> Reading:
    return Reading(value, low, high, n, "bootstrap-percentile-95")


@pytest.mark.parametrize(
    ("ends", "verdict"),
    [
        ((0.41, 0.45, 0.49), "GO"),
        ((0.40, 0.45, 0.49), "INCONCLUSIVE"),
        ((0.39, 0.45, 0.49), "INCONCLUSIVE"),
        ((0.31, 0.35, 0.39), "NO-GO"),
        ((0.31, 0.35, 0.40), "NO-GO"),
    ],
)
def test_verdict_needs_the_whole_interval_on_one_side(ends, verdict: str) -> None:
    assert judge(rule(), reading(*ends)).verdict == verdict
    mirrored = rule(direction="lower", bound=-0.4, fact=Fact("x", "lower"))
    low, value, high = ends
    assert judge(mirrored, reading(-high, -value, -low)).verdict == verdict


@pytest.mark.parametrize(
    ("ends", "verdict"),
    [
        ((0.41, 0.45, 0.49), "GO"),
        ((0.25, 0.30, 0.35), "MARGINAL"),
        ((0.20, 0.30, 0.40), "MARGINAL"),
        ((0.10, 0.15, 0.19), "NO-GO"),
        ((0.15, 0.20, 0.25), "INCONCLUSIVE"),
        ((0.35, 0.42, 0.49), "INCONCLUSIVE"),
        ((0.10, 0.30, 0.50), "INCONCLUSIVE"),
    ],
)
def test_band_between_go_and_no_go_is_marginal(ends, verdict: str) -> None:
    assert judge(rule(marginal=(0.2, 0.4)), reading(*ends)).verdict == verdict
    low, value, high = ends
    mirrored = rule(direction="lower", bound=-0.4, marginal=(-0.4, -0.2), fact=Fact("x", "lower"))
    assert judge(mirrored, reading(-high, -value, -low)).verdict == verdict


def test_inconclusive_says_how_many_samples_would_settle_it() -> None:
    """No more are asked for than settle a distance of 0.02, a fiftieth of the range, in nine of ten repeats."""
    found = judge(rule(), reading(0.375, 0.425, 0.475))
    assert found.needed_n == needed_n(0.025, 0.05, 100, least_distance=0.02)
    assert found.needed_n > 400, "a distance that is mostly noise is not taken at its word"
    assert "samples would settle it" in found.reason


def test_nearest_of_two_straddled_bounds_sets_the_number() -> None:
    found = judge(rule(marginal=(0.2, 0.4)), reading(0.15, 0.375, 0.60))
    assert found.needed_n == needed_n(0.025, 0.225, 100, least_distance=0.02)


def test_mean_on_the_bound_is_settled_by_what_settles_the_least_distance_that_matters() -> None:
    found = judge(rule(), reading(0.35, 0.4, 0.45))
    assert found.verdict == "INCONCLUSIVE"
    assert found.needed_n == needed_n(0.02, 0.05, 100, least_distance=0.02)


def test_an_interval_without_width_decides_nothing() -> None:
    found = judge(rule(), reading(1.0, 1.0, 1.0, n=4))
    assert found.verdict == "INCONCLUSIVE"
    assert "without width" in found.reason


def test_number_without_interval_decides_nothing_unless_it_is_exact() -> None:
    bare = Reading(0.9, None, None, 1, None)
    assert judge(rule(), bare).verdict == "INCONCLUSIVE"
    exact = rule(fact=Fact("parameters", "lower", (0.0, None), exact=True), direction="lower", bound=10.0)
    assert judge(exact, Reading(9.0, None, None, 1, None)).verdict == "GO"
    assert judge(exact, Reading(10.0, None, None, 1, None)).verdict == "NO-GO"


def test_target_is_said_and_not_asked() -> None:
    assert "target 0.6 not shown" in judge(rule(target=0.6), reading(0.45, 0.5, 0.55)).reason
    assert "target 0.6 reached too" in judge(rule(target=0.6), reading(0.65, 0.7, 0.75)).reason


def test_of_rules_that_must_all_hold_a_no_go_decides_and_an_unmeasured_one_is_not_hidden() -> None:
    assert worst(["GO", "GO"]) == "GO"
    assert worst(["GO", "NOT MEASURED", "NO-GO"]) == "NO-GO"
    assert worst(["GO", "INCONCLUSIVE", "NOT MEASURED"]) == "NOT MEASURED"
    assert worst(["GO", "MARGINAL"]) == "MARGINAL"
    assert worst([]) == "NOT MEASURED"


def test_of_candidates_one_go_is_enough_and_no_go_needs_all() -> None:
    assert best(["NO-GO", "GO"]) == "GO"
    assert best(["NO-GO", "MARGINAL", "INCONCLUSIVE"]) == "INCONCLUSIVE"
    assert best(["NO-GO", "NOT MEASURED"]) == "NOT MEASURED"
    assert best(["NO-GO", "NO-GO"]) == "NO-GO"
