"""Shares of scenes recognised, preferences, and what becomes of them in a file of answers."""

from __future__ import annotations

import tomllib

import pytest
from foresight_harness.judging.gates import read_answers, read_gate
from foresight_harness.judging.gates.evaluate import evaluate
from foresight_harness.judging.gates.vocabulary import vocabulary_of
from foresight_harness.judging.people.as_answers import as_answers
from foresight_harness.judging.people.conclusions import heard
from foresight_harness.parts.statistics.mean_interval import mean_interval
from raters import FIRST, SECOND, answered

GATE = (
    'schema = 1\ntitle = "A gate"\ndocument = "paper"\nsection = "1"\n[needs]\nleast_n = 10\nweights = "any"\n'
    '[[rule]]\nid = "seen"\nquote = "recognizable > 60%"\nline = 9\nmeasured_by = "person"\nask = "show pairs"\n'
    'unit = "%"\ndirection = "higher"\nbound = 60.0\ncounted = true\npeople = "same"\n'
)


def first_is_good(question) -> str:
    """The first candidate is always the same scene and nearer."""
    if question.ask == "same":
        return "yes" if question.candidates == (FIRST,) else "no"
    return "left" if question.candidates[0] == FIRST else "right"


@pytest.fixture
def told(asking):
    return heard(asking, [answered(asking, name, first_is_good) for name in ("A", 'B "x"', "C")])


def test_shares_are_over_scenes_with_the_exact_interval_that_both_candidates_pay_for(told) -> None:
    shares = {share.candidates: share for share in told.shares if share.ask == "same"}
    assert (shares[FIRST,].value, shares[SECOND,].value) == (1.0, 0.0)
    exact = mean_interval([1.0] * 11, [str(n) for n in range(11)], (0.0, 1.0), tails=(0.0125, 0.0125))
    assert (shares[FIRST,].low, shares[FIRST,].scenes) == (exact.low, 11)
    assert shares[FIRST,].answers == 33


def test_two_candidates_are_told_apart_whatever_side_they_stood_at(told) -> None:
    (pair,) = [share for share in told.shares if share.ask == "nearer"]
    assert pair.candidates == (FIRST, SECOND)
    assert pair.value == 1.0
    assert pair.told


def test_neither_counts_half_and_tells_nothing(asking) -> None:
    def neither(question) -> str:
        return "neither" if question.ask == "nearer" else "yes"

    (pair,) = [share for share in heard(asking, [answered(asking, "A", neither)]).shares if share.ask == "nearer"]
    assert (pair.value, pair.told) == (0.5, False)


def test_who_fails_the_checks_is_left_out_and_named(asking) -> None:
    raters = [answered(asking, "A", first_is_good), answered(asking, "B", lambda _: "yes", honest=False)]
    found = heard(asking, [raters[0], answered(asking, "C", first_is_good), raters[1]])
    assert [rater.name for rater in found.left_out] == ["B"]
    assert found.as_json()["left_out"][0]["name"] == "B"
    assert all(share.answers == 2 * share.scenes for share in found.shares)


@pytest.fixture
def gate(tmp_path, builtins):
    path = tmp_path / "a_gate.toml"
    path.write_text(GATE)
    return read_gate(path, vocabulary_of(builtins))


def test_answers_of_people_decide_a_gate_candidate_by_candidate(told, gate, kept_run, tmp_path) -> None:
    path = tmp_path / "answers.toml"
    path.write_text(as_answers([gate], told))
    result = evaluate(gate, kept_run(), read_answers(path, [gate]))
    assert result.by_candidate == {FIRST: "GO", SECOND: "NO-GO"}
    found = {finding.candidate: finding for finding in result.findings}
    assert found[FIRST].reading.low == pytest.approx(67.2, abs=0.5)  # by hand: 100 * 0.0125 ** (1 / 11)
    assert 'answered by A, B "x", C on 2026-03-01: 33 answers to page' in found[FIRST].reason


def test_answers_to_another_run_or_about_too_few_scenes_do_not_decide(told, gate, kept_run, tmp_path) -> None:
    path = tmp_path / "answers.toml"
    text = as_answers([gate], told)
    path.write_text(text)
    other = evaluate(gate, kept_run(name="another"), read_answers(path, [gate]))
    assert other.verdict == "INCONCLUSIVE"
    assert "pictures of run asked, which is another" in other.findings[0].reason
    path.write_text(text.replace("n = 11", "n = 9"))
    few = evaluate(gate, kept_run(), read_answers(path, [gate]))
    assert "9 scenes were shown, at least 10 are needed" in few.findings[0].reason


def test_what_people_say_of_random_weights_decides_nothing(told, gate, kept_run, tmp_path) -> None:
    path = tmp_path / "answers.toml"
    path.write_text(as_answers([gate], told))
    result = evaluate(gate, kept_run(kind="random"), read_answers(path, [gate]))
    assert set(result.by_candidate.values()) == {"INCONCLUSIVE"}
    assert "would be GO; missing: random weights (dinov2_tiny)" in result.findings[0].reason


def test_an_answer_about_a_candidate_that_was_not_measured_decides_nothing(told, gate, kept_run, tmp_path) -> None:
    path = tmp_path / "answers.toml"
    path.write_text(as_answers([gate], told).replace(FIRST, FIRST.replace("dinov2", "mae")))
    result = evaluate(gate, kept_run(), read_answers(path, [gate]))
    assert result.by_candidate[FIRST] == "NOT MEASURED"
    assert "is no candidate of the gate that was measured in this run" in result.findings[0].reason


def test_raters_who_agree_too_little_feed_no_gate(asking, gate) -> None:
    def odd(question) -> str:
        return "no" if question.ask == "same" else "left"

    found = heard(asking, [answered(asking, "A", first_is_good), answered(asking, "B", odd)])
    assert found.agreements["same"].short
    assert tomllib.loads(as_answers([gate], found)).get("answer", []) == []
