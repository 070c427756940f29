"""Differences and ratios against a reference candidate."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from foresight_harness.judging.gates.evaluate import evaluate
from foresight_harness.parts.statistics import mean_interval
from foresight_harness.running.run_folder.run_data import RunData

A, B, C = (f"{name}@x/identity/single/linear" for name in "abc")
DIFFERENCE = ("bound = 0.4", 'bound = 0.0\ncandidates = ["a*"]\ncompare = "difference"\nreference = ["b*", "c*"]')
RATIO = [
    ('suite = "spatial"', 'suite = "efficiency"'),
    ('metric = "iou"', 'metric = "latency_p50_ms"'),
    ('unit = "ratio"', 'unit = "times"'),
    ('direction = "higher"', 'direction = "lower"'),
    ("bound = 0.4", 'bound = 2.0\ncandidates = ["a*"]\ncompare = "ratio"\nreference = ["b*"]'),
]


def line(record, cell: str, candidate: str, **changes):
    return record(cell=cell, candidate=candidate, probe=None, **changes)


@pytest.fixture
def noisy():
    """Two candidates whose scores share their pictures' difficulty: a is better by 0.03."""
    random = np.random.default_rng(0)
    base = random.uniform(0.2, 0.8, 200)
    return base + 0.03 + random.normal(0, 0.05, 200), base


def test_difference_is_paired_by_sample(gate, write_run, record, noisy) -> None:
    ours, theirs = noisy
    path = write_run(
        [line(record, "c0", A, value=ours.mean()), line(record, "c1", B, value=theirs.mean())],
        {"c0": {"iou": {0: ours.tolist()}}, "c1": {"iou": {0: theirs.tolist()}}},
    )
    found = evaluate(_any_probe(gate(DIFFERENCE)), RunData.load(path)).findings[0]
    expected = mean_interval(ours - theirs, [f"s{index}" for index in range(200)], (-1.0, 1.0))
    assert found.reading.value == pytest.approx(0.03, abs=0.01)
    assert (found.reading.low, found.reading.high) == pytest.approx((expected.low, expected.high))
    assert found.reading.method == "paired gaffke-beta-95"
    assert found.verdict == "GO"
    assert found.reference == B
    opposite_ends = 4 * np.std(ours) / np.sqrt(200) * 1.96
    assert found.reading.high - found.reading.low < opposite_ends / 2


def _any_probe(gate):
    """The gate for records written without a probe."""
    rules = tuple(replace(rule, probe=None) for rule in gate.rules)
    return replace(gate, rules=rules)


def test_reference_is_the_one_that_differs_least_and_of_equals_the_best(gate, write_run, record) -> None:
    lines = [
        line(record, "c0", A, per_sample=None),
        line(record, "c1", B, value=0.3, per_sample=None),
        line(record, "c2", C, value=0.45, per_sample=None),
        line(record, "c3", "c@x/bilinear/single/linear", value=0.9, per_sample=None),
    ]
    found = evaluate(_any_probe(gate(DIFFERENCE)), RunData.load(write_run(lines))).findings[0]
    assert found.reference == C
    assert found.reading.method == "difference of opposite ends"


def test_unequal_protocols_are_not_compared_and_the_choice_is_named(gate, write_run, record) -> None:
    lines = [line(record, "c0", A, protocol="p0"), line(record, "c1", B, protocol="p1")]
    path = write_run(lines, protocols={"p0": {"steps": 200, "probe": "x"}, "p1": {"steps": 25, "probe": "x"}})
    found = evaluate(_any_probe(gate(DIFFERENCE)), RunData.load(path)).findings[0]
    assert found.verdict == "NOT MEASURED"
    assert found.reason == f"not comparable with {B}: steps is 200 and 25"


def test_missing_reference_is_said(gate, write_run, record) -> None:
    found = evaluate(_any_probe(gate(DIFFERENCE)), RunData.load(write_run([line(record, "c0", A)]))).findings[0]
    assert found.reason == "nothing else in this run fits the reference b*, c*"


def latency(record, cell: str, candidate: str, value: float):
    return line(
        record,
        cell,
        candidate,
        suite="efficiency",
        metric="latency_p50_ms",
        direction="lower",
        value=value,
        ci_low=0.9 * value,
        ci_high=1.1 * value,
        per_sample=None,
    )


@pytest.mark.parametrize(("ours", "verdict"), [(15.0, "GO"), (20.0, "INCONCLUSIVE"), (30.0, "NO-GO")])
def test_ratio_is_read_from_opposite_ends(gate, write_run, record, ours: float, verdict: str) -> None:
    path = write_run([latency(record, "c0", A, ours), latency(record, "c1", B, 10.0)])
    found = evaluate(_any_probe(gate(*RATIO)), RunData.load(path)).findings[0]
    assert found.verdict == verdict
    assert found.reading.value == pytest.approx(ours / 10)
    assert found.reading.low == pytest.approx(0.9 * ours / 11)
    assert found.reading.high == pytest.approx(1.1 * ours / 9)


def test_reference_of_random_weights_carries_no_verdict(gate, write_run, record) -> None:
    weights = [{"part": "encoder", "name": "b", "kind": "random"}]
    lines = [
        latency(record, "c0", A, 10.0),
        {**latency(record, "c1", B, 10.0), "gateable": False, "provenance": weights},
    ]
    found = evaluate(_any_probe(gate(*RATIO)), RunData.load(write_run(lines))).findings[0]
    assert found.verdict == "INCONCLUSIVE"
    assert "would be GO; missing: random weights (b)" in found.reason
