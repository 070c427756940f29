"""The page of a decision, and its section in a report."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from foresight_reports import RunFolderError, SchemaError, write_report
from foresight_reports.decision import basis, card, decision_page, duration, lacking, quantity
from run_plans import TINY

EVIL = "</title><script>alert(1)</script>\u202e"
SCORE = {"value": 0.95, "low": 0.93, "high": 0.97, "n": 200, "method": "x"}
ROW = {
    **{"gate": "g1", "rule": "iou", "label": "IoU", "plain": "overlap", "compare": None, "against": None},
    **{"quote": "IoU > 0.4", "line": 7, "decides": True, "person": False, "ask": None, "bound": 0.4},
    **{"direction": "higher", "unit": "ratio", "candidate": EVIL, "dataset": "shapes", "score": SCORE},
    **{"twin": {**SCORE, "value": 0.25}, "pixels": {**SCORE, "value": 0.3}, "verdict": "GO", "word": "met"},
    **{"reason": EVIL, "missing": [], "needed_n": None, "answered": None},
}


def decision(**changes):
    proposal = {
        **{"name": "p", "proposal": "Pivot 1", "title": EVIL, "question": "?", "document": "d", "answer": "PROCEED"},
        **{"say": "Places are there.", "quote": "IoU > 0.4", "line": 7, "by": ["g1"], "criteria": [ROW]},
        "gates": [{"name": "g1", "title": "Gate", "section": "1", "verdict": "GO", "word": "met", "sentence": "s"}],
        **{"missing": [], "ask": [], "next": None, "budget": None},
        **changes,
    }
    return {
        **{"schema": 1, "kind": "decision", "headline": "Pivot 1 can go on.", "weights": [], "proposals": [proposal]},
        "runs": [{"run": "r", "started": "2026-01-20T09:00:00Z", "scale": "full"}],
        "answers": {"given": 0, "digest": None},
        "matrix": {
            "title": "m",
            "weights": [{"rule": "iou", "label": "IoU", "weight": 40}],
            "rows": [{"candidate": EVIL, "sure": 0.4, "possible": 0.9, "criteria": {"iou": "GO"}}],
        },
    }


def test_the_conclusion_stands_first_and_no_text_from_outside_is_markup() -> None:
    page = decision_page(decision())
    assert page.index("<h1>Pivot 1 can go on.</h1>") < page.index("PROCEED")
    assert "<script" not in page
    assert "\u202e" not in page
    assert "http:" not in page.replace("http-equiv", "")
    assert "https:" not in page


def test_a_criterion_shows_score_interval_samples_twin_and_pixels() -> None:
    page = decision_page(decision())
    for said in ("0.95", "0.93 to 0.97", "200 samples", "untrained: 0.25", "raw pixels: 0.3", "asked is above 0.4"):
        assert said in page, said


def test_the_same_decision_gives_the_same_bytes(tmp_path: Path) -> None:
    assert decision_page(decision()) == decision_page(json.loads(json.dumps(decision())))


def test_an_answer_rests_on_what_its_branch_names_and_a_stop_on_what_is_not_met() -> None:
    rows = [ROW, {**ROW, "rule": "b", "label": "b", "verdict": "NO-GO"}, {**ROW, "gate": "g2", "label": "c"}]
    proposal = decision(criteria=rows, answer="ABORT")["proposals"][0]
    assert [row["label"] for row in basis(proposal)] == ["b"]
    assert [row["label"] for row in basis({**proposal, "answer": "PROCEED"})] == ["b", "IoU"]


def test_a_guessed_time_is_no_promise() -> None:
    assert duration({"seconds": 7200.0, "measured": True}) == "about 2.0 hours, as this machine measured the like"
    assert duration({"seconds": 7200.0, "measured": False}) == "perhaps 2.0 hours on a processor, which is a guess"
    assert duration({"seconds": 7.5e6}) == "too long for a processor (a guess: 87 days), so it needs a graphics card"
    assert duration({"seconds": None, "measured": False}) == ""
    assert card({"gpu_hours": 1.25}) == "1.2 GPU hours"
    assert card({"gpu_hours": None}) == card({}) == "GPU hours: not measured on a card"


def test_what_is_missing_is_said_without_its_command() -> None:
    line = "IoU: the document says video, shapes is stills; pytest benchmarks/ -k spatial"
    assert lacking({"missing": [line]}) == "the document says video, shapes is stills"
    assert lacking({"missing": []}) == ""


def test_what_is_missing_is_said_in_plain_words() -> None:
    line = "IoU: no candidate like 'qwen2_5_vl*@pre_merge*' in this run"
    assert lacking({"missing": [line]}) == "none of the models that it is about was measured"
    line = "IoU: would be GO; missing: random weights (dinov2_tiny); foresight-bench weights fetch dinov2_tiny"
    assert lacking({"missing": [line]}) == "a trained model (dinov2_tiny has random weights here)"


def test_a_matrix_of_which_nothing_is_known_takes_a_line() -> None:
    weights = [{"rule": "iou", "label": "IoU", "weight": 40}]
    row = {"candidate": "model_a", "sure": 0.0, "possible": 1.0, "criteria": {"iou": "NOT MEASURED"}}
    unknown = {"gate": "g", "title": "t", "weights": weights, "rows": [row]}
    assert "No model has a point for sure yet" in decision_page({**decision(), "matrix": unknown})
    page = decision_page({**decision(), "matrix": {**unknown, "rows": [{**row, "sure": 0.4}]}})
    assert "No model has a point" not in page
    assert "model_a" in page


@pytest.mark.parametrize(
    ("value", "unit", "said"),
    [(0.0, "ratio", "0"), (8000.0, "ms", "8,000 ms"), (0.12345, None, "0.123"), (None, None, "")],
)
def test_numbers_are_written_short(value, unit, said: str) -> None:
    assert quantity(value, unit) == said


def test_a_file_in_the_place_of_a_run_is_a_decision(tmp_path: Path) -> None:
    file = tmp_path / "decision.json"
    file.write_text(json.dumps(decision()))
    assert write_report([file]) == tmp_path / "decision.html"
    assert write_report([file], tmp_path / "sub" / "page.html").is_file()
    file.write_text(json.dumps({**decision(), "schema": 99}))
    with pytest.raises(SchemaError):
        write_report([file])
    file.write_text("{}")
    with pytest.raises(RunFolderError, match="holds no decision"):
        write_report([file])


def test_a_report_shows_the_decision_of_its_run(written, tmp_path: Path) -> None:
    import shutil

    run = Path(shutil.copytree(written(TINY), tmp_path / "run"))
    assert 'id="decision"' not in write_report([run]).read_text()
    (run / "decision.json").write_text(json.dumps(decision()))
    page = write_report([run]).read_text()
    assert 'id="decision"' in page
    assert "<script>alert(1)" not in page
    (run / "decision.json").write_text("damaged")
    assert 'id="decision"' not in write_report([run]).read_text()
