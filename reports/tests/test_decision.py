"""The page of a decision, and its section in a report."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from foresight_reports import RunFolderError, SchemaError, write_report
from foresight_reports.decision import (
    at_once,
    basis,
    between,
    breakable,
    card,
    decision_page,
    doubted,
    duration,
    quantity,
    without_acronym,
)
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
    for said in ("0.95", "0.93 to 0.97", "200 samples", "untrained: 0.25", "raw pixels: 0.3", "asked: above 0.4"):
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
    assert card({"gpu_hours": 1.25}) == "1.2 hours"
    assert card({"gpu_hours": None}) == card({}) == "not measured"
    assert at_once({"seconds": 7.5e6, "measured": False}) == "perhaps 87 days"
    assert at_once({"seconds": 60.0, "measured": True}) == "about 60 seconds"


def test_why_a_number_does_not_count_is_said_without_its_command() -> None:
    line = "the document says video, shapes is stills; pytest benchmarks/ -k spatial"
    thin = {**ROW, "verdict": "INCONCLUSIVE", "missing": [line]}
    assert doubted(thin) == "the document says video, shapes is stills"
    line = "random weights (dinov2_tiny); foresight-bench weights fetch dinov2_tiny"
    assert doubted({**thin, "missing": [line, "x"]}) == (
        "dinov2_tiny is untrained, so this does not count, and 1 more reason"
    )
    close = {**thin, "missing": [], "needed_n": 4590}
    assert doubted(close) == "the likely range holds what is asked; about 4,590 samples would settle it"
    assert doubted(ROW) == doubted({**thin, "score": None}) == ""


def test_no_sentence_of_a_card_is_repeated_on_the_next(tmp_path: Path) -> None:
    """Times and hours stand once, in a table of all proposals that wait for a run."""
    run = {"gate": "g1", "command": "pytest", "seconds": 7.5e6, "measured": False, "gpu_hours": None, "reason": "r"}
    opened = {"answer": "CANNOT SAY", "say": "None of its 4 checks was measured yet.", "next": run, "by": []}
    made = decision(**opened, budget="200 for its first phase (sem, line 332)")
    second = {**made["proposals"][0], "proposal": "Pivot 2", "say": "None of its 5 checks was measured yet."}
    page = decision_page({**made, "proposals": [made["proposals"][0], second]})
    assert page.count("needs a graphics card") == 1 + 2  # the table's note, and below, beside each command
    front = page[: page.index("Every criterion</h2>")]
    assert front.count("perhaps 87 days") == 2
    assert front.count("<td>200 for its first phase</td>") == 2
    assert "line 332" not in front


def test_a_page_that_decides_all_does_not_explain_what_cannot_be_said() -> None:
    assert "polite no" not in decision_page(decision())
    assert "polite no" in decision_page(decision(answer="CANNOT SAY", by=[]))


def test_words_that_only_specialists_know_are_left_out_or_explained() -> None:
    compared = {
        **ROW,
        "compare": "difference",
        "label": "Before beats after (LPIPS)",
        "plain": "difference seen (0 is none)",
    }
    page = decision_page(decision(criteria=[compared]))
    front = page[: page.index("Every criterion</h2>")]
    assert "LPIPS" not in front
    assert "(by the difference seen)" in front
    assert "asked: a difference above 0.4" in front
    assert without_acronym("Distance of generated from real videos (FVD)") == "Distance of generated from real videos"
    assert without_acronym("Spatial IoU (primary)") == "Spatial IoU (primary)"


def test_a_long_name_breaks_after_its_parts_alone_and_stays_harmless() -> None:
    assert breakable("a@b/<i>") == "a@<wbr>b/<wbr>&lt;i&gt;"


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
    [
        (0.0, "ratio", "0"),
        (3.3e-7, "ratio", "0"),
        (0.0409, None, "0.041"),
        (8000.0, "ms", "8,000 ms"),
        (0.12345, None, "0.123"),
        (None, None, ""),
    ],
)
def test_numbers_are_written_short(value, unit, said: str) -> None:
    assert quantity(value, unit) == said


def test_both_ends_of_a_range_have_one_precision() -> None:
    assert between({"low": 0.00339, "high": 0.0361}) == "0.003 to 0.036"
    assert between({"low": -0.0002, "high": 0.04}) == "0 to 0.04"
    assert between({"low": 37.21, "high": 39.3}) == "37.2 to 39.3"
    assert between({"low": None, "high": 1.0}) == ""


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
