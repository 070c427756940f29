"""Tie groups."""

from __future__ import annotations

import numpy as np
from foresight_harness.parts.statistics import tie_groups

GROUPS = [str(index) for index in range(200)]


def candidates() -> dict[str, np.ndarray]:
    random = np.random.default_rng(1)
    difficulty = random.normal(0.5, 0.2, 200)

    def like(mean: float) -> np.ndarray:
        return difficulty + mean + random.normal(0, 0.05, 200)

    return {"low": like(-0.1), "best": like(0.1), "middle": like(0.0), "near": like(0.097)}


def test_candidates_that_cannot_be_told_from_the_best_share_its_group() -> None:
    ranking = tie_groups(candidates(), GROUPS, "higher")
    assert [set(group.members) for group in ranking] == [{"best", "near"}, {"middle"}, {"low"}]
    assert ranking[0].p_values[0] is None
    assert ranking[0].p_values[1] is not None
    assert ranking[0].p_values[1] > 0.05


def test_lower_is_better_turns_the_order_of_groups() -> None:
    ranking = tie_groups(candidates(), GROUPS, "lower")
    assert [set(group.members) for group in ranking] == [{"low"}, {"middle"}, {"best", "near"}]


def test_the_head_of_a_group_has_its_best_mean() -> None:
    values = candidates()
    for group in tie_groups(values, GROUPS, "higher"):
        means = [values[name].mean() for name in group.members]
        assert means == sorted(means, reverse=True)


def test_identical_candidates_tie_without_a_test() -> None:
    one = candidates()["best"]
    ranking = tie_groups({"b": one, "a": one.copy()}, GROUPS, "higher")
    assert ranking[0].members == ("a", "b")
    assert ranking[0].p_values == (None, None)


def test_fewer_samples_make_larger_groups() -> None:
    values = {name: column[:4] for name, column in candidates().items()}
    assert len(tie_groups(values, GROUPS[:4], "higher")[0].members) == 4


def test_alpha_decides_what_a_tie_is() -> None:
    random = np.random.default_rng(3)
    better = random.normal(0.5, 0.2, 200)
    values = {"better": better, "worse": better - 0.02 + random.normal(0, 0.1, 200)}
    assert len(tie_groups(values, GROUPS, "higher", alpha=0.05)) == 2
    assert len(tie_groups(values, GROUPS, "higher", alpha=0.0001)) == 1


def test_candidates_without_values_are_left_out() -> None:
    values = candidates() | {"absent": np.full(200, np.nan)}
    assert "absent" not in {name for group in tie_groups(values, GROUPS, "higher") for name in group.members}
    assert tie_groups({}, GROUPS, "higher") == []
