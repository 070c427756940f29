"""The verbs ``rank`` and ``versus``: one judge of candidates, whatever asks."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from foresight_harness.judging.analyses.catalogue import conclude
from foresight_harness.judging.analyses.envelope import read_analysis
from foresight_harness.judging.analyses.verifying import verify
from foresight_harness.surface.command import main

REST = "/identity/single/linear"
A, B, PIXELS = (f"{name}@x{REST}" for name in ("enc_a", "enc_b", "pixels"))


@pytest.fixture
def run(write_run, record) -> str:
    """Two candidates and a floor on 60 pictures, by two metrics; the second is of one of them alone."""
    base = np.random.default_rng(3).uniform(0.3, 0.6, 60)
    records, samples = [], {}
    for place, (name, shift, role) in enumerate(
        ((A, 0.1, "candidate"), (B, 0.0, "candidate"), (PIXELS, -0.1, "floor"))
    ):
        values = base + shift + np.random.default_rng(place).normal(0, 0.01, 60)
        fields = {"cell": f"c{place}", "candidate": name, "role": role, "n": 60, "value": float(values.mean())}
        records.append(record(**fields))
        samples[f"c{place}"] = {"iou": {0: values.tolist()}}
    return str(write_run(records, samples, status="complete"))


def test_terminal_json_analysis_and_page_say_the_same_of_two_candidates(run: str, page_text, capsys) -> None:
    assert not conclude(Path(run)).failures
    kept = read_analysis(Path(run), "rankings")
    assert main(["versus", run, A, B, "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)["rows"]
    assert row == kept["head_to_head"]["rows"][0]
    assert main(["versus", run, A, B]) == 0
    said = capsys.readouterr().out
    delta = row["difference"]
    assert f"{A} is better than {B}, {delta['value']:+.4f} [{delta['low']:+.4f}, {delta['high']:+.4f}]" in said
    assert f"pictures won {row['won']}, tied 0, lost {row['lost']}" in said

    assert main(["rank", run]) == 0
    terminal = " ".join(capsys.readouterr().out.split())
    board = kept["boards"][0]
    assert main(["report", run]) == 0
    page = page_text(Path(run) / "report.html")
    for text in (board["finding"], board["against_floors"]):
        assert text in terminal
        assert text.replace("By iou on", "By IoU on") in page, "the page calls metrics as their suite does"
    ranked = {line["candidate"]: line["letters"] for line in kept["rows"] if line["letters"]}
    assert ranked == {A: "a", B: "b"}
    assert f"{delta['value']:.3f}" in page


def test_what_verify_repeats_is_the_new_conclusion(run: str) -> None:
    conclude(Path(run))
    file = Path(run) / "analysis" / "rankings.json"
    clean = [line for line in verify(Path(run)).problems if "rankings" in line]
    content = json.loads(file.read_text())
    content["boards"][0]["best"] = [B]
    file.write_text(json.dumps(content))
    assert clean == []
    assert any("rankings.json differs at boards[0].best" in line for line in verify(Path(run)).problems)
    file.write_text(json.dumps({**content, "form": 1}))
    found = verify(Path(run))
    assert not any("rankings" in line for line in found.problems)
    assert found.older == [
        "analysis/rankings.json was concluded by a method of before (form 1, today 2); it is not repeated"
    ]


def test_a_glob_that_one_candidate_fits_will_do_and_floors_can_be_met(run: str, capsys) -> None:
    assert main(["versus", run, "enc_a@*", "pixels@*"]) == 0
    assert f"{A} is better than {PIXELS}" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("enc_*", B), 2, "fits 2 candidates"),
        (("enc_z@x", B), 2, "no candidate 'enc_z@x' in this run"),
        ((A, A), 2, "is set against itself"),
        ((A, B, "--metric", "iuo"), 2, "no iuo in this run; did you mean iou?"),
        ((A, B, "--dataset", "coins"), 3, "no metric was measured of both"),
    ],
)
def test_what_cannot_be_answered_is_one_line(run: str, words: tuple[str, ...], code: int, said: str, capsys) -> None:
    assert main(["versus", run, *words]) == code
    found = capsys.readouterr().err
    assert said in found
    assert found.count("\n") == 1
