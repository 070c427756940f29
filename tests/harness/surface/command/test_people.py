"""``foresight-bench people``: from a run to a page, from files of answers to a gate."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import pytest
import torch
from foresight_harness.contracts.outcomes import Picture
from foresight_harness.running.run_folder.media import write_pictures
from foresight_harness.surface.command import main

pytest.importorskip("foresight_reports", reason="pages are written by foresight-reports, which is not installed")

NAME = "dinov2_tiny@last/identity/single/linear"
GATE = (
    'schema = 1\ntitle = "A gate"\ndocument = "paper"\nsection = "1"\n'
    '[[rule]]\nid = "seen"\nquote = "recognizable > 60%"\nline = 9\nmeasured_by = "person"\nask = "show pairs"\n'
    'unit = "%"\ndirection = "higher"\nbound = 60.0\ncounted = true\npeople = "same"\n'
)


@pytest.fixture
def run_folder(write_run, record, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """One candidate whose 30 scenes were kept, and a gate that asks people, in the working folder."""
    fields = {"suite": "reconstruction", "metric": "psnr", "range": [0.0, 100.0], "unit": "dB", "n": 30}
    path = write_run([record(**fields, candidate=NAME)], {"c0": {"psnr": {0: [20.0] * 30}}}, run="asked")
    lines = []
    for place in range(30):
        shared = {"sample": f"s{place}", "metric": "psnr", "label": "as they come"}
        pictures = [Picture("target", pixels=torch.full((3, 16, 16), place / 30), **shared)]
        pictures.append(Picture("output", pixels=torch.rand(3, 16, 16), value=20.0, **shared))
        lines += write_pictures(path, "c0", NAME, "shapes", pictures)
    (path / "media" / "index.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    (tmp_path / "benchmarks" / "gates").mkdir(parents=True)
    (tmp_path / "benchmarks" / "gates" / "a_gate.toml").write_text(GATE)
    monkeypatch.chdir(tmp_path)
    return path


def answer(name: str, wrong: int = 0) -> str:
    """The file of a rater to whom every scene is the same but the first few, as their page would save it."""
    key = json.loads(Path("people.key.json").read_text())
    answers = {}
    for each in key["questions"]:
        wrongly = not each["check"] and int(each["sample"][1:]) < wrong
        answers[each["id"]] = each["right"] or ("no" if wrongly else "yes")
    content = {"schema": 1, "kind": "people-answers", "page": key["page"], "rater": name, "when": "2026-03-01"}
    Path(f"{name}.json").write_text(json.dumps({**content, "answers": answers}))
    return f"{name}.json"


def test_a_page_and_its_key_are_written_and_names_stand_in_the_key_alone(run_folder: Path, capsys) -> None:
    assert main(["people", "page", str(run_folder)]) == 0
    said = capsys.readouterr().out
    assert "page: people.html, " in said
    assert "give people the page alone" in said
    page, key = Path("people.html").read_text(), json.loads(Path("people.key.json").read_text())
    assert NAME not in page
    assert key["page"] in page
    assert [each["id"] for each in key["questions"]] == re.findall(r'"id":"([0-9a-f]{12})"', page)
    first = page
    assert main(["people", "page", str(run_folder), "-o", "again.html"]) == 0
    assert Path("again.html").read_text() == first
    assert main(["people", "page", str(run_folder), "-o", "other.html", "--seed", "1"]) == 0
    assert Path("other.html").read_text() != first
    capsys.readouterr()
    assert main(["people", "page", str(run_folder), "--seed", "1"]) == 2
    assert "whose answers could no longer be read" in capsys.readouterr().err
    assert Path("people.html").read_text() == first


def test_people_who_agree_settle_a_gate(run_folder: Path, capsys) -> None:
    main(["people", "page", str(run_folder)])
    files = [answer(name) for name in ("A", "B", "C")]
    capsys.readouterr()
    assert main(["people", "read", "people.key.json", *files, "-o", "answers.toml"]) == 0
    said = capsys.readouterr().out
    assert "same: 3 raters, alpha 1.00" in said
    assert "1 of gates' rules ask for what was answered" in said
    found = tomllib.loads(Path("answers.toml").read_text())["answer"][0]
    assert (found["candidate"], found["run"], found["value"], found["who"]) == (NAME, "asked", 100.0, "A, B, C")
    assert main(["gate", str(run_folder), "a_gate", "--answers", "answers.toml"]) == 0
    assert "a_gate: GO. 1 of 1 candidates" in capsys.readouterr().out


def test_people_who_do_not_agree_exit_3_and_feed_nothing(run_folder: Path, capsys) -> None:
    main(["people", "page", str(run_folder)])
    files = [answer("A"), answer("B", wrong=20)]
    capsys.readouterr()
    assert main(["people", "read", "people.key.json", *files, "-o", "answers.toml", "--json"]) == 3
    found = json.loads(capsys.readouterr().out)
    assert "its lower end must be 0.667 at least" in found["agreement"]["same"]["short"]
    assert "answer" not in tomllib.loads(Path("answers.toml").read_text())


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["page", "RUN", "more.json"], "people page takes one RUN"),
        (["page", "RUN", "-o", "page.txt"], "a page's name ends in .html"),
        (["page", "RUN", "--ask", "nearer"], "is the only one"),
        (["page", "nowhere"], "nowhere"),
        (["read", "people.key.json"], "no file of answers was named"),
        (["read", "people.html", "A.json"], "is not JSON"),
        (["read", "people.key.json", "people.key.json"], "is something else; name a file that a page"),
    ],
)
def test_a_slip_is_one_line_and_exit_2(run_folder: Path, capsys, words: list[str], said: str) -> None:
    main(["people", "page", str(run_folder)])
    answer("A")
    capsys.readouterr()
    assert main(["people", *(str(run_folder) if word == "RUN" else word for word in words)]) == 2
    error = capsys.readouterr().err.strip()
    assert said in error
    assert error.count("\n") == 0


def test_no_rater_who_passed_is_nothing_to_write(run_folder: Path, capsys) -> None:
    main(["people", "page", str(run_folder)])
    content = json.loads(Path(answer("A")).read_text())
    key = json.loads(Path("people.key.json").read_text())
    content["answers"] = {each["id"]: "yes" for each in key["questions"] if not each["check"]}
    Path("A.json").write_text(json.dumps(content))
    capsys.readouterr()
    assert main(["people", "read", "people.key.json", "A.json"]) == 3
    assert "LEFT OUT" in capsys.readouterr().out
    assert main(["people", "read", "people.key.json", "A.json", "-o", "answers.toml"]) == 2
    assert "no rater passed the checks" in capsys.readouterr().err
