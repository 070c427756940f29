from __future__ import annotations

import itertools

import pytest
from foresight_harness.judging.analyses.attribution import analyse

ENCODER = {"big": 0.2, "small": -0.2}
ENHANCER = {"identity": -0.05, "sharp": 0.05}
NOISE = [0.01, -0.01, 0.02, -0.02, 0.0, 0.0]


def _factorial(constructed, left_out=(), **changes) -> None:
    """0.5 plus the encoder's and the enhancer's part, with the same noise over pictures for all."""
    for encoder, enhancer in itertools.product(ENCODER, ENHANCER):
        if (encoder, enhancer) not in left_out:
            mean = 0.5 + ENCODER[encoder] + ENHANCER[enhancer]
            values = {0: [mean + noise for noise in NOISE]}
            constructed.add(f"{encoder}@last/{enhancer}/single/linear", values, **changes)


def _effects(found, axis: str) -> dict[str, float]:
    return {row["level"]: row["effect"].value for row in found.rows if row["axis"] == axis}


def test_effects_of_a_full_factorial_are_those_it_was_built_from(constructed) -> None:
    _factorial(constructed)
    found = analyse(constructed.run())
    assert _effects(found, "encoder") == pytest.approx(ENCODER)
    assert _effects(found, "enhancer") == pytest.approx(ENHANCER)
    assert _effects(found, "fusion") == _effects(found, "tap") == {}
    # Variance of the four means: 0.2^2 + 0.05^2, so the encoder makes 0.04 / 0.0425.
    shares = {entry["axis"]: entry["share"] for entry in found.further["shares"]}
    assert shares == {"encoder": pytest.approx(0.04 / 0.0425), "enhancer": pytest.approx(0.0025 / 0.0425)}
    assert found.finding.startswith("The encoder makes the largest difference: the median share")


def test_intervals_are_of_paired_differences(constructed) -> None:
    # The noise is the same for all, so differences have none: the interval is a point.
    _factorial(constructed)
    row = next(row for row in analyse(constructed.run()).rows if row["level"] == "big")
    assert (row["effect"].low, row["effect"].high) == (pytest.approx(0.2), pytest.approx(0.2))
    assert (row["effect"].n, row["candidates"], row["better"]) == (6, 2, True)


def test_a_lower_score_is_better_where_the_metric_says_so(constructed) -> None:
    _factorial(constructed, metric="centre_error", direction="lower")
    better = {row["level"]: row["better"] for row in analyse(constructed.run()).rows if row["axis"] == "encoder"}
    assert better == {"big": False, "small": True}


def test_a_missing_combination_does_not_put_one_choice_in_anothers_disguise(constructed) -> None:
    # Means over levels would give sharp (big alone) an edge of 0.3 over identity (both); matched pairs give 0.1.
    _factorial(constructed, left_out=[("small", "sharp")])
    found = analyse(constructed.run())
    assert _effects(found, "enhancer") == pytest.approx(ENHANCER)
    assert _effects(found, "encoder") == pytest.approx(ENCODER)


def test_taps_are_compared_within_their_encoder(constructed) -> None:
    for encoder, tap, mean in [("big", "early", 0.2), ("big", "late", 0.4), ("small", "late", 0.1)]:
        constructed.add(f"{encoder}@{tap}/identity/single/linear", {0: [mean + noise for noise in NOISE]})
    found = analyse(constructed.run())
    taps = {"big@early": pytest.approx(-0.1), "big@late": pytest.approx(0.1)}
    assert _effects(found, "tap") == taps
    assert _effects(found, "encoder") == {"big": pytest.approx(0.1), "small": pytest.approx(-0.1)}  # 0.3 against 0.1


def test_effects_are_quoted_against_the_spread_between_seeds(constructed) -> None:
    # Two seeds 0.02 apart: a standard deviation of 0.02 / sqrt(2) = 0.01414. The enhancers' 0.05 is beyond twice that.
    for enhancer, shift in [*ENHANCER.items(), ("blurred", 0.01)]:
        values = {seed: [0.5 + shift + 0.02 * seed + noise for noise in NOISE] for seed in (0, 1)}
        constructed.add(f"big@last/{enhancer}/single/linear", values)
    rows = {row["level"]: row for row in analyse(constructed.run()).rows}
    assert rows["sharp"]["seed_spread"] == pytest.approx(0.02 / 2**0.5)
    assert {level: row["beyond_seeds"] for level, row in rows.items()} == {
        "identity": True,
        "sharp": True,
        "blurred": False,
    }
    assert rows["sharp"]["effect"].method == "bootstrap-seeds-samples-95"


def test_without_several_seeds_the_spread_is_said_to_be_unknown(constructed) -> None:
    _factorial(constructed)
    found = analyse(constructed.run())
    assert {row["seed_spread"] for row in found.rows} == {None}
    assert any("spread between seeds is not known" in caveat for caveat in found.caveats)


def test_a_closed_form_candidate_beside_trained_ones_is_compared_with_each_seed(constructed) -> None:
    constructed.add("big@last/identity/single/linear", {0: [0.5] * 6})
    constructed.add("big@last/sharp/single/linear", {0: [0.6] * 6, 1: [0.8] * 6})
    found = analyse(constructed.run())
    assert _effects(found, "enhancer") == {"identity": pytest.approx(-0.1), "sharp": pytest.approx(0.1)}


def test_unequal_protocols_are_not_compared(constructed) -> None:
    constructed.add("big@last/identity/single/linear", {0: NOISE}, protocol="one")
    constructed.add("big@last/sharp/single/linear", {0: NOISE}, protocol="another")
    assert analyse(constructed.run()) is None


def test_a_metric_without_per_sample_values_is_said_to_be_left_out(constructed) -> None:
    _factorial(constructed)
    constructed.add("big@last/identity/single/linear", 0.3, metric="map50")
    assert any("map50 of spatial on shapes" in caveat for caveat in analyse(constructed.run()).caveats)
