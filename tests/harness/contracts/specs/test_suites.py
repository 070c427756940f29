"""What a spec says of a suite survives the run folder, and decides where the suite runs."""

from __future__ import annotations

import json

import pytest
from foresight_harness import SuiteSpec
from foresight_harness.contracts.specs.suites import SuiteFacts, suite_facts_from_json
from foresight_harness.measuring.suites.specs import suite_specs


@pytest.mark.parametrize("spec", suite_specs(), ids=lambda spec: spec.name)
def test_facts_survive_json_and_callables_stay_behind(spec: SuiteSpec) -> None:
    written = json.loads(json.dumps(spec.as_json()))
    read = suite_facts_from_json(written)
    assert type(read) is SuiteFacts
    assert read.as_json() == spec.as_json()
    assert read.metrics == spec.metrics
    assert not {"score", "protocol"} & set(written)


def test_what_a_newer_harness_added_is_left_out() -> None:
    metric = {"name": "x", "unit": "ratio", "direction": "higher", "colour": "red"}
    read = suite_facts_from_json({"name": "mine", "metrics": [metric], "mood": "good"})
    assert read == suite_facts_from_json({"name": "mine", "metrics": [{**metric, "colour": "blue"}]})


@pytest.mark.parametrize("spec", suite_specs(), ids=lambda spec: spec.name)
def test_suites_are_read_and_ranked_by_metrics_that_they_record(spec: SuiteSpec, builtins) -> None:
    recorded = builtins.metrics_of(spec)
    assert {*spec.read_by, *spec.then_by, *spec.ranked_by} <= set(recorded)


def test_suites_run_as_their_encoders_and_fits_are_shared_best() -> None:
    order = [spec.name for spec in sorted(suite_specs(), key=lambda spec: spec.running_place)]
    asked_for = ["structure", "audit", "verification", "prediction"]
    assert order == ["efficiency", "spatial", "temporal", "alignment", "reconstruction", *asked_for]
