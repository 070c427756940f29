"""A finished run is judged by what its suites and probes were when it ran."""

from __future__ import annotations

from dataclasses import replace

from foresight_harness.contracts.records import parse
from foresight_harness.contracts.specs import MetricSpec
from foresight_harness.running.run_folder.digests import run_digests
from foresight_harness.running.run_folder.part_facts import facts_for_manifest, probe_facts_of, suite_facts_of
from foresight_harness.running.run_folder.run_data import RunData


def test_a_run_of_before_is_read_by_what_the_built_in_parts_say_of_themselves() -> None:
    assert suite_facts_of({})["spatial"].ranked_by == ("iou",)
    assert [name for name, facts in suite_facts_of({}).items() if facts.timed] == ["efficiency"]
    assert probe_facts_of({})["pooled_mlp"].audit_only


def test_a_run_says_itself_what_its_suites_and_probes_were(builtins) -> None:
    facts = facts_for_manifest(builtins, ["spatial"])
    facts["suite_facts"]["spatial"]["ranked_by"] = ["map50"]
    facts["probe_facts"]["knn"]["audit_only"] = "it looks up"
    assert suite_facts_of(facts)["spatial"].ranked_by == ("map50",)
    assert RunData.audit_only(RunData(None, facts, ()), "knn")
    assert not RunData.audit_only(RunData(None, facts, ()), "heard_of_nowhere")


def test_metrics_of_plugins_stand_among_those_of_the_suite_that_records_them(builtins) -> None:
    giou = MetricSpec("giou", None, "boxes", "ratio", "higher", (-1.0, 1.0), "paper", label="Generalised IoU")
    registry = replace(builtins, metrics={**builtins.metrics, "giou": giou})
    kept = suite_facts_of(facts_for_manifest(registry, ["spatial", "reconstruction"]))
    assert "Generalised IoU" in {metric.label for metric in kept["spatial"].metrics}
    assert "giou" not in {metric.name for metric in kept["reconstruction"].metrics}
    assert not any(metric.name.endswith("_share") for metric in kept["reconstruction"].metrics)


def test_a_metric_on_request_is_said_of_runs_that_asked_for_it_alone(builtins) -> None:
    asked = replace(builtins.metrics["ssim"], name="meaning_v1", on_request=True)
    registry = replace(builtins, metrics={**builtins.metrics, "meaning_v1": asked})
    for names, there in (((), False), (("meaning_v1",), True)):
        kept = suite_facts_of(facts_for_manifest(registry, ["reconstruction"], names))
        assert ("meaning_v1" in {metric.name for metric in kept["reconstruction"].metrics}) is there


def test_numbers_of_a_plugins_timed_suite_are_in_no_digest(record) -> None:
    lines = [parse(record(suite="startup", metric="load_ms"), "line 1"), parse(record(cell="c1"), "line 2")]
    facts = {"suite_facts": {"startup": {"name": "startup", "timed": True}}}
    assert set(run_digests(lines)) == {"c0/load_ms/None", "c1/iou/None"}
    assert set(run_digests(lines, facts)) == {"c1/iou/None"}
