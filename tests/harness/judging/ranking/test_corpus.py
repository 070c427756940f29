"""A metric of the whole corpus on a board: average precision, judged by re-weighting pictures."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from foresight_harness.judging.analyses.rankings import analyse
from foresight_harness.judging.ranking.head_to_head import head_to_head
from foresight_harness.judging.ranking.judged import Judged, judge
from foresight_harness.judging.ranking.saying import finding
from foresight_harness.running.run_folder.run_data import RunData
from foresight_harness.running.run_folder.samples import write_samples
from foresight_harness.surface.command import main

REST = "/identity/single/linear"
A, B, C = (f"enc_{name}@x{REST}" for name in "abc")
PICTURES = 40


def matches(random: np.random.Generator, hit: float) -> list[str]:
    """One object and two detections a picture, the first of which hits it with that chance."""
    found = []
    for _ in range(PICTURES):
        scores = sorted(random.random(2).tolist(), reverse=True)
        entry = {"scores": scores, "hits": [bool(random.random() < hit), False], "objects": 1}
        found.append(json.dumps(entry))
    return found


@pytest.fixture
def run(write_run, record) -> Path:
    """Two candidates that hit nine of ten, one that hits one of ten."""
    records, stats = [], {}
    for place, (name, hit) in enumerate(((A, 0.9), (B, 0.9), (C, 0.1))):
        fields = {"cell": f"c{place}", "candidate": name, "metric": "map50", "per_sample": "stats", "n": PICTURES}
        records.append(record(**fields, resamples=500, value=hit * 0.9))
        stats[f"c{place}"] = matches(np.random.default_rng(place), hit)
    path = write_run(records)
    for cell, entries in stats.items():
        rows = [
            {"metric": "map50", "dataset": "shapes", "split": "test", "probe": None, "seed": 0, "sample": f"s{index}"}
            | {"group": f"s{index}", "value": None, "stat": entry}
            for index, entry in enumerate(entries)
        ]
        write_samples(path / "samples" / f"{cell}.parquet", rows, {"run": "written", "cell": cell})
    return path


@pytest.fixture
def found(run: Path) -> Judged:
    data = RunData.load(run)
    return judge(data, data.records)


def test_candidates_are_told_apart_by_their_average_precision(found: Judged) -> None:
    assert {record.candidate for record in found.best} == {A, B}
    assert [found.letters(record) for record in found.ordered] == ["a", "a", "b"]
    assert found.board is not None
    assert found.board.method.startswith("joint re-weighting of pictures")


def test_what_few_pictures_add_is_taken_off_and_said(found: Judged) -> None:
    assert "so few pictures account for" in finding(found)


def test_no_picture_is_won_or_lost_where_pictures_have_no_value(found: Judged) -> None:
    met = head_to_head(found, found.records[0], found.records[2])
    assert met is not None
    assert (met.verdict, met.won, met.worst) == ("better", None, ())
    assert "pictures won" not in met.sentence


def test_rank_takes_it(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rank", str(run), "--metric", "map50"]) == 0
    assert "2 of 3 candidates can be the best" in " ".join(capsys.readouterr().out.split())


def test_a_run_says_that_such_metrics_read_high_on_few_pictures(write_run, record) -> None:
    records = [record(cell=f"c{place}", candidate=name) for place, name in enumerate((A, B))]
    samples = {f"c{place}": {"iou": {0: [0.1, 0.2, 0.3, 0.2 + place / 10]}} for place in range(2)}
    other = record(candidate=A, metric="map50", per_sample="stats", n=96)
    found = analyse(RunData.load(write_run([*records, other], samples)))
    assert found is not None
    assert any(caveat.startswith("map50 read high on few pictures (96 here)") for caveat in found.caveats)
