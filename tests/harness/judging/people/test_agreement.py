"""Agreement of raters: by hand, by the library's own example, and the level below which no gate is fed."""

from __future__ import annotations

import random

import numpy as np
import pytest
from foresight_harness.judging.gates.panel import LEAST_ALPHA
from foresight_harness.judging.people.agreement import agreement, alpha_of
from foresight_harness.judging.people.drawing import Wanted, draw
from raters import answered


def by_hand(counts) -> float:
    """1 - observed over expected disagreement, pair by pair."""
    rows = [list(np.repeat(range(len(row)), row)) for row in counts if sum(row) > 1]
    values = [value for row in rows for value in row]
    observed = sum(
        sum(a != b for i, a in enumerate(row) for j, b in enumerate(row) if i != j) / (len(row) - 1) for row in rows
    ) / len(values)
    pairs = [(a, b) for i, a in enumerate(values) for j, b in enumerate(values) if i != j]
    return 1 - observed / (sum(a != b for a, b in pairs) / len(pairs))


@pytest.mark.parametrize("seed", range(3))
def test_alpha_is_one_less_observed_over_expected_disagreement(seed: int) -> None:
    counts = np.random.default_rng(seed).integers(0, 3, (20, 3))
    assert alpha_of(counts) == pytest.approx(by_hand(counts), abs=1e-9)


def test_alpha_is_undefined_where_all_gave_one_answer_or_nobody_shares_a_question() -> None:
    assert alpha_of(np.array([[2, 0], [3, 0]])) is None
    assert alpha_of(np.array([[1, 0], [0, 1]])) is None


def shape(question) -> str:
    """A judgement that rests on the question alone, so that all who make it agree."""
    even = int(question.sample[1:]) % 2 == 0
    return {"same": "yes" if even else "no", "nearer": "left" if even else "right"}[question.ask]


def test_raters_who_agree_count_and_ones_who_guess_do_not(asking) -> None:
    chance = random.Random(1)

    def guess(question) -> str:
        return chance.choice(["yes", "no"])

    agreed = agreement(asking.of("same"), [answered(asking, name, shape) for name in "ABC"])
    assert (agreed.alpha, agreed.in_earnest, agreed.short) == (1.0, 1.0, "")
    guessed = agreement(asking.of("same"), [answered(asking, name, guess) for name in "ABC"])
    assert guessed.alpha is not None
    assert guessed.low is not None
    assert guessed.low < guessed.alpha < LEAST_ALPHA
    assert f"its lower end must be {LEAST_ALPHA} at least" in guessed.short


def test_raters_who_agree_that_all_is_well_agree_because_of_the_checks(asking) -> None:
    found = agreement(asking.of("same"), [answered(asking, name, lambda _: "yes") for name in "AB"])
    assert found.short == ""
    alone = agreement(asking.of("same", checks=False), [answered(asking, name, lambda _: "yes") for name in "AB"])
    assert "every answer is the same one" in alone.short


def test_the_interval_holds_alpha_and_narrows_with_scenes(kept_run) -> None:
    widths = []
    for scenes, most in ((12, 60), (40, 240)):
        asking = draw(kept_run(scenes, f"run{scenes}"), Wanted(asks=("same",), most=most))
        chance = random.Random(2)

        def noisy(question, chance=chance) -> str:
            return shape(question) if chance.random() < 0.9 else "yes"

        found = agreement(asking.of("same"), [answered(asking, name, noisy) for name in "ABC"])
        assert found.low <= found.alpha <= found.high
        widths.append(found.high - found.low)
    assert widths[1] < widths[0]


def test_one_rater_and_few_scenes_count_for_nothing(kept_run, asking) -> None:
    assert "one rater agrees with nobody" in agreement(asking.of("same"), [answered(asking, "A", shape)]).short
    few = draw(kept_run(6, "few"), Wanted())
    found = agreement(few.of("same"), [answered(few, name, shape) for name in "AB"])
    assert found.short == "6 scenes say nothing of agreement; at least 10 are needed"
