"""Gates and answers of people in real sessions."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

pytestmark = pytest.mark.usefixtures("few_pictures")

GATE = """
schema = 1
title = "Places are kept"
document = "test"
section = "1"
[[rule]]
id = "iou"
quote = "IoU > {bound}"
line = 1
suite = "spatial"
metric = "iou"
probe = "dense_ridge"
unit = "ratio"
direction = "higher"
bound = {bound}
"""


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("bound = 0.9", "bound = 9"), "bound 9 lies outside"),
        (('metric = "iou"', 'metric = "iuo"'), "unknown metric 'iuo'"),
        (('unit = "ratio"', 'unit = "apples"'), "unknown unit 'apples'"),
        (('suite = "spatial"\n', ""), "no 'suite'"),
    ],
)
def test_slip_in_a_gate_is_one_line_and_exit_4_before_any_work(
    benchmarks, pytester: pytest.Pytester, change: tuple[str, str], message: str
) -> None:
    (pytester.path / "slip.toml").write_text(GATE.format(bound=0.9).replace(*change))
    result = benchmarks("--gate", "slip.toml")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    lines = [line for line in result.errlines + result.outlines if "ERROR" in line]
    assert len(lines) == 1
    assert message in lines[0]
    assert not (pytester.path / "runs").exists()


@pytest.mark.parametrize(("bound", "code", "verdict"), [(0.01, 0, "GO"), (0.99, 1, "NO-GO")])
def test_gate_is_judged_kept_and_fails_the_session_where_it_says_no_go(
    dropin: Path, benchmarks, pytester: pytest.Pytester, bound: float, code: int, verdict: str
) -> None:
    (pytester.path / "places.toml").write_text(GATE.format(bound=bound))
    result = benchmarks("--gate", "places.toml", "--candidate", "gradients_tiny*", "-k", "spatial")
    assert result.ret == code
    result.stdout.fnmatch_lines([f"gate places: {verdict}. *"])
    run = pytester.path / "runs" / "latest"
    manifest = json.loads((run / "run.json").read_text())
    assert [entry["name"] for entry in manifest["gates"]] == ["places"]
    assert (run / "gates" / "places.toml").read_text() == GATE.format(bound=bound)
    assert json.loads((run / "analysis" / "gates.json").read_text())["gates"][0]["verdict"] == verdict


BY_PERSON = '[[rule]]\nid = "plan"\nquote = "Plan viable"\nline = 9\nmeasured_by = "person"\nask = "judge it"\n'


ANSWERED = """schema = 1
[[answer]]
gate = "places"
rule = "plan"
value = {value}
who = "A. Person"
when = 2026-02-01
evidence = "minutes, page 3"
"""


@pytest.mark.parametrize(("value", "code", "verdict"), [("true", 0, "GO"), ("false", 1, "NO-GO")])
def test_answers_of_people_count_for_the_gate_of_a_session_and_are_kept(
    dropin: Path, benchmarks, pytester: pytest.Pytester, value: str, code: int, verdict: str
) -> None:
    (pytester.path / "places.toml").write_text(GATE.format(bound=0.01) + BY_PERSON)
    (pytester.path / "said.toml").write_text(ANSWERED.format(value=value))
    words = ("--candidate", "gradients_tiny*", "-k", "spatial")
    result = benchmarks("--gate", "places.toml", "--answers", "said.toml", *words)
    assert result.ret == code
    result.stdout.fnmatch_lines([f"gate places: {verdict}. *"])
    run = pytester.path / "runs" / "latest"
    assert (run / "answers.toml").read_text() == ANSWERED.format(value=value)
    assert json.loads((run / "run.json").read_text())["answers"]["path"] == "answers.toml"
