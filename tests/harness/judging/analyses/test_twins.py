"""What training is worth, from runs whose every number is chosen."""

from __future__ import annotations

import pytest
from foresight_harness.judging.analyses.twins import analyse

TAIL = "identity/single/linear"
NOISE = [0.02 * ((index * 7) % 11 - 5) / 5 for index in range(60)]


def _values(mean: float, wobble: float = 0.0) -> dict[int, list[float]]:
    """Sixty pictures whose noise is shared, and a little of each candidate's own."""
    return {0: [mean + noise + wobble * ((index * 5) % 7 - 3) for index, noise in enumerate(NOISE)]}


def _board(constructed, *, trained: float = 0.6, twin: float = 0.3, pixels: float = 0.1, **changes) -> None:
    told = {"ceiling": 0.9, "ceiling_by": "oracle", **changes}
    constructed.add(f"big@last/{TAIL}", _values(trained, 0.004), **told)
    constructed.add(f"random:big@last/{TAIL}", _values(twin), kind="random", role="twin", **told)
    constructed.add(f"pixels@patch/{TAIL}", _values(pixels), kind="none", role="floor", **told)


def test_the_gain_over_the_twin_is_paired_and_told_apart(constructed) -> None:
    _board(constructed)
    (row,) = analyse(constructed.run()).rows
    assert row["gain"].value == pytest.approx(0.3, abs=0.01)
    assert 0.2 < row["gain"].low < row["gain"].value < row["gain"].high < 0.4
    assert row["separated"]
    assert row["p"] < 0.05
    assert row["share"].value == pytest.approx(0.5, abs=0.02)
    assert row["share"].low < row["share"].value < row["share"].high
    assert row["architecture"].value == pytest.approx(0.2, abs=0.01)


def test_training_that_does_nothing_is_not_told_apart(constructed) -> None:
    _board(constructed, trained=0.3, twin=0.3)
    found = analyse(constructed.run())
    assert not found.rows[0]["separated"]
    assert found.finding.startswith("Trained weights beat random ones of the same architecture in 0 of 1 comparisons.")


def test_training_that_loses_is_counted_and_has_no_share(constructed) -> None:
    _board(constructed, trained=0.2, twin=0.3)
    found = analyse(constructed.run())
    assert "in 0 of 1 comparisons and lose to them in 1." in found.finding
    assert (found.rows[0]["share"], found.rows[0]["share_refused"]) == (None, "the score is not above its twin's")


def test_where_lower_is_better_a_gain_is_positive_all_the_same(constructed) -> None:
    told = {"suite": "reconstruction", "metric": "lpips", "direction": "lower", "ceiling": 0.1}
    _board(constructed, trained=0.2, twin=0.5, pixels=0.7, **told)
    (row,) = analyse(constructed.run()).rows
    assert row["gain"].low > 0.2
    assert row["share"].value == pytest.approx(0.75, abs=0.02)
    assert row["architecture"].value == pytest.approx(0.2, abs=0.01)


@pytest.mark.parametrize(
    ("ceiling", "reason"),
    [(0.5, "the score lies above its ceiling"), (0.25, "the ceiling is not above the twin"), (None, "no ceiling was")],
)
def test_a_share_of_a_broken_ceiling_is_refused_and_said(constructed, ceiling: float | None, reason: str) -> None:
    _board(constructed, ceiling=ceiling)
    (row,) = analyse(constructed.run()).rows
    assert row["share"] is None
    assert reason in row["share_refused"]
    assert row["separated"]


def test_a_finding_names_what_training_and_architecture_are_worth(constructed) -> None:
    _board(constructed)
    finding = analyse(constructed.run()).finding
    assert "training is worth 0.300" in finding
    assert "size and architecture alone are worth 0.200" in finding
    assert "0.50 of the way from its twin to the ceiling" in finding


def test_a_random_candidate_and_a_candidate_without_a_twin_are_no_rows(constructed) -> None:
    constructed.add(f"big@last/{TAIL}", _values(0.6), kind="random")
    constructed.add(f"random:big@last/{TAIL}", _values(0.3), kind="random", role="twin")
    constructed.add(f"other@last/{TAIL}", _values(0.5))
    assert analyse(constructed.run()) is None


def test_unequal_protocols_and_broken_controls_are_not_compared(constructed) -> None:
    constructed.add(f"big@last/{TAIL}", _values(0.6), protocol="one")
    constructed.add(f"random:big@last/{TAIL}", _values(0.3), kind="random", role="twin", protocol="another")
    assert analyse(constructed.run()) is None
    _board(constructed, protocol="third", controls_ok=False)
    assert analyse(constructed.run()) is None
    _board(constructed, protocol="fourth", admission="refused")
    assert analyse(constructed.run()) is None
