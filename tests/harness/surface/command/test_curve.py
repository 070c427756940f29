"""``foresight-bench curve`` on runs that were scored for real, and on such as do not belong together."""

from __future__ import annotations

import json
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
from foresight_harness import score
from foresight_harness.surface.command import main

pytestmark = pytest.mark.usefixtures("few_pictures")


@pytest.fixture
def runs(tmp_path: Path) -> list[str]:
    """Pixels on 24 and on 48 training pictures."""
    told = {"suite": "spatial", "dataset": "one_shape", "out": tmp_path / "runs", "feature_cache": tmp_path / "cache"}
    return [str(score("pixels@patch/identity/single/linear", train_size=size, **told).path) for size in (48, 24)]


def test_training_sizes_of_two_runs_are_one_curve_as_table_json_and_figure(
    runs: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    figure = tmp_path / "curve.svg"
    assert main(["curve", *runs, "-o", str(figure)]) == 0
    said = capsys.readouterr().out
    assert "spatial iou on one_shape over training size" in said
    assert re.search(
        r"pixels@patch/identity/single/linear: [+-]0\.\d+ \[.*\] from 24 to 48 samples, paired by sample", said
    )
    first = figure.read_bytes()
    assert ElementTree.fromstring(first).tag.endswith("svg")
    assert main(["curve", *reversed(runs), "-o", str(figure), "--json"]) == 0
    assert figure.read_bytes() == first
    found = json.loads(capsys.readouterr().out)
    pixels = next(curve for curve in found["curves"] if curve["candidate"].startswith("pixels@patch"))
    assert [point["x"] for point in pixels["points"]] == [24, 48]
    assert all(point["low"] < point["value"] < point["high"] for point in pixels["points"])

    assert main(["curve", *runs, "--over", "side"]) == 3
    assert "not one curve over side of the pictures: " in capsys.readouterr().err
    assert main(["curve", *runs, "-o", str(tmp_path / "curve.txt")]) == 2
    assert "has no known format" in capsys.readouterr().err
