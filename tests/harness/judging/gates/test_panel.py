"""Answers of several people in a file: whole, in range, and only where they agree."""

from __future__ import annotations

from pathlib import Path

import pytest
from foresight_harness.contracts.errors import UsageError
from foresight_harness.judging.gates import read_answers

RULE = (
    '[[rule]]\nid = "eyes"\nquote = "Recognizable > 85%"\nline = 9\nmeasured_by = "person"\nask = "show pairs"\n'
    'unit = "%"\ndirection = "higher"\nbound = 85.0\ncounted = true\npeople = "same"\n'
)
ANSWER = """schema = 1
[[answer]]
gate = "a_gate"
rule = "eyes"
candidate = "dinov2_tiny@last/identity/single/linear"
dataset = "shapes"
run = "written"
value = 95.0
low = 88.0
high = 99.0
n = 40
agreement = [0.85, 0.7, 0.95]
who = "A, B"
when = 2026-02-01
evidence = "80 answers"
"""


def test_an_answer_a_candidate_and_data_set_is_read(gate, tmp_path: Path) -> None:
    path = tmp_path / "answers.toml"
    path.write_text(ANSWER + ANSWER.replace("schema = 1\n", "").replace("dinov2_tiny", "sam_tiny"))
    found = read_answers(path, [gate(rules=RULE)])
    assert [answer.panel.candidate.partition("@")[0] for answer in found.of("a_gate", "eyes")] == [
        "dinov2_tiny",
        "sam_tiny",
    ]
    assert found.count == 2


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("agreement = [0.85, 0.7, 0.95]", "agreement = [0.7, 0.6, 0.8]"), "lower end must be 0.667 at least"),
        (("agreement = [0.85, 0.7, 0.95]\n", ""), "no 'agreement'"),
        (("agreement = [0.85, 0.7, 0.95]", "agreement = [0.85]"), "ends of its interval are wanted"),
        (("agreement = [0.85, 0.7, 0.95]", "agreement = [0.85, 0.7, 1.5]"), "ends of its interval are wanted"),
        (("low = 88.0", "low = 96.0"), "no interval in its range"),
        (("high = 99.0", "high = 101.0"), "no interval in its range"),
        (("low = 88.0", 'low = "88"'), "low '88': a number is wanted"),
        (('run = "written"', 'run = ""'), "run '': a text is wanted"),
        (("evidence", 'candidates = "x"\nevidence'), "unknown key 'candidates'"),
    ],
)
def test_a_slip_is_one_line(gate, tmp_path: Path, change, said: str) -> None:
    path = tmp_path / "answers.toml"
    assert change[0] in ANSWER
    path.write_text(ANSWER.replace(*change))
    with pytest.raises(UsageError, match=said) as caught:
        read_answers(path, [gate(rules=RULE)])
    assert "\n" not in str(caught.value)


def test_the_same_candidate_is_not_answered_twice(gate, tmp_path: Path) -> None:
    path = tmp_path / "answers.toml"
    path.write_text(ANSWER + ANSWER.replace("schema = 1\n", ""))
    with pytest.raises(UsageError, match="a_gate eyes is answered twice"):
        read_answers(path, [gate(rules=RULE)])


def test_a_rule_that_asks_no_pages_takes_no_panel(gate, tmp_path: Path) -> None:
    path = tmp_path / "answers.toml"
    path.write_text(ANSWER)
    with pytest.raises(UsageError, match="eyes is not asked by pages of pairs"):
        read_answers(path, [gate(rules=RULE.replace('people = "same"\n', ""))])


def test_only_a_counted_rule_may_ask_people(gate) -> None:
    with pytest.raises(UsageError, match="asks for a share of things"):
        gate(rules=RULE.replace("counted = true\n", ""))
    with pytest.raises(UsageError, match="people 'nearby'"):
        gate(rules=RULE.replace('"same"', '"nearby"'))
