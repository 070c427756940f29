"""``foresight-bench plan`` says what a run would take."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from foresight_harness.surface.command import main

CANDIDATES = ["--candidate", "pixels@patch/identity/single/linear", "--candidate", "pixels@patch/identity/single/conv"]
CHOICE = [*CANDIDATES, "--dataset", "shapes", "--suite", "spatial"]


def test_plan_tells_time_memory_and_disk_with_how_sure_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["plan", *CHOICE, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["cells"] == 1  # the suite reads no decoder, so both candidates are one cell
    predicted = found["prediction"]
    assert 0 < predicted["low"] < predicted["seconds"] < predicted["high"]
    assert predicted["measured"] == 0
    assert predicted["memory_bytes"] > 2**29
    assert predicted["disk_bytes"] >= found["feature_bytes"] > 0


def test_plan_names_the_tokens_of_a_picture_of_each_candidate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["plan", *CHOICE, "--input", "equal-pixels", "--picture-px", "112", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["input"], found["input_size"]) == ("equal-pixels", 112)
    assert found["tokens"]["pixels@patch/identity/single/linear"] == [64]
    assert main(["plan", *CHOICE]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "input own; tokens a picture: 256: pixels@patch" in said


def test_plan_says_in_words_that_it_guesses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["plan", *CHOICE]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "0 of 1 cells measured here, the rest guessed" in said
    assert "GiB of memory a process" in said


def test_plan_says_which_suite_a_set_cannot_feed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("pictures").mkdir()
    asked = [*CANDIDATES, "--dataset", "folder:pictures", "--suite", "spatial"]
    assert main(["plan", *asked]) == 0
    assert "spatial is not scored on folder:pictures: it carries no boxes" in " ".join(capsys.readouterr().out.split())
    assert main(["plan", *asked, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["not_scored"] == [
        "spatial is not scored on folder:pictures: it carries no boxes"
    ]


def test_a_plan_waits_for_no_library_that_computes(tmp_path: Path) -> None:
    """Torch is four fifths of what the plan of a smoke run took; the table is made without it."""
    code = (
        "import sys; from foresight_harness.surface.command import main\n"
        f"assert main({['plan', *CHOICE]!r}) == 0\n"
        "print(sorted({'torch', 'scipy', 'pyarrow', 'pandas'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert "plan at scale smoke" in done.stdout
    assert done.stdout.splitlines()[-1] == "[]"
