"""What is urgent stays in sight; what is not is one click away; conclusions are five at most."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from foresight_reports import render
from foresight_reports.analysis.ties import judged
from foresight_reports.boards import build_boards
from foresight_reports.brief.warnings import warnings
from foresight_reports.reading import read_run
from foresight_reports.verdict import MOST_SENTENCES
from make_rankings import board_of, rankings, rows_of

Make = Callable[..., Path]


def edited(run: Path, change: Callable[[dict[str, Any]], None]) -> Path:
    lines = [json.loads(line) for line in (run / "records.jsonl").read_text().splitlines()]
    for line in lines:
        change(line)
    (run / "records.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return run


def refuse(line: dict[str, Any]) -> None:
    if line["role"] == "candidate":
        line |= {"admission": "refused", "admission_reason": "relu3 has 13 tokens a side"}


def uncheck(line: dict[str, Any]) -> None:
    if line["role"] == "candidate":
        line |= {"admission": "not checked", "admission_reason": "--no-admission"}


@pytest.mark.parametrize(
    ("plan", "change", "said"),
    [
        ({}, refuse, "is refused and not ranked"),
        ({}, uncheck, "not checked before being ranked"),
        ({"failed": 2, "suites": ("spatial", "efficiency")}, None, "gave no number"),
        ({"suites": ("spatial",), "broken": ("spatial",)}, None, "is not ranked: a control left its known range"),
    ],
)
def test_what_is_refused_unchecked_failed_or_broken_stands_outside_of_every_fold(
    make: Make, plan: dict[str, Any], change: Callable[[dict[str, Any]], None] | None, said: str
) -> None:
    run = make(**plan)
    html = render([run if change is None else edited(run, change)]).html
    section = html[html.index('<section id="verdict"') : html.index("</section>")]
    in_sight = re.sub(r"<details.*?</details>", "", section, flags=re.S)
    assert said in re.sub(r"<[^>]*>", "", in_sight)


def test_a_damaged_file_is_named_in_sight(make: Make) -> None:
    run = make(analyses=True)
    (run / "analysis" / "audit.json").write_text('{"rows": [')
    html = render([run]).html
    assert "audit.json is cut off" in re.sub(r"<[^>]*>", "", html[: html.index("<details")])


def test_what_was_left_out_of_the_matrix_is_named_in_sight_with_its_reason(make: Make) -> None:
    run = make()
    content = json.loads((run / "run.json").read_text())
    content["left_out"] = ["eye_nano: its nano weights are not carried <b>"]
    (run / "run.json").write_text(json.dumps(content))
    html = render([run]).html
    section = html[html.index('<section id="verdict"') : html.index("</section>")]
    in_sight = re.sub(r"<details.*?</details>", "", section, flags=re.S)
    assert "Left out of the matrix: eye_nano: its nano weights are not carried &lt;b&gt;." in in_sight
    content["left_out"] = 3
    (run / "run.json").write_text(json.dumps(content))
    assert "Left out of the matrix" not in render([run]).html


def test_a_ceiling_that_is_beaten_is_urgent_and_saturation_is_a_remark(make: Make) -> None:
    run = read_run(make(suites=("spatial",)))
    (board, *_) = build_boards([run])
    broken = "It is better than the ceiling oracle (0.1), which is then no bound: the ceiling is broken."
    about = board_of(board, against_ceilings=broken, saturated=True)
    found = warnings([run], judged([board], run.name, rankings(rows_of(board, ["a"]), [about])), [], {})
    assert any("so that ceiling is no bound: Spatial on shapes" in each for each in found.urgent)
    assert any("is saturated" in each for each in found.remarks)
    assert not any("is saturated" in each for each in found.urgent)


@pytest.mark.parametrize("weights", ["random", "pretrained", "mixed"])
def test_at_most_five_sentences_are_concluded(make: Make, weights: str) -> None:
    html = render([make(weights=weights, analyses=True, twins=True)]).html
    (concluded,) = re.findall(r'<ul class="concluded">(.*?)</ul>', html)
    sentences = re.sub(r"<[^>]*>", "", concluded.replace("</li>", "\n")).strip().splitlines()
    assert 0 < len(sentences) <= MOST_SENTENCES
    assert all(not re.search(r"[.!?]\s+[A-Z]", sentence) for sentence in sentences)
