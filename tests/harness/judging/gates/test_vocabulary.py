"""The names that gates may use are the names that suites record."""

from __future__ import annotations

import pytest
from foresight_harness.judging.gates.checking import PROBES
from foresight_harness.judging.gates.vocabulary import VOCABULARY, metrics_of
from foresight_harness.parts.probes.registry import PROBES as OFFERED
from foresight_harness.planning.suites import SUITES


@pytest.mark.parametrize("suite", ["spatial", "reconstruction", "alignment"])
def test_every_recorded_metric_can_be_gated_on_with_its_own_unit(
    few_pictures, make_bench, builtins, planned, suite: str
) -> None:
    bench = make_bench()
    bench.plan([planned(builtins, "pixels@patch/identity/single/linear", suite)])
    bench.run_cell(bench.planned[0])
    known = metrics_of(suite, builtins.metrics.values())
    for record in bench.folder.records():
        fact = known[record["metric"]]
        assert (fact.unit, fact.direction) == (record["unit"], record["direction"]), record["metric"]
        assert list(fact.range) == pytest.approx(record["range"]), record["metric"]


def test_probes_of_gates_are_probes_on_offer() -> None:
    assert set(OFFERED) <= set(PROBES)


def test_suites_of_the_vocabulary_are_those_of_the_harness() -> None:
    assert set(SUITES) - set(VOCABULARY) <= {"audit", "structure"}
