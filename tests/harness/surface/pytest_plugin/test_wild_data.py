"""A run on files as people have them: what was left out is said in one line, and stands in the manifest."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

ROOT = Path(__file__).resolve().parents[4]


@pytest.fixture
def session(pytester: pytest.Pytester) -> Callable[..., pytest.RunResult]:
    (pytester.path / "benchmarks").mkdir()
    shutil.copy(ROOT / "benchmarks" / "test_spatial.py", pytester.path / "benchmarks")
    pytester.makeini("[pytest]\nmarkers = suite(name): the suite\naddopts = --import-mode=importlib")
    asked = ["--candidate", "constant@patch/identity/single/linear", "-q", "-p", "no:cacheprovider"]
    return lambda *more: pytester.runpytest_inprocess("benchmarks", *asked, *more)


def write_set(folder: Path) -> Path:
    """24 pictures with a box each; one box is of height 0, one picture has another as its copy, one has a crowd."""
    (folder / "images").mkdir(parents=True)
    images, annotations = [], []
    for id in range(1, 25):
        pixels = np.random.default_rng(id).integers(0, 255, (36, 48, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / "images" / f"{id}.png")
        images.append({"id": id, "file_name": f"{id}.png", "width": 48, "height": 36})
        annotations.append({"id": id, "image_id": id, "category_id": 1, "bbox": [4, 5, 20, 0 if id == 4 else 16]})
    shutil.copy(folder / "images" / "7.png", folder / "images" / "8.png")
    annotations.append({"id": 99, "image_id": 2, "category_id": 1, "bbox": [24, 0, 24, 36], "iscrowd": "1"})
    content = {"images": images, "annotations": annotations, "categories": [{"id": 1, "name": "thing"}]}
    (folder / "annotations.json").write_text(json.dumps(content))
    return folder


@pytest.mark.usefixtures("few_pictures")
def test_what_a_set_left_out_is_one_line_of_the_run_and_stands_in_its_manifest(
    session: Callable[..., pytest.RunResult], pytester: pytest.Pytester
) -> None:
    result = session("--dataset", f"coco:{write_set(pytester.path / 'set')}")
    assert result.ret == 0
    said = [line for line in result.stdout.lines if line.startswith("coco: left out")]
    assert said == [
        "coco: left out 1 object whose box has no area, 1 picture without an object; "
        "1 picture listed twice or equal to another, in one split with it"
    ]
    manifest = json.loads((pytester.path / "runs" / "latest" / "run.json").read_text())
    for entry in manifest["datasets"]:
        assert entry["left_out"]["objects whose box has no area"] == 1
        assert len(entry["remarks"]) == 1


@pytest.mark.usefixtures("few_pictures")
def test_a_path_behind_a_set_that_brings_its_own_samples_is_one_line_and_a_usage_error(
    session: Callable[..., pytest.RunResult], pytester: pytest.Pytester
) -> None:
    result = session("--dataset", f"photos:{pytester.path}")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    (said,) = [line for line in result.errlines if line.startswith("ERROR")]
    assert "photos brings its own samples and reads no path; pictures of your own are folder:" in said


@pytest.mark.usefixtures("few_pictures")
def test_the_marker_of_the_benchmarks_is_known_where_no_configuration_names_it(
    session: Callable[..., pytest.RunResult], pytester: pytest.Pytester
) -> None:
    pytester.makeini("[pytest]\naddopts = --import-mode=importlib --strict-markers")
    assert session("--dataset", "shapes", "--collect-only").ret == 0
