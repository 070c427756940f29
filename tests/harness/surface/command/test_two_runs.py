"""Two runs have one judge: terminal, JSON and page say the same, and neither run is written into."""

from __future__ import annotations

import hashlib
import html
import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from foresight_harness.judging.analyses.catalogue import conclude
from foresight_harness.judging.comparison.against import compare_with, keep, target_of
from foresight_harness.judging.comparison.outputs import sentence
from foresight_harness.judging.comparison.sentinels import read_sentinels
from foresight_harness.surface.command import main

CANDIDATES = [f"encoder_{index}@last/identity/single/linear" for index in range(4)]
MOVED = (-0.1, -0.0009, 0.08, 0.0)
SENTINELS = '[[sentinel]]\nmetric = "iou"\n[tolerance]\niou = 0.001\n'


@pytest.fixture
def two(write_run, record, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """Runs ``base`` and ``head``: one number worse, one worse by less than the tolerance, one better, one equal."""

    def write(name: str, moved: tuple[float, ...], **changes: object) -> Path:
        drawn, records, samples = np.random.default_rng(7), [], {}
        for place, candidate in enumerate(CANDIDATES):
            values = drawn.uniform(0.2, 0.8, 200) + moved[place]
            fields = {"cell": f"c{place}", "candidate": candidate, "value": float(values.mean()), "n": 200}
            same = {"fingerprint": "f" * 12, "dtype": "float32", "device": "cpu", "status": "ok", "error": None}
            records.append(record(**{**fields, **same, "controls_ok": True, **changes}))
            samples[f"c{place}"] = {"iou": {0: values.tolist()}}
        return write_run(records, samples, run=name, status="complete")

    (tmp_path / "sentinels.toml").write_text(SENTINELS)
    monkeypatch.chdir(tmp_path)
    write("base", (0.0,) * 4)
    write("head", MOVED)
    return write


HOW = ("--sentinels", "sentinels.toml", "--out", ".")


def digests(*folders: str) -> dict[str, str]:
    files = [file for folder in folders for file in sorted(Path(folder).rglob("*"))]
    return {str(file): hashlib.sha256(file.read_bytes()).hexdigest() if file.is_file() else "" for file in files}


def rows_of(page: str) -> list[tuple[str, str, list[float]]]:
    """Verdict, candidate and unrounded numbers of each row of the page's comparison."""
    table = page.split('id="changes-1"')[1].split("</table>")[0]
    found = []
    for row in re.findall(r"<tr class=.*?(?=<tr|$)", table, re.DOTALL):
        verdict = re.search(r'<span class="chip [\w-]+">([^<]+)</span>', row)
        name = re.search(r'<bdi title="([^"]*)">', row) or re.search(r"<bdi>(.*?)</bdi>", row)
        assert verdict is not None
        assert name is not None
        numbers = [float(value) for value in re.findall(r'data-v="([^"]+)"', row)]
        found.append((verdict[1], html.unescape(re.sub("<[^>]+>", "", name[1])), numbers))
    return found


def test_terminal_json_and_page_say_the_same_of_two_runs(two, page_text, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", "head", "base", *HOW]) == 1
    terminal = " ".join(capsys.readouterr().out.split())
    assert main(["compare", "head", "base", *HOW, "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert main(["report", "head", "base", *HOW, "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["comparisons"] == [found]
    page = page_text(Path(said["report"]))

    assert {row["candidate"]: row["verdict"] for row in found["rows"]} == dict(
        zip(CANDIDATES, ("regressed", "within noise", "improved", "identical"), strict=True)
    )
    *told, timed = (found["finding"], *found["caveats"])
    assert timed.startswith("Time is not compared"), "known, and so not repeated on every terminal"
    assert all(text in terminal for text in told)
    assert all(text in page for text in (*told, timed))
    expected = [
        (row["verdict"], row["candidate"], [row["base"]["value"], row["head"]["value"], row["delta"]["value"]])
        for row in found["rows"]
    ]
    shown = rows_of(Path(said["report"]).read_text())
    assert [each[:2] for each in shown] == [each[:2] for each in expected]
    for (_, _, ours), (_, _, theirs) in zip(shown, expected, strict=True):
        assert ours == pytest.approx(theirs, rel=1e-4, abs=1e-12)
    assert f"{found['rows'][0]['delta']['value']:+.4f}" in terminal


def test_junit_and_markdown_say_the_same(two, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", "head", "base", *HOW, "--md", "c.md", "--junit", "j.xml", "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    row = found["rows"][0]
    numbers = f"{row['base']['value']:.4g} | {row['head']['value']:.4g} | {row['delta']['value']:+.4f} | regressed |"
    said = Path("c.md").read_text().replace("\\", "")
    assert numbers in said
    assert found["finding"].split(" by ")[0] in said.replace("@<!-- -->", "@")
    junit = Path("j.xml").read_text()
    assert 'failures="1"' in junit
    assert f"{row['base']['value']:.4f}"[:5] in junit
    assert f"{row['delta']['value']:+.4f}" in junit


def test_neither_run_is_written_into(two, capsys: pytest.CaptureFixture[str]) -> None:
    before = digests("base", "head")
    main(["compare", "head", "base", *HOW])
    main(["compare", "head", "base", *HOW, "--json", "--md", "c.md", "--junit", "j.xml"])
    assert main(["report", "head", "base", *HOW]) == 0
    assert main(["report", "head", "base", *HOW, "--folder"]) == 0
    assert main(["history", "--cell", "*", "--metric", "iou", "--out", "."]) == 0
    assert digests("base", "head") == before
    assert Path("comparison.html").is_file()
    assert Path("comparison/index.html").is_file()


def test_only_a_run_that_was_scored_against_a_baseline_shows_that_as_its_own_finding(
    two, capsys: pytest.CaptureFixture[str]
) -> None:
    sentinels = read_sentinels(Path("sentinels.toml"))
    main(["compare", "head", "base", *HOW])
    assert main(["report", "head", "--out", "."]) == 0
    assert "regressed" not in Path("head/report.html").read_text()
    compared = compare_with(Path("head"), target_of(Path(), "base"), sentinels)
    keep(Path("head"), compared)
    assert main(["report", "head", "--out", "."]) == 0
    assert "1 of 4 sentinels regressed against base" in Path("head/report.html").read_text()
    assert not conclude(Path("head")).failures
    assert Path("head/analysis/regressions.json").is_file()
    assert "-0.1000" in sentence(compared.found[0])


def test_none_of_the_sentinels_compared_is_exit_3_everywhere_and_on_the_page(
    two, capsys: pytest.CaptureFixture[str]
) -> None:
    two("other", MOVED, fingerprint="0" * 12)
    assert main(["compare", "other", "base", *HOW]) == 3
    assert "None of 4 sentinels could be compared with base" in capsys.readouterr().out
    assert main(["report", "other", "base", *HOW]) == 0
    page = Path("comparison.html").read_text()
    assert "None of 4 sentinels could be compared with base" in page
    assert "4 numbers not compared: other data" in page


def test_a_run_whose_samples_are_gone_is_not_compared_and_still_shown(two, capsys: pytest.CaptureFixture[str]) -> None:
    Path("base/samples/c0.parquet").write_bytes(b"cut")
    assert main(["report", "head", "base", *HOW]) == 0
    assert "Not compared with base: " in Path("comparison.html").read_text()
