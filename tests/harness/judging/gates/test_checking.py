"""A slip in a gate file is one clear line that names file, rule and what is wrong."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from foresight_harness.contracts.errors import UsageError
from foresight_harness.contracts.records import SCHEMA
from foresight_harness.contracts.specs import MetricSpec
from foresight_harness.judging.gates import find_gates

SLIPS = [
    (("bound = 0.4\n", ""), "no 'bound'"),
    (("bound = 0.4", 'bound = "much"'), "bound 'much': a finite number is wanted"),
    (("bound = 0.4", "bound = nan"), "a finite number"),
    (("bound = 0.4", "bound = true"), "a finite number"),
    (("bound = 0.4", "bound = 1.4"), r"bound 1.4 lies outside the metric's range \[0, 1\]"),
    (("bound = 0.4", "bound = 0.4\nmarginal = [0.5, 0.4]"), "touches it"),
    (("bound = 0.4", "bound = 0.4\nmarginal = [0.4, 0.5]"), "bad side of its bound 0.4"),
    (("bound = 0.4", "bound = 0.4\nmarginal = [0.2]"), "two numbers"),
    (("bound = 0.4", "bound = 0.4\ntarget = 0.3"), "target 0.3 is worse than the bound 0.4"),
    (('metric = "iou"', 'metric = "iuo"'), "unknown metric 'iuo' of suite spatial; did you mean iou"),
    (('metric = "iou"\n', ""), "no 'metric'"),
    (('suite = "spatial"', 'suite = "spatail"'), "unknown suite 'spatail'; did you mean spatial"),
    (('suite = "spatial"\n', ""), "no 'suite'; .*there are spatial, reconstruction"),
    (('unit = "ratio"', 'unit = "parsec"'), "unknown unit 'parsec'; write it in 'ratio'"),
    (('unit = "ratio"', 'unit = "dB"'), "unit 'dB' is not that of iou; write it in 'ratio'"),
    (('direction = "higher"', 'direction = "lower"'), "direction 'lower': of iou, higher is better"),
    (('probe = "dense_ridge"\n', ""), "names its probe"),
    (('probe = "dense_ridge"', 'probe = "dense"'), "names its probe"),
    (("bound = 0.4", "bound = 0.4\nbuond = 1"), "unknown key 'buond'; did you mean bound"),
    (("line = 7", "line = 0"), "line 0"),
    (("line = 7\n", ""), "no 'line'"),
    (('quote = "IoU > 0.4"\n', ""), "no 'quote'"),
    (("bound = 0.4", 'bound = 0.4\ncompare = "ratio"'), "'compare' and 'reference' go together"),
    (("bound = 0.4", 'bound = 0.4\ncompare = "times"\nreference = ["*"]'), "compare 'times': one of"),
    (("bound = 0.4", 'bound = 0.4\nmeasured_by = "person"'), "needs 'ask'"),
    (("bound = 0.4", "bound = 0.4\ncandidates = []"), "candidates must be a list of globs"),
    (("schema = 1", f"schema = {SCHEMA + 1}"), f"schema {SCHEMA + 1}; this version reads up to {SCHEMA}"),
    (("schema = 1\n", ""), "no 'schema'"),
    (('section = "1"', 'section = "1"\ndecides = ["lpips"]'), "decides names 'lpips'; there are iou"),
    (('section = "1"', 'section = "1"\nscope = "most"'), "scope 'most'"),
    (('section = "1"', 'section = "1"\nfamily = "yes"'), "family 'yes'"),
    (("schema = 1", "schema == 1"), "is not valid TOML"),
]


@pytest.mark.parametrize(("change", "message"), SLIPS, ids=[message for _, message in SLIPS])
def test_slip_is_one_line_that_names_the_file(gate, change, message: str) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        gate(change)
    assert "a_gate.toml" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_rule_is_named_where_the_slip_is_in_one(gate) -> None:
    with pytest.raises(UsageError, match=r"a_gate\.toml, rule 'iou': bound"):
        gate(("bound = 0.4", "bound = 7"))


def test_outcome_with_an_unknown_rule_or_verdict_is_refused(gate) -> None:
    outcome = '[[outcome]]\naction = "Go"\nverdict = "GO"\nline = 1\nwhen = [{ rules = ["iou"], verdicts = ["GO"] }]\n'
    assert gate(("bound = 0.4\n", f"bound = 0.4\n{outcome}")).outcomes[0].action == "Go"
    for old, new in (('rules = ["iou"]', 'rules = ["psnr"]'), ('verdicts = ["GO"]', 'verdicts = ["YES"]')):
        with pytest.raises(UsageError, match="outcome 1"):
            gate(("bound = 0.4\n", f"bound = 0.4\n{outcome}"), (old, new))


def test_two_rules_of_one_id_are_refused(gate, rule_text: str) -> None:
    with pytest.raises(UsageError, match="two rules have one id"):
        gate(rules=rule_text + rule_text)


def test_units_of_documents_are_converted(gate) -> None:
    seconds = gate(
        ('suite = "spatial"', 'suite = "efficiency"'),
        ('metric = "iou"', 'metric = "latency_p50_ms"'),
        ('unit = "ratio"', 'unit = "s"'),
        ('direction = "higher"', 'direction = "lower"'),
        ("bound = 0.4", "bound = 1.5\nmarginal = [1.5, 2.5]"),
    ).rules[0]
    assert seconds.bound == 1500
    assert seconds.marginal == (1500, 2500)
    assert gate(('unit = "ratio"', 'unit = "%"'), ("bound = 0.4", "bound = 40")).rules[0].bound == pytest.approx(0.4)


def test_metric_of_a_plugin_can_be_gated_on(gate, builtins, tmp_path: Path) -> None:
    gate()
    path = tmp_path / "a_gate.toml"
    path.write_text(path.read_text().replace('metric = "iou"', 'metric = "giou"'))
    with pytest.raises(UsageError, match="unknown metric 'giou'"):
        find_gates([str(path)], [])
    spec = MetricSpec("giou", None, "boxes", "ratio", "higher", (-1.0, 1.0), "paper")
    registry = replace(builtins, metrics={**builtins.metrics, "giou": spec})
    assert find_gates([str(path)], [], registry)[0].rules[0].metric == "giou"


def test_gates_are_found_by_name_file_and_all(gate, tmp_path: Path) -> None:
    gate()
    gate(name="other")
    assert [found.name for found in find_gates(["other", "a_gate"], [tmp_path])] == ["other", "a_gate"]
    assert [found.name for found in find_gates(["all", "other"], [tmp_path])] == ["a_gate", "other"]
    with pytest.raises(UsageError, match=r"no such gate in .*; did you mean a_gate"):
        find_gates(["a_gaet"], [tmp_path])
    with pytest.raises(UsageError, match="cannot be read"):
        find_gates(["nowhere.toml"], [tmp_path])


def test_digest_follows_every_byte(gate) -> None:
    assert gate().digest == gate().digest
    assert gate().digest != gate(("bound = 0.4", "bound = 0.41")).digest
