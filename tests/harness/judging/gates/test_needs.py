"""The table ``needs``, and what a number lacks that does not meet it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from foresight_harness.contracts.errors import UsageError
from foresight_harness.judging.gates.evaluate import evaluate
from foresight_harness.running.run_folder.run_data import RunData

TAIL = "identity/single/linear"
A, TWIN, PIXELS = f"a@x/{TAIL}", f"random:a@x/{TAIL}", f"pixels@patch/{TAIL}"
ACCURACY = """
[[rule]]
id = "ordering"
quote = "ordering > 85%"
line = 3
suite = "temporal"
metric = "ordering_accuracy"
unit = "%"
direction = "higher"
bound = 85.0
"""
OWN = """schema = 1
title = "Pixels must be perfect"
document = "own"
section = "1"
decision = "IoU above 0.99"
candidates = ["dinov2_tiny@last*"]
decides = ["iou"]
"""
"""Of a gate as a user writes one, without a word on needs."""


@pytest.fixture
def judged(write_run, record):
    """The result of a gate on candidates with values a sample: {candidate: (role, values)}."""

    def judge(gate, suite: str, metric: str, scores, **manifest):
        lines, samples = [], {}
        for index, (candidate, (role, values)) in enumerate(scores.items()):
            cell = f"c{index}"
            fields = {"candidate": candidate, "role": role, "suite": suite, "metric": metric, "cell": cell}
            fields |= {"value": float(np.mean(values)), "n": len(values), "dataset": "moving_shapes"}
            lines.append(record(**fields))
            samples[cell] = {metric: {0: list(values)}}
        return evaluate(gate, RunData.load(write_run(lines, samples, **manifest)))

    return judge


def needs(text: str) -> str:
    return f"[needs]\n{text}\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('input = "film"', "input 'film': one of 'any', 'clips', 'stills'"),
        ("least_n = -1", "least_n -1: a whole number from 0"),
        ('weights = "random"', "weights 'random': one of"),
        ('better_than = ["cousin"]', "better_than names 'cousin'; there are twin, pixels"),
        ('times = ["sleep"]', "times names 'sleep'"),
        ('decoders = ["x"]', "unknown key 'decoders'"),
        ("decoder = [1]", "decoder must be a list of texts"),
    ],
)
def test_a_slip_in_needs_is_one_line(gate, rule_text, text: str, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        gate(rules=needs(text) + rule_text)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_rule_states_what_differs_from_its_gate(gate, rule_text) -> None:
    found = gate(rules=needs('input = "clips"\nleast_n = 30') + rule_text + 'needs = { input = "any" }\n')
    assert (found.rules[0].needs.input, found.rules[0].needs.least_n) == ("any", 30)


def test_four_of_four_right_against_85_percent_is_no_go_ahead(gate, judged) -> None:
    result = judged(gate(rules=ACCURACY), "temporal", "ordering_accuracy", {A: ("candidate", [1.0] * 4)})
    assert result.verdict == "INCONCLUSIVE"
    assert result.findings[0].reading.low == pytest.approx(0.398, abs=0.001)
    enough = judged(gate(rules=ACCURACY), "temporal", "ordering_accuracy", {A: ("candidate", [1.0] * 23)})
    assert enough.verdict == "GO"


def test_too_few_samples_decide_neither_way(gate, judged) -> None:
    few = gate(rules=needs("least_n = 24") + ACCURACY)
    for right in (1.0, 0.0):
        result = judged(few, "temporal", "ordering_accuracy", {A: ("candidate", [right] * 8)})
        assert result.verdict == "INCONCLUSIVE"
        assert "8 independent samples, at least 24 are needed; pytest benchmarks/" in result.findings[0].reason


def test_a_bound_near_one_asks_for_more_samples_by_itself(gate, judged) -> None:
    """By hand: ln 0.025 / ln 0.97 = 121.1."""
    near = gate(("bound = 85.0", "bound = 97.0"), rules=needs("least_n = 24") + ACCURACY)
    result = judged(near, "temporal", "ordering_accuracy", {A: ("candidate", [1.0] * 100)})
    assert "at least 122 are needed" in result.findings[0].reason


def test_what_its_twin_reaches_too_is_not_met(gate, judged) -> None:
    random = np.random.default_rng(0)
    shared = random.uniform(0.8, 0.9, 60)
    found = gate(rules=needs('better_than = ["twin", "pixels"]') + IOU)
    equal = {
        A: ("candidate", shared),
        TWIN: ("twin", shared + random.normal(0, 0.01, 60)),
        PIXELS: ("floor", shared / 2),
    }
    result = judged(found, "reconstruction", "decoded_iou", equal)
    assert result.verdict == "INCONCLUSIVE"
    assert "its twin with random weights does as well" in result.findings[0].reason
    better = equal | {TWIN: ("twin", shared / 2)}
    result = judged(found, "reconstruction", "decoded_iou", better)
    assert result.verdict == "GO"
    assert result.findings[0].beside["twin"].value == pytest.approx(shared.mean() / 2)
    absent = {name: one for name, one in better.items() if name != TWIN}
    result = judged(found, "reconstruction", "decoded_iou", absent)
    assert result.verdict == "INCONCLUSIVE"
    assert f"--candidate '{TWIN}'" in result.findings[0].reason


def test_a_score_below_its_bound_needs_no_twin_to_be_refused(gate, judged) -> None:
    found = gate(rules=needs('better_than = ["twin"]') + IOU)
    assert judged(found, "reconstruction", "decoded_iou", {A: ("candidate", [0.1, 0.12] * 20)}).verdict == "NO-GO"


IOU = """
[[rule]]
id = "spatial_iou"
quote = "IoU > 0.6"
line = 3
suite = "reconstruction"
metric = "decoded_iou"
unit = "ratio"
direction = "higher"
bound = 0.6
"""


def test_stills_do_not_answer_for_video_and_clips_of_the_same_run_do(gate, write_run, record) -> None:
    found = gate(rules=needs('input = "clips"') + IOU)
    shared = {"suite": "reconstruction", "metric": "decoded_iou", "candidate": A, "per_sample": None, "n": 50}
    shared |= {"value": 0.8, "ci_low": 0.75, "ci_high": 0.85}
    stills = record(**shared, dataset="shapes")
    result = evaluate(found, RunData.load(write_run([stills])))
    assert result.verdict == "INCONCLUSIVE"
    assert "the document says video, shapes is stills" in result.findings[0].reason
    both = [stills, record(**shared, cell="c1", dataset="own")]
    kept = {"split": "test", "fingerprint": "f0"}
    clips = [{"name": "own", "video": True, **kept}, {"name": "shapes", "video": False, **kept}]
    assert evaluate(found, RunData.load(write_run(both, datasets=clips))).verdict == "GO"


def test_unequal_pictures_are_said_where_the_protocol_says_so(gate, write_run, record) -> None:
    found = gate(rules=needs('input_policy = "equal-pixels"') + IOU)
    line = record(suite="reconstruction", metric="decoded_iou", candidate=A, per_sample=None, value=0.8, n=50)
    line |= {"ci_low": 0.7, "ci_high": 0.9}
    for given, verdict in ((None, "GO"), ("equal-pixels", "GO"), ("own", "INCONCLUSIVE")):
        protocols = {"p0": {} if given is None else {"input": given}}
        assert evaluate(found, RunData.load(write_run([line], protocols=protocols))).verdict == verdict


def test_a_run_whose_encoders_had_their_own_sizes_passes_no_gate_on_equal_pixels(gate, write_run, record) -> None:
    found = gate(rules=needs('input_policy = "equal-pixels"') + IOU)
    line = record(suite="reconstruction", metric="decoded_iou", candidate=A, per_sample=None, value=0.8, n=50)
    line |= {"ci_low": 0.7, "ci_high": 0.9}
    result = evaluate(found, RunData.load(write_run([line], options={"input": "own"})))
    assert result.verdict == "INCONCLUSIVE"
    assert "--input equal-pixels" in result.findings[0].reason


def test_a_gate_of_a_user_s_own_is_read_and_judged_and_never_passes_random_weights(
    tmp_path: Path, write_run, record, builtins, rule_text
) -> None:
    from foresight_harness.judging.gates import find_gates

    path = tmp_path / "nogo.toml"
    path.write_text(OWN + rule_text.replace("bound = 0.4", "bound = 0.99").replace("line = 7", "line = 1"))
    (found,) = find_gates([str(path)], [], builtins)
    line = record(probe="dense_ridge", per_sample=None, n=200)
    assert evaluate(found, RunData.load(write_run([line]))).verdict == "NO-GO"
    random = {**line, "gateable": False, "provenance": [{"part": "encoder", "name": "dinov2_tiny", "kind": "random"}]}
    assert evaluate(found, RunData.load(write_run([random]))).verdict == "INCONCLUSIVE"
