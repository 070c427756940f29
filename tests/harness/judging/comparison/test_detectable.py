"""What a comparison could have seen, beside what it saw."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from foresight_harness.contracts.errors import UsageError
from foresight_harness.judging.comparison.comparing import compare
from foresight_harness.judging.comparison.detectable import blind, reach
from foresight_harness.judging.comparison.sentinels import read_sentinels
from foresight_harness.running.run_folder.run_data import RunData
from foresight_harness.surface.command import main

NOISE = 0.05


def sides(run_with) -> tuple[RunData, RunData]:
    """Two reruns whose pictures differ by noise: their difference has a standard error of 0.05 over 10."""
    return RunData.load(run_with("base", noise=NOISE, seed=1)), RunData.load(run_with("head", noise=NOISE, seed=2))


def test_reach_is_the_standard_error_times_what_holm_and_the_power_take(run_with, sentinels) -> None:
    """By hand: two tests, so 2.241 (p of 0.025, two-sided) and 0.842 (80 %) standard errors of about 0.005."""
    found = [one for one in compare(*sides(run_with), sentinels) if one.sentinel]
    assert {one.tests for one in found} == {2}
    for one in found:
        assert one.detectable == pytest.approx((2.241 + 0.842) * 0.005, rel=0.15)
    (said,) = reach(found)
    worst = max(one.detectable for one in found)
    assert said == (f"Found in four of five cases: a difference of iou from {worst:.2g} on (200 pictures; 2 tested).")


def test_identical_reruns_have_no_reach_to_tell(run_with, sentinels) -> None:
    found = compare(RunData.load(run_with("base")), RunData.load(run_with("head")), sentinels)
    assert reach(found) == []
    assert blind(found, replace(sentinels, must_find={"iou": 0.001})) == []


def test_a_sentinel_that_cannot_find_what_it_must_is_named_with_the_pictures_it_takes(run_with, sentinels) -> None:
    found = compare(*sides(run_with), replace(sentinels, must_find={"iou": 0.005}))
    said = blind(found, replace(sentinels, must_find={"iou": 0.005}))
    assert len(said) == 2, "the other two candidates are no sentinels"
    needed = int(re.findall(r"it takes about (\d+) pictures", said[0])[0])
    assert needed == pytest.approx(200 * (found[0].detectable / 0.005) ** 2, rel=0.01)
    assert blind(found, replace(sentinels, must_find={"iou": 0.05})) == []
    assert blind(found, sentinels) == []


def test_what_was_found_was_seen_whatever_the_pictures(run_with, sentinels) -> None:
    moved = RunData.load(run_with("head", noise=NOISE, seed=2, moved={0: -0.1}))
    strict = replace(sentinels, must_find={"iou": 0.005})
    found = compare(RunData.load(run_with("base", noise=NOISE, seed=1)), moved, strict)
    assert [line.split()[2][:9] for line in blind(found, strict)] == ["encoder_1"]


def test_every_output_says_what_could_not_be_seen(run_with, tmp_path: Path, capsys, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    sides(run_with)
    Path("s.toml").write_text('[[sentinel]]\nmetric = "iou"\ncandidate = "encoder_0@*"\n[must_find]\niou = 0.005\n')
    asked = ["compare", "head", "base", "--out", str(tmp_path), "--sentinels", "s.toml"]
    assert main([*asked, "--github", "--md", "c.md"]) == 0
    printed = " ".join(capsys.readouterr().out.split())
    expected = "a difference of 0.005 must be found, and 200 pictures find 0.0"
    assert "Found in four of five cases: a difference of iou from 0.0" in printed
    assert printed.count(expected) == 2, "once as text, once as an annotation"
    assert "::warning title=too few pictures::iou of encoder_0" in printed
    assert "must be found" in Path("c.md").read_text()
    assert main([*asked, "--json"]) == 0
    content = json.loads(capsys.readouterr().out)
    assert any(expected in caveat for caveat in content["caveats"])
    assert all(isinstance(row["detectable"], float) for row in content["rows"])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[must_find]\niou = -1", "must_find of iou is -1; it must be a number of 0 or more"),
        ("[tolerances]\niou = 0.02", "unknown table 'tolerances'; use sentinel, tolerance, must_find, any_machine"),
        ("must_find = 3", "must_find is 3; write a [must_find] table"),
        (
            "[tolerance]\niou = 0.02\n[must_find]\niou = 0.01",
            "must_find of iou is 0.01, and up to its tolerance of 0.02",
        ),
    ],
)
def test_a_bad_table_is_one_line(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "s.toml"
    tables = '[[sentinel]]\nmetric = "iou"\n'
    path.write_text(text + "\n" + tables if text.startswith("must") else tables + text)
    with pytest.raises(UsageError, match=re.escape(said)):
        read_sentinels(path)
