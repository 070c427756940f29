"""Budgets: what they say, and what they pay for."""

from __future__ import annotations

import pytest
from foresight_harness.contracts.errors import UsageError
from foresight_harness.planning.search.budget import RungCost, afford, parse_budget, predicted_s
from foresight_harness.planning.search.rungs import Keep, Rung

RUNGS = (
    Rung("closed_form", Keep(count=8)),
    Rung("steps", Keep(share=0.5), steps=25),
    Rung("steps", Keep(count=15), steps=100),
    Rung("race"),
)
COSTS = (RungCost(10, 1), RungCost(5, 2), RungCost(5, 8), RungCost(0, 48))
COUNTS = (24, 480)


def test_budgets_are_minutes_hours_gpu_hours_or_a_share() -> None:
    assert parse_budget("30min").seconds(1e9, 1) == 1800
    assert parse_budget("2h").seconds(1e9, 4) == 7200
    assert parse_budget("10%").seconds(5000, 4) == 500
    assert parse_budget("2gpu-h", "cuda").seconds(1e9, 4) == 1800


@pytest.mark.parametrize("text", ["30", "ten minutes", "0%", "-5min", "10 percent"])
def test_a_budget_that_cannot_be_read_is_one_line(text: str) -> None:
    with pytest.raises(UsageError, match=r"--budget .*write minutes"):
        parse_budget(text)


def test_gpu_hours_of_a_machine_without_a_gpu_are_refused() -> None:
    with pytest.raises(UsageError, match="--device cpu holds no GPU"):
        parse_budget("2gpu-h", "cpu")


def test_the_predicted_cost_is_that_of_whoever_enters_each_rung() -> None:
    # 24 streams; 160 candidates of 8 streams; 80 of them; 15 in full.
    assert predicted_s(RUNGS, COUNTS, COSTS) == (10 + 24) + (5 + 320) + (5 + 640) + 15 * 48


def test_a_budget_that_pays_for_all_changes_nothing() -> None:
    found = afford(RUNGS, COUNTS, COSTS, 2000)
    assert found is not None
    assert found.keeps == (8, 80, 15, None)
    assert found.shortened == ""


def test_a_smaller_budget_keeps_fewer_on_every_rung_and_says_so() -> None:
    found = afford(RUNGS, COUNTS, COSTS, 800)
    assert found is not None
    assert found.seconds <= 800
    assert all(keep is None or keep < named for keep, named in zip(found.keeps, (8, 80, 15, 0), strict=True))
    assert "fewer than the rungs would keep" in found.shortened


def test_a_budget_below_the_shortest_search_pays_for_none() -> None:
    least = predicted_s(RUNGS, COUNTS, COSTS, factor=0.0)
    assert afford(RUNGS, COUNTS, COSTS, least - 1) is None
    assert afford(RUNGS, COUNTS, COSTS, least) is not None
