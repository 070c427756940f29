"""Two candidates set against each other."""

from __future__ import annotations

import numpy as np
import pytest
from foresight_harness.judging.ranking.head_to_head import as_section, head_to_head, of_leaders
from foresight_harness.judging.ranking.judged import judge

REST = "/identity/single/linear"
A, B, C, PIXELS = (f"{name}@x{REST}" for name in ("enc_a", "enc_b", "enc_c", "pixels"))
BASE = np.random.default_rng(1).uniform(0.3, 0.6, 60)


@pytest.fixture
def found(constructed):
    """``a`` ahead of ``b`` by 0.1 save on two pictures, ``c`` equal to ``b``, one floor."""
    first = BASE + 0.1
    first[7], first[3] = BASE[7] - 0.2, BASE[3] - 0.1
    first[11] = BASE[11]
    floor = BASE - 0.2 + np.random.default_rng(2).normal(0, 0.01, 60)
    for name, values, role in ((A, first, "candidate"), (B, BASE, "candidate"), (C, BASE, "candidate")):
        constructed.add(name, {0: values.tolist()}, role=role)
    constructed.add(PIXELS, {0: floor.tolist()}, role="floor", kind="none")
    run = constructed.run()
    return judge(run, run.records)


def test_pictures_are_counted_and_the_worst_are_named_for_either_side(found) -> None:
    met = head_to_head(found, found.records[0], found.records[1])
    assert (met.verdict, met.won, met.tied, met.lost) == ("better", 57, 1, 2)
    assert [one.sample for one in met.worst] == ["s7", "s3"]
    assert len(met.best) == 3
    assert all(one.first > one.second for one in met.best)
    assert met.sentence.startswith(f"iou on shapes: {A} is better than {B}, +0.")
    assert "pictures won 57, tied 1, lost 2" in met.sentence


def test_the_other_way_round_is_the_same_answer(found) -> None:
    one, other = (head_to_head(found, *pair) for pair in (found.records[:2], found.records[1::-1]))
    assert other.verdict == "worse"
    assert (other.won, other.lost) == (one.lost, one.won)
    assert other.comparison.difference == pytest.approx(-one.comparison.difference)
    assert (other.comparison.low, other.comparison.high) == (-one.comparison.high, -one.comparison.low)
    assert other.comparison.p_value == one.comparison.p_value
    assert [picture.sample for picture in other.best[:2]] == ["s7", "s3"]


def test_equal_values_are_identical_and_not_tested(found) -> None:
    met = head_to_head(found, found.records[1], found.records[2])
    assert (met.verdict, met.won, met.tied, met.lost) == ("identical", 0, 60, 0)
    assert met.comparison.p_value is None
    assert (met.worst, met.best) == ((), ())


def test_a_floor_is_met_in_its_own_family_and_two_controls_are_not_compared(found) -> None:
    met = head_to_head(found, found.records[0], found.controls[0])
    assert met.verdict == "better"
    assert met.comparison == next(one.comparison for one in found.floors if one.candidate == found.records[0])
    assert head_to_head(found, found.controls[0], found.controls[0]) is None


def test_leaders_stand_against_everybody_else(found) -> None:
    rows = as_section(of_leaders([found]))["rows"]
    assert [(row["candidate"], row["other"]) for row in rows] == [(A, B), (A, C)]
    assert rows[0]["difference"].value == found.board.pair(0, 1).difference
    assert rows[0]["worst"].startswith("s7 (")
