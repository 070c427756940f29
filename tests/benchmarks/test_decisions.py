"""``foresight-bench decide`` on fabricated studies: a good one, a bad one, and one on lesser evidence."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from contextlib import chdir
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fabricated import Study
from fabricated_answers import write_answers
from foresight_harness.contracts.errors import UsageError
from foresight_harness.judging.decisions.deciding import ALONE, unsettled
from foresight_harness.judging.decisions.decision_files import find_proposals, read_proposal
from foresight_harness.judging.decisions.markdown import as_markdown, grouped
from foresight_harness.judging.decisions.next_run import is_about
from foresight_harness.judging.gates import find_gates
from foresight_harness.planning.candidates import select_candidates
from foresight_harness.planning.registry import load_registry
from foresight_harness.surface.command import main
from markdown_it import MarkdownIt

ROOT = Path(__file__).resolve().parents[2]
BENCHMARKS = ROOT / "benchmarks"
GATES = find_gates(["all"], [BENCHMARKS / "gates"])
NAMES = [gate.name for gate in GATES]
PROPOSALS = find_proposals(BENCHMARKS / "decisions", NAMES)
GOOD = Study(n=160)
BAD = Study(n=40, quality=0.12, twin_quality=0.1, pixels_quality=0.1, latency_ms=20_000.0)
RESCUED = replace(BAD, detector_quality=0.95)
WITHOUT = replace(BAD, detector_quality=None)
CHEAP = Study(n=40, decoders={"ltx_video": "linear"}, datasets=("shapes", "coco"))
STUDIES = {"good": GOOD, "bad": BAD, "cheap": CHEAP, "rescued": RESCUED, "without detectors": WITHOUT}

Decide = Callable[..., tuple[int, dict[str, Any], Path]]


@pytest.fixture(scope="module")
def studies(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Each study written once."""
    out = tmp_path_factory.mktemp("studies")
    write_answers(out / "answers.toml", GATES)
    return {name: study.write(out, name) for name, study in STUDIES.items()}


@pytest.fixture(scope="module")
def decide(studies, tmp_path_factory: pytest.TempPathFactory) -> Decide:
    """Exit code, content and page of a decision; studies by name. Each is made once, its content read anew."""
    made: dict[tuple[tuple[str, ...], bool], tuple[int, Path]] = {}

    def run(*names: str, answers: bool = False) -> tuple[int, dict[str, Any], Path]:
        if (names, answers) not in made:
            page = tmp_path_factory.mktemp("decided") / "page.html"
            words = ["decide", *(str(studies[name]) for name in names), "-o", str(page)]
            words += ["--answers", str(studies["good"].parent / "answers.toml")] if answers else []
            with chdir(ROOT):
                made[names, answers] = main(words), page
        code, page = made[names, answers]
        return code, json.loads(page.with_suffix(".json").read_text()), page

    return run


def answers_of(found: dict[str, Any]) -> dict[str, str]:
    return {one["name"]: one["answer"] for one in found["proposals"]}


def test_a_good_study_goes_on_everywhere(decide: Decide) -> None:
    code, found, page = decide("good", answers=True)
    assert code == 0
    assert answers_of(found) == dict.fromkeys(("c1", "premerge", "hybrid", "sem", "vlms"), "PROCEED")
    other = "For Pivot 4 no other model than the one in use today speaks so far."
    assert found["headline"] == f"Claim 1, Pivot 1, Pivot 2 and Pivot 3 can go on. {other}"
    for one in found["proposals"]:
        shown = [row for row in one["criteria"] if row["decides"] and not row["person"] and row["rule"] != "on_time"]
        assert all(row["score"] and row["score"]["n"] >= 1 for row in shown)
        assert one["ask"] == []
    assert "<script" not in page.read_text()


def test_without_answers_what_asks_people_stays_open(decide: Decide) -> None:
    _, found, _ = decide("good")
    vlms = next(one for one in found["proposals"] if one["name"] == "vlms")
    assert vlms["answer"] == "PROCEED"
    assert "opens the second phase and no more" in vlms["say"]
    assert {one["rule"] for one in vlms["ask"]} >= {"plan", "consensus"}


def test_a_bad_study_follows_the_documents_words(decide: Decide) -> None:
    code, found, _ = decide("bad")
    assert code == 0
    assert answers_of(found) == {"c1": "PIVOT", "premerge": "ABORT", "hybrid": "ABORT", "sem": "ABORT", "vlms": "PIVOT"}
    premerge = next(one for one in found["proposals"] if one["name"] == "premerge")
    assert (premerge["line"], premerge["by"]) == (367, ["premerge_tree", "premerge_external"])


def test_detectors_that_keep_places_where_the_models_do_not_turn_an_abort_into_a_pivot(decide: Decide) -> None:
    _, found, _ = decide("rescued")
    assert answers_of(found)["premerge"] == "PIVOT"
    premerge, vlms = (next(one for one in found["proposals"] if one["name"] == name) for name in ("premerge", "vlms"))
    assert (premerge["line"], premerge["by"]) == (366, ["premerge_tree", "premerge_external"])
    assert (vlms["answer"], vlms["line"], vlms["by"]) == ("PIVOT", 506, ["vlm_week2", "vlm_fallback"])


def test_an_abort_waits_for_no_detector_and_names_the_run_that_would_measure_one(decide: Decide) -> None:
    _, found, _ = decide("without detectors")
    premerge = next(one for one in found["proposals"] if one["name"] == "premerge")
    assert (premerge["answer"], premerge["line"], premerge["by"]) == ("ABORT", 364, ["premerge_tree"])
    assert "--matrix fallback_detectors" in premerge["next"]["command"]
    assert "--candidate" in premerge["next"]["command"], premerge["next"]


def test_good_numbers_of_the_wrong_kind_decide_nothing_and_say_what_would(decide: Decide) -> None:
    code, found, _ = decide("cheap")
    assert code == 3
    assert set(answers_of(found).values()) == {"CANNOT SAY"}
    for one in found["proposals"]:
        assert one["missing"]
        assert one["next"]["command"].startswith("pytest benchmarks/ -k ")
        assert "--candidate" in one["next"]["command"]
        assert one["next"]["seconds"] > 0
        assert one["next"]["gpu_hours"] is None
        assert one["next"]["gpu"] == "not measured on a card"


def test_what_cannot_be_said_is_said_of_each_proposal_alone(decide: Decide) -> None:
    """Of five cards no two bear the same words by rule: each counts its own checks."""
    _, found, _ = decide("cheap")
    for one in found["proposals"]:
        assert one["say"] == unsettled([gate["verdict"] for gate in one["gates"]])
        assert f"its {len(one['gates'])} checks" in one["say"]
    assert unsettled(["NOT MEASURED"] * 4) == "None of its 4 checks was measured yet."
    assert unsettled(["INCONCLUSIVE"] * 2) == "None of its 2 checks is settled yet."
    mixed = ["GO", "INCONCLUSIVE", "INCONCLUSIVE", "NOT MEASURED"]
    assert unsettled(mixed) == "Of its 4 checks, 1 is met, 2 are open and 1 was not measured."


def test_a_change_of_model_that_only_the_present_one_passes_is_said(decide: Decide) -> None:
    _, found, _ = decide("good", answers=True)
    vlms = next(one for one in found["proposals"] if one["name"] == "vlms")
    assert all(row["present"] for row in found["matrix"]["rows"])
    assert vlms["say"].endswith(ALONE)
    assert not any(ALONE in one["say"] for one in found["proposals"] if one is not vlms)


def test_a_reason_that_criteria_share_stands_once_in_markdown() -> None:
    lines = ["IoU: random weights (x)", "LPIPS: random weights (x)", "SSIM: is not in this run", "odd"]
    assert grouped(lines) == ["IoU, LPIPS: random weights (x)", "SSIM: is not in this run", "odd"]


def test_a_long_reason_keeps_what_to_do_at_its_end(decide: Decide) -> None:
    _, found, _ = decide("good", answers=True)
    one = found["proposals"][0]
    one["missing"] = [f"criterion {number} with a long name: weights; fetch them" for number in range(40)]
    text = as_markdown(found)
    assert "criterion 39 with a long name: weights; fetch them\n" in text


def test_two_runs_are_read_as_one_and_what_both_measured_must_hold_in_both(decide: Decide) -> None:
    _, found, _ = decide("good", "cheap", answers=True)
    assert set(answers_of(found).values()) == {"PROCEED"}, "stills through linear do not stand in the way of video"
    _, found, _ = decide("good", "bad", answers=True)
    assert "PROCEED" not in answers_of(found).values()


def test_the_weighted_matrix_has_a_range_for_every_model(decide: Decide) -> None:
    _, found, _ = decide("good")
    matrix = found["matrix"]
    assert [one["weight"] for one in matrix["weights"]] == [40, 20, 15, 15, 10]
    assert matrix["rows"][0]["sure"] == 1.0
    assert all(0 <= row["sure"] <= row["possible"] <= 1 for row in matrix["rows"])


def test_markdown_says_the_same_and_lets_no_text_out_of_its_cell(decide: Decide, capsys) -> None:
    _, found, _ = decide("cheap")
    found["proposals"][0]["title"] = "<b>x</b> | @all\n# no"
    text = as_markdown(found)
    assert "# These measurements decide none of the proposals yet." in text
    assert "<b>" not in text
    assert "\n# no" not in text
    assert text.count("**CANNOT SAY**") == 5


@pytest.mark.parametrize("name", ["good", "bad", "cheap"])
def test_markdown_is_read_as_whole_tables_lists_and_commands(decide: Decide, name: str) -> None:
    """As a library reads it: no row lacks a cell, no line fell out of its table or list."""
    _, found, _ = decide(name)
    found["proposals"][0]["missing"] = ["a | b\n| c", "- d", "1. e"]
    tokens = MarkdownIt().enable("table").parse(as_markdown(found))
    kinds = Counter(token.type for token in tokens)
    proposals = found["proposals"]
    assert kinds["table_open"] == 1 + len(proposals) + bool(found["matrix"] and found["matrix"]["rows"])
    widths: list[list[int]] = []
    for token in tokens:
        if token.type == "table_open":
            widths.append([])
        elif token.type == "tr_open":
            widths[-1].append(0)
        elif token.type in ("th_open", "td_open"):
            widths[-1][-1] += 1
    assert all(len(set(rows)) == 1 for rows in widths), widths
    decided = [sum(row["decides"] for row in one["criteria"]) for one in proposals]
    assert [len(rows) - 1 for rows in widths[: 1 + len(proposals)]] == [len(proposals), *decided]
    lines = sum(len(grouped(one["missing"])) + len(one["ask"]) for one in proposals)
    assert kinds["list_item_open"] == lines
    assert kinds["bullet_list_open"] == sum(bool(one["missing"]) + bool(one["ask"]) for one in proposals)
    commands = [token.content.strip() for token in tokens if token.type == "code_block"]
    assert commands == [one["next"]["command"] for one in proposals if one["next"]]
    outside = [token.content for token in tokens if token.type == "inline" and token.level == 1]
    assert not [text for text in outside if text.startswith("|") or "---|" in text]


def test_slips_are_one_line_and_exit_2(studies, tmp_path: Path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(ROOT)
    run = str(studies["cheap"])
    assert main(["decide", run, run, "-o", str(tmp_path / "a.html")]) == 2
    assert "a run was named twice" in capsys.readouterr().err
    assert main(["decide", run, "--answers", str(tmp_path / "none.toml")]) == 2
    assert "cannot be read" in capsys.readouterr().err
    assert main(["decide", run, "-o", str(tmp_path / "a.json")]) == 2
    assert "name a page, such as a.html" in capsys.readouterr().err


def test_gates_of_a_folder_of_ones_own_hide_no_gate_of_a_proposal(studies, tmp_path: Path, monkeypatch, capsys) -> None:
    (tmp_path / "benchmarks").symlink_to(BENCHMARKS)
    (tmp_path / "gates").mkdir()
    (tmp_path / "gates" / "ours.toml").write_text((BENCHMARKS / "gates" / "premerge_phase1.toml").read_text())
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("foresight_harness.planning.named_files.HERE", (Path(), Path("benchmarks")))
    assert main(["decide", str(studies["good"]), "-o", str(tmp_path / "page.html"), "--json"]) == 0
    assert set(answers_of(json.loads(capsys.readouterr().out))) == {one.name for one in PROPOSALS}


def test_every_proposal_has_its_tree_and_each_branch_its_line() -> None:
    assert [one.name for one in PROPOSALS] == ["c1", "premerge", "hybrid", "sem", "vlms"]
    for proposal in PROPOSALS:
        assert {branch.answer for branch in proposal.branches} >= {"PROCEED"}
        assert {branch.answer for branch in proposal.branches} & {"PIVOT", "ABORT"}
        named = {condition.gate for branch in proposal.branches for condition in branch.when}
        assert named <= set(proposal.gates)
    assert {name for proposal in PROPOSALS for name in proposal.gates} == set(NAMES), "every gate is shown somewhere"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (('answer = "ABORT"', 'answer = "MAYBE"'), "answer 'MAYBE'"),
        (('gate = "premerge_tree", verdicts = ["NO-GO"]', 'gate = "premerge_tre", verdicts = ["NO-GO"]'), "no gate"),
        (('verdicts = ["NO-GO"]', 'verdicts = ["NO"]'), "verdicts ['NO']"),
        (("line = 364", "line = 0"), "line 0"),
        (("schema = 1", "schema = 7"), "schema 7"),
        (("order = 2", "order = 2\nextra = 1"), "unknown key 'extra'"),
    ],
)
def test_a_slip_in_a_decision_file_is_one_line(change, said: str, tmp_path: Path) -> None:
    path = tmp_path / "premerge.toml"
    text = (BENCHMARKS / "decisions" / "premerge.toml").read_text()
    assert change[0] in text
    path.write_text(text.replace(*change))
    with pytest.raises(UsageError) as caught:
        read_proposal(path, NAMES)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("gate", GATES, ids=NAMES)
def test_the_matrix_of_a_gate_scores_a_candidate_that_its_needs_accept(gate) -> None:
    """Otherwise no run of the matrix could ever settle the gate."""
    found = select_candidates(load_registry(), [], gate.matrix, [BENCHMARKS / "matrices"], "full")
    for rule in gate.deciding():
        if not rule.by_person:
            assert any(is_about(gate, [rule], one) for one in found.candidates), rule.id
