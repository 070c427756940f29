from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest
from foresight_harness.judging.comparison.comparing import compare
from foresight_harness.judging.comparison.outputs import github_annotations, junit, markdown
from foresight_harness.judging.comparison.safe_text import COMMENT_BYTES, MARKER
from foresight_harness.judging.comparison.sentinels import Sentinels, read_sentinels
from foresight_harness.judging.comparison.table import finding
from foresight_harness.running.run_folder.run_data import RunData
from foresight_harness.surface.command import main

HOSTILE = "x<script>\n::error::boo%\r|`*_[a](b) @everyone \u202e" + "y" * 2000


@pytest.fixture
def found(run_with, sentinels):
    base, head = run_with("base"), run_with("head", moved={0: -0.05}, noise=0.01)
    return compare(RunData.load(base), RunData.load(head), sentinels)


@pytest.fixture
def many(write_run, record):
    """Thirty sentinels, all worse, with hostile names."""
    sides = []
    for name, value in (("base", 0.9), ("head", 0.1)):
        lines, samples = [], {}
        for index in range(30):
            line = record(candidate=f"{index}{HOSTILE}@l/identity/single/linear", cell=f"c{index}")
            lines.append(line | {"status": "ok", "fingerprint": "f", "dtype": "float32", "device": "cpu"})
            samples[f"c{index}"] = {"iou": {0: [value + 0.001 * place for place in range(20)]}}
        sides.append(RunData.load(write_run(lines, samples, run=name)))
    return compare(*sides, Sentinels(patterns=({"metric": "iou"},)))


def test_junit_has_one_case_a_sentinel_and_fails_those_that_regressed(found) -> None:
    suite = ElementTree.fromstring(junit(found, "main")).find("testsuite")
    assert suite is not None
    assert (suite.get("tests"), suite.get("failures"), suite.get("skipped")) == ("2", "1", "0")
    failed = [case for case in suite if case.find("failure") is not None]
    assert [case.get("name") for case in failed] == ["encoder_0@last/identity/single/linear"]
    assert "became" in str(failed[0].find("failure").get("message"))  # type: ignore[union-attr]


def test_junit_survives_hostile_names(many) -> None:
    suite = ElementTree.fromstring(junit(many, HOSTILE + "\x00")).find("testsuite")
    assert suite is not None
    assert len(suite) == 30


def test_annotations_keep_within_ten_and_say_how_many_more(many) -> None:
    lines = github_annotations(many)
    errors = [line for line in lines if line.startswith("::error ")]
    assert len(errors) == 10
    assert errors[-1].endswith("and 21 more; see the report")


def test_no_text_can_start_a_command_of_its_own(many) -> None:
    for line in github_annotations(many):
        assert "\n" not in line
        assert "\r" not in line
        assert line.count("::error") <= 2  # the hostile one is inside the message, where the runner does not look
        assert line.startswith(("::error title=regression::", "::warning title=regression::", "::notice title="))


def test_comment_is_found_by_its_marker_and_holds_the_verdict(found) -> None:
    text = markdown(found, finding(found, "main"))
    assert text.startswith(MARKER)
    assert "### Regressed" in text
    assert "| encoder\\_0@last/identity/single/linear |" in text


def test_comment_keeps_to_its_budget_and_escapes_everything(many) -> None:
    text = markdown(many, HOSTILE, rows=500)
    assert len(text.encode()) <= COMMENT_BYTES
    assert "<script" not in text
    assert "@everyone" not in text
    assert "&#64;everyone" not in text, "GitHub looks for mentions after entities are resolved"
    assert "://" not in markdown(many, "see https://evil.example")
    assert "\u202e" not in text
    short = markdown(many, "x", budget=2000, rows=500)
    assert len(short.encode()) <= 2000
    assert "more are in the report" in short


def test_compare_exits_1_and_writes_what_ci_wants(run_with, tmp_path: Path, monkeypatch, capsys) -> None:
    run_with("base")
    run_with("head", moved={0: -0.05}, noise=0.01)
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary.md"))
    sentinel = tmp_path / "sentinels.toml"
    sentinel.write_text('[[sentinel]]\nmetric = "iou"\n')
    common = ["compare", "head", "base", "--out", str(tmp_path), "--sentinels", str(sentinel)]
    outputs = ["--junit", str(tmp_path / "j.xml"), "--md", str(tmp_path / "c.md"), "--github"]
    assert main([*common, *outputs]) == 1
    printed = capsys.readouterr().out
    assert "::error title=regression::iou of encoder_0" in printed
    assert (tmp_path / "j.xml").is_file()
    assert (tmp_path / "c.md").read_text().startswith(MARKER)
    assert "Regressed" in (tmp_path / "summary.md").read_text()
    assert not (tmp_path / "head" / "analysis").exists(), "it is no finding of the run"
    assert main([*common, "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["baseline"]["run"] == "base"


def test_compare_exits_0_when_nothing_got_worse_and_3_when_nothing_can_be_compared_or_strict_demands_more(
    run_with, tmp_path: Path
) -> None:
    run_with("base")
    run_with("same")
    run_with("other", fingerprint="0" * 8)
    run_with("part", only=range(1, 4))
    common = ["--out", str(tmp_path), "--strict"]
    assert main(["compare", "same", "base", *common]) == 0
    assert main(["compare", "other", "base", "--out", str(tmp_path)]) == 3
    assert main(["compare", "other", "base", *common]) == 3
    assert main(["compare", "part", "base", "--out", str(tmp_path)]) == 0
    assert main(["compare", "part", "base", *common]) == 3


def test_newer_schema_and_missing_runs_are_usage_errors(run_with, tmp_path: Path, capsys) -> None:
    run_with("base")
    newer = run_with("newer")
    manifest = json.loads((newer / "run.json").read_text())
    (newer / "run.json").write_text(json.dumps({**manifest, "schema": 99}))
    cases = [("newer", "base"), ("base", "newer"), ("absent", "base"), ("base", "absent"), ("base", "base")]
    for run, baseline in cases:
        assert main(["compare", run, baseline, "--out", str(tmp_path)]) == 2
        assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("x = [", "is not valid TOML"),
        ("[tolerance]\niou = 1", "holds no"),
        ('[[sentinel]]\nencoder = "a"', "unknown key 'encoder'"),
        ('[[sentinel]]\ncomment = "a"', "no key"),
        ('[[sentinel]]\nmetric = "iou"\n[tolerance]\niou = -1', "must be a number of 0 or more"),
    ],
)
def test_bad_sentinel_files_are_one_line(tmp_path: Path, text: str, said: str) -> None:
    from foresight_harness.contracts.errors import UsageError

    path = tmp_path / "sentinels.toml"
    path.write_text(text)
    with pytest.raises(UsageError, match=said):
        read_sentinels(path)


def test_the_projects_own_sentinels_can_be_read() -> None:
    path = Path(__file__).resolve().parents[4] / "benchmarks" / "sentinels.toml"
    found = read_sentinels(path)
    assert found.watches(("dinov2_tiny@last/identity/single/linear", "spatial", "shapes", "iou", "dense_ridge"))
    assert not found.watches(("dinov2_tiny@last/sem/single/linear", "spatial", "shapes", "iou", "dense_ridge"))
    assert found.tolerance("iou") > 0
