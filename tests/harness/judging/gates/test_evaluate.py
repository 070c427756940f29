"""A gate on a run."""

from __future__ import annotations

import pytest
from foresight_harness.judging.gates.evaluate import evaluate
from foresight_harness.running.run_folder.run_data import RunData

TAIL = "identity/single/linear"
GOOD, POOR, VAGUE = {"ci_low": 0.45, "ci_high": 0.55}, {"value": 0.2, "ci_low": 0.15, "ci_high": 0.25}, {"ci_low": 0.3}
LPIPS = """
[[rule]]
id = "lpips"
quote = "LPIPS < 0.35"
line = 8
suite = "reconstruction"
metric = "lpips"
unit = "distance"
direction = "lower"
bound = 0.35
"""


@pytest.fixture
def judged(write_run, record):
    """The result of a gate on records; each is a dictionary of changed fields."""

    def judge(gate, *records, samples=None, **manifest):
        kept = {} if samples else {"per_sample": None}
        lines = [
            record(**{"cell": f"c{index}", "probe": "dense_ridge", **kept, **one}) for index, one in enumerate(records)
        ]
        return evaluate(gate, RunData.load(write_run(lines, samples, **manifest)))

    return judge


def picture(value: float, **changes):
    return {
        "suite": "reconstruction",
        "metric": "lpips",
        "probe": None,
        "value": value,
        "ci_low": value - 0.01,
        "ci_high": value + 0.01,
        "direction": "lower",
        **changes,
    }


def test_one_candidate_that_passes_is_enough(gate, judged) -> None:
    result = judged(gate(), {"candidate": f"a@x/{TAIL}", **GOOD}, {"candidate": f"b@x/{TAIL}", **POOR})
    assert result.verdict == "GO"
    assert result.by_candidate == {f"a@x/{TAIL}": "GO", f"b@x/{TAIL}": "NO-GO"}
    assert result.sentence == f"1 of 2 candidates pass every deciding rule: a@x/{TAIL}."


def test_each_asks_for_all(gate, judged) -> None:
    each = gate(('section = "1"', 'section = "1"\nscope = "each"'))
    result = judged(each, {"candidate": f"a@x/{TAIL}", **GOOD}, {"candidate": f"b@x/{TAIL}", **POOR})
    assert result.verdict == "NO-GO"


def test_rules_of_a_family_have_wider_intervals_each(gate, judged, rule_text) -> None:
    second = rule_text.replace('id = "iou"', 'id = "again"')
    found = {"candidate": f"a@x/{TAIL}", **GOOD}
    alone, two = (
        judged(gate(head=head, rules=rule_text + second), found).findings[0].reading for head in ("", "family = true\n")
    )
    assert (alone.low, alone.high) == (0.45, 0.55)
    assert two.low < 0.45 < 0.55 < two.high
    assert two.method.endswith("for the best of 2")


def test_two_candidates_that_each_pass_one_rule_do_not_pass_a_gate_on_one_candidate(gate, judged, rule_text) -> None:
    a, b = f"a@x/{TAIL}", f"b@x/{TAIL}"
    lines = [
        {"candidate": a, **GOOD},
        picture(0.5, candidate=a),
        {"candidate": b, **POOR},
        picture(0.2, candidate=b),
    ]
    assert judged(gate(rules=rule_text + LPIPS), *lines).verdict == "NO-GO"
    by_rule = judged(gate(rules=rule_text + LPIPS, head='subject = "rule"\n'), *lines)
    assert by_rule.verdict == "GO"
    assert [found.candidate for found in by_rule.findings] == [a, b]


def test_worst_data_set_decides(gate, judged) -> None:
    result = judged(gate(), GOOD, {**POOR, "dataset": "coins"})
    assert result.verdict == "NO-GO"
    only = gate(("bound = 0.4", 'bound = 0.4\ndataset = "shapes"'))
    assert judged(only, GOOD, {**POOR, "dataset": "coins"}).verdict == "GO"


def test_random_weights_would_pass_and_do_not(gate, judged) -> None:
    weights = [{"part": "encoder", "name": "somebodys_tiny", "kind": "random"}]
    result = judged(gate(), {**GOOD, "gateable": False, "provenance": weights})
    assert result.verdict == "INCONCLUSIVE"
    assert result.findings[0].reason == (
        "would be GO; missing: random weights (somebodys_tiny); none are published for it; "
        "foresight-bench weights list shows what is"
    )
    assert result.findings[0].reading is not None


def test_random_trunk_is_never_held_against_an_lpips_bound(gate, judged) -> None:
    result = judged(gate(rules=LPIPS), picture(0.1, metric="lpips_random_trunk", gateable=False))
    assert result.verdict == "NOT MEASURED"
    assert "no LPIPS units" in result.findings[0].reason
    assert result.findings[0].reading is None


def test_broken_probe_passes_nothing(gate, judged) -> None:
    result = judged(gate(), {**GOOD, "controls_ok": False})
    assert result.verdict == "NOT MEASURED"
    assert "control of its suite left its known range" in result.findings[0].reason


def test_controls_are_no_candidates(gate, judged) -> None:
    assert judged(gate(), {**GOOD, "role": "ceiling"}).verdict == "NOT MEASURED"


def test_candidate_whose_cell_failed_is_not_measured_and_keeps_all_from_being_decided(gate, judged, rule_text) -> None:
    failed = {"candidate": f"b@x/{TAIL}", "metric": None, "value": None, "status": "failed", "error": "diverged"}
    poor = {"candidate": f"a@x/{TAIL}", **POOR}
    tree = gate(("bound = 0.4\n", "bound = 0.4\nmarginal = [0.3, 0.4]\n"), rules=rule_text + TREE)
    assert judged(tree, poor).sentence == "abort."
    result = judged(tree, poor, failed)
    assert result.verdict == "INCONCLUSIVE"
    assert [found.reason for found in result.findings][-1] == "its cell failed: diverged"
    each = gate(('section = "1"', 'section = "1"\nscope = "each"'))
    assert judged(each, {"candidate": f"a@x/{TAIL}", **GOOD}, failed).verdict == "NOT MEASURED"


def test_what_was_not_measured_says_what_to_run(gate, judged) -> None:
    other = gate(('section = "1"', 'section = "1"\nmatrix = "pivot1_premerge"\ncandidates = ["qwen*", "!*+*"]'))
    reason = judged(other, GOOD).findings[0].reason
    assert reason == (
        "no candidate like 'qwen*' in this run; "
        "pytest benchmarks/ -k spatial --matrix pivot1_premerge --scale full --weights pretrained"
    )


def test_exclamation_mark_leaves_candidates_out(gate, judged) -> None:
    single = gate(('section = "1"', 'section = "1"\ncandidates = ["a*", "!*+*"]'))
    result = judged(single, {"candidate": f"a@x+b@x/{TAIL}", **GOOD}, {"candidate": f"a@x/{TAIL}", **POOR})
    assert list(result.by_candidate) == [f"a@x/{TAIL}"]


def test_choosing_the_best_of_many_widens_the_interval(gate, judged) -> None:
    """By hand: two-sided 5 % over 2 candidates is 2.5 %, so half widths grow by 2.2414 / 1.9600."""
    near = {"value": 0.5, "ci_low": 0.405, "ci_high": 0.595}
    alone = judged(gate(), {"candidate": f"a@x/{TAIL}", **near})
    assert alone.verdict == "GO"
    chosen = judged(gate(), {"candidate": f"a@x/{TAIL}", **near}, {"candidate": f"b@x/{TAIL}", **POOR})
    assert chosen.verdict == "INCONCLUSIVE"
    assert chosen.findings[0].reading.low == pytest.approx(0.5 - 0.095 * 2.241403 / 1.959964, abs=1e-6)
    assert chosen.findings[0].reading.method.endswith("for the best of 2")


def test_suite_without_decoder_answers_for_every_decoder_of_a_pipeline(gate, judged, rule_text) -> None:
    video = "a@x/identity/single/ltx_video"
    result = judged(gate(rules=rule_text + LPIPS), {"candidate": f"a@x/{TAIL}", **GOOD}, picture(0.2, candidate=video))
    assert result.by_candidate[video] == "GO"


def test_size_of_the_trained_part_bounds_who_counts(gate, judged) -> None:
    small = gate(("bound = 0.4", "bound = 0.4\ntrained_at_most = 10_000_000"))
    params = {"encoder": 5_000_000_000, "fusion": 9_000_000, "adapter": 2_000_000}
    assert judged(small, {**GOOD, "params": params}).verdict == "NOT MEASURED"
    assert judged(small, {**GOOD, "params": {**params, "adapter": 1_000_000}}).verdict == "GO"


def test_rule_of_a_person_stays_unmeasured_and_is_not_dropped(gate, judged, rule_text) -> None:
    person = '[[rule]]\nid = "eyes"\nquote = "recognizable"\nline = 9\nmeasured_by = "person"\nneeds = "look"\n'
    result = judged(gate(rules=rule_text + person), GOOD)
    assert result.verdict == "NOT MEASURED"
    assert result.findings[1].reason.startswith("by a person: look (--answers FILE")
    beside = gate(rules=rule_text + person, head='decides = ["iou"]\n')
    assert judged(beside, GOOD).verdict == "GO"


TREE = """
[[outcome]]
action = "proceed"
verdict = "GO"
line = 1
when = [{ rules = ["iou"], verdicts = ["GO"], candidates = "any" }]
[[outcome]]
action = "abort"
verdict = "NO-GO"
line = 2
when = [{ rules = ["iou"], verdicts = ["NO-GO"], candidates = "all" }]
[[outcome]]
action = "investigate"
verdict = "MARGINAL"
line = 3
when = [{ rules = ["iou"], verdicts = ["MARGINAL", "NO-GO"], candidates = "all" }]
"""


@pytest.mark.parametrize(
    ("second", "verdict", "sentence"),
    [
        (GOOD, "GO", "proceed."),
        (POOR, "NO-GO", "abort."),
        ({"value": 0.35, "ci_low": 0.31, "ci_high": 0.38}, "MARGINAL", "investigate."),
        ({"value": 0.4, "ci_low": 0.35, "ci_high": 0.45}, "INCONCLUSIVE", "no branch holds yet: iou of b@x"),
    ],
)
def test_first_branch_of_a_tree_that_holds_is_taken(gate, judged, rule_text, second, verdict, sentence) -> None:
    tree = gate(("bound = 0.4\n", "bound = 0.4\nmarginal = [0.3, 0.4]\n"), rules=rule_text + TREE)
    result = judged(tree, {"candidate": f"a@x/{TAIL}", **POOR}, {"candidate": f"b@x/{TAIL}", **second})
    assert result.verdict == verdict
    assert result.sentence.startswith(sentence)


def test_tree_of_a_run_without_numbers_is_not_measured(gate, judged, rule_text) -> None:
    assert judged(gate(rules=rule_text + TREE), {**GOOD, "metric": "size_error"}).verdict == "NOT MEASURED"


def test_weights_score_what_is_sure_and_what_is_possible(gate, judged, rule_text) -> None:
    weighted = rule_text + "weight = 40\n" + LPIPS + "weight = 60\n"
    result = judged(gate(rules=weighted), {**GOOD}, picture(0.35))
    assert result.scores == {f"dinov2_tiny@last/{TAIL}": (0.4, 1.0)}
    lost = judged(gate(rules=weighted), {**POOR}, picture(0.35))
    assert lost.scores == {f"dinov2_tiny@last/{TAIL}": (0.0, 0.6)}


OWN = {"part": "encoder", "name": "own_base", "kind": "pretrained"}


def test_trained_weights_that_nobody_knows_pass_nothing_by_themselves(gate, judged) -> None:
    result = judged(gate(), {**GOOD, "gateable": False, "provenance": [OWN]})
    assert result.verdict == "INCONCLUSIVE"
    assert result.findings[0].reason == (
        "would be GO; missing: weights of own_base are not known as published "
        "(--trust-weights own_base vouches for them)"
    )


def test_a_verdict_by_weights_that_a_person_vouches_for_says_so(gate, judged) -> None:
    result = judged(gate(), {**GOOD, "provenance": [{**OWN, "trusted": True}]})
    assert result.verdict == "GO"
    assert result.sentence.endswith("Weights of own_base are trusted by --trust-weights, not known as published.")
    published = judged(gate(), {**GOOD, "provenance": [{**OWN, "kind": "published"}]})
    assert (published.verdict, "trust" in published.sentence) == ("GO", False)
