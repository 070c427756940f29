"""Files of answers: read, checked, and what they count for."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from foresight_harness.contracts.errors import UsageError
from foresight_harness.judging.gates import read_answers
from foresight_harness.judging.gates.answers import template
from foresight_harness.judging.gates.evaluate import evaluate
from foresight_harness.running.run_folder.run_data import RunData

YES = '[[rule]]\nid = "plan"\nquote = "Plan viable"\nline = 9\nmeasured_by = "person"\nask = "judge the plan"\n'
SHARE = (
    '[[rule]]\nid = "eyes"\nquote = "Recognizable > 85%"\nline = 9\nmeasured_by = "person"\nask = "show pairs"\n'
    'unit = "%"\ndirection = "higher"\nbound = 85.0\ncounted = true\n'
)
ANSWER = """schema = 1
[[answer]]
gate = "a_gate"
rule = "plan"
value = true
who = "A. Person"
when = 2026-02-01
evidence = "minutes, page 3"
"""
COUNTED = ANSWER.replace('"plan"', '"eyes"').replace("value = true", "value = {value}\nn = {n}")


@pytest.fixture
def answered(gate, tmp_path: Path, write_run, record):
    """What a gate of one person's rule says once its file of answers is read."""

    def judge(rules: str, text: str):
        found = gate(rules=rules)
        path = tmp_path / "answers.toml"
        path.write_text(text)
        return evaluate(found, RunData.load(write_run([record(per_sample=None)])), read_answers(path, [found]))

    return judge


@pytest.mark.parametrize(("value", "verdict"), [("true", "GO"), ("false", "NO-GO")])
def test_an_answer_decides_and_says_who_when_and_on_what_evidence(answered, value: str, verdict: str) -> None:
    result = answered(YES, ANSWER.replace("value = true", f"value = {value}"))
    assert result.verdict == verdict
    assert result.findings[0].reason.endswith("answered by A. Person on 2026-02-01: minutes, page 3")


@pytest.mark.parametrize(
    ("value", "n", "verdict"),
    [(100, 4, "INCONCLUSIVE"), (100, 23, "GO"), (100, 22, "INCONCLUSIVE"), (50, 100, "NO-GO")],
)
def test_four_of_four_are_not_enough_for_85_percent(answered, value: int, n: int, verdict: str) -> None:
    """By hand: all of 23 right has Clopper and Pearson's lower end at 0.025^(1/23) = 0.8518, of 22 at 0.8456."""
    result = answered(SHARE, COUNTED.format(value=value, n=n))
    assert result.verdict == verdict
    if n == 4:
        assert result.findings[0].reading.low == pytest.approx(39.8, abs=0.05)


SLIPS = [
    (("schema = 1", "schema = 9"), "schema 9"),
    (('who = "A. Person"', ""), "no 'who'"),
    (('who = "A. Person"', 'who = " "'), "who ' ': a text is wanted"),
    (("value = true", "value = 3"), "true or false is wanted"),
    (("when = 2026-02-01", 'when = "soon"'), "a day is wanted"),
    (('rule = "plan"', 'rule = "plans"'), "no rule 'plans'"),
    (('gate = "a_gate"', 'gate = "b_gate"'), "no gate 'b_gate'"),
    (("value = true", "valu = true"), "unknown key 'valu'"),
    (('rule = "plan"', 'rule = "iou"'), "measured by the harness"),
    (("schema = 1", "schema = 1\n["), "not valid TOML"),
]


@pytest.mark.parametrize(("change", "said"), SLIPS, ids=[said for _, said in SLIPS])
def test_a_slip_is_one_line_that_names_the_file(gate, rule_text, tmp_path: Path, change, said: str) -> None:
    path = tmp_path / "answers.toml"
    path.write_text(ANSWER.replace(*change))
    with pytest.raises(UsageError) as caught:
        read_answers(path, [gate(rules=rule_text + YES)])
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "answers.toml" in str(caught.value)


def test_an_answer_given_twice_is_refused(gate, tmp_path: Path) -> None:
    path = tmp_path / "answers.toml"
    path.write_text(ANSWER + ANSWER.replace("schema = 1\n", ""))
    with pytest.raises(UsageError, match="answered twice"):
        read_answers(path, [gate(rules=YES)])


def test_a_counted_share_comes_with_its_number(gate, tmp_path: Path) -> None:
    path = tmp_path / "answers.toml"
    path.write_text(COUNTED.format(value=90, n=10).replace("n = 10\n", ""))
    with pytest.raises(UsageError, match="how many were counted"):
        read_answers(path, [gate(rules=SHARE)])


def test_the_template_is_a_valid_file_without_answers_and_valid_once_it_is_filled_in(gate, tmp_path: Path) -> None:
    found = gate(rules=YES + SHARE)
    path = tmp_path / "answers.toml"
    path.write_text(template([found]))
    assert read_answers(path, [found]).by_rule == {}
    filled = "\n".join(
        line[1:] if line.startswith("#") and not line.startswith("# ") else line
        for line in template([found]).split("\n")
    )
    filled = filled.replace("value =         # true or false", "value = true").replace(
        "value =         #", "value = 90 #"
    )
    filled = filled.replace("n =             #", "n = 40 #").replace('who = ""', 'who = "x"')
    path.write_text(filled.replace('evidence = ""', 'evidence = "y"'))
    assert tomllib.loads(path.read_text())
    assert set(read_answers(path, [found]).by_rule) == {("a_gate", "plan"), ("a_gate", "eyes")}


def test_an_answer_about_nothing_that_was_measured_as_the_document_means_does_not_count(answered) -> None:
    needs = '[needs]\ndecoder = ["ltx_video"]\ninput = "clips"\n'
    result = answered(needs + YES, ANSWER)
    assert result.verdict == "INCONCLUSIVE"
    assert "no pipeline that it could be about was measured" in result.findings[0].reason
