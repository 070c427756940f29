"""The names that gates may use are the names that suites record."""

from __future__ import annotations

import pytest
from foresight_harness.judging.gates.vocabulary import vocabulary_of


@pytest.mark.parametrize("suite", ["spatial", "reconstruction", "alignment"])
def test_every_recorded_metric_can_be_gated_on_with_its_own_unit(
    few_pictures, make_keeper, builtins, planned, suite: str
) -> None:
    keeper = make_keeper(probes=("linear_pixels",))
    keeper.plan([planned(builtins, "pixels@patch/identity/single/linear", suite)])
    keeper.run_cell(keeper.planned[0])
    known = vocabulary_of(builtins).suites[suite]
    for record in keeper.folder.records():
        fact = known[record.metric]
        assert (fact.unit, fact.direction) == (record.unit, record.direction), record.metric
        assert list(fact.range) == pytest.approx(record.range), record.metric


def test_probes_of_gates_are_the_probes_on_offer(builtins) -> None:
    assert vocabulary_of(builtins).probes == tuple(builtins.probes)


def test_suites_that_rank_nothing_are_no_matter_for_gates(builtins) -> None:
    assert set(builtins.suites) - set(vocabulary_of(builtins).suites) == {"audit", "structure"}


def test_scores_that_probes_read_must_name_theirs(builtins) -> None:
    assert vocabulary_of(builtins).probed == {"spatial"}


def test_a_count_may_be_bounded_though_no_way_is_better_in_a_ranking(builtins) -> None:
    assert vocabulary_of(builtins).suites["efficiency"]["params"].direction == "lower"
    assert builtins.metrics_of(builtins.suite("efficiency"))["params"].direction == "none"
