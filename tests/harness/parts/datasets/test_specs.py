"""The built-in data sets as a plugin's reader sees them."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from foresight_harness.contracts.errors import DataError
from foresight_harness.contracts.specs import DataRequest, DatasetSpec
from foresight_harness.parts.datasets.specs import dataset_specs
from foresight_harness.protocols import Dataset

GENERATED = [spec for spec in dataset_specs() if not spec.needs_path]


def test_the_built_in_sets_are_offered_once_each() -> None:
    pictures = ["coco", "coins", "digits", "photos", "shapes", "one_shape"]
    kinds = ["kinds", "kinds_1", "kinds_2", "kinds_3", "kinds_5", "kinds_all"]
    clips = [
        "davis",
        "video",
        "moving_digits",
        "moving_shapes",
        "moving_shapes_17",
        "moving_kinds",
        "bouncing_balls",
        "debug_clips",
    ]
    assert [spec.name for spec in dataset_specs()] == [*pictures, "folder", "hf", *kinds, *clips]


def test_asking_for_specs_imports_neither_torch_nor_numpy() -> None:
    code = (
        "import sys; from foresight_harness.parts.datasets.specs import dataset_specs; dataset_specs();"
        "print([name for name in ('torch', 'numpy', 'PIL', 'skimage', 'sklearn') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("spec", GENERATED, ids=lambda spec: spec.name)
def test_a_generated_set_is_a_dataset_with_what_its_spec_promises(spec: DatasetSpec) -> None:
    dataset = spec.build(DataRequest("test", count=3, canvas_px=64))
    assert isinstance(dataset, Dataset)
    assert (dataset.name, dataset.split, len(dataset)) == (spec.name, "test", 3)
    for sample in (dataset[index] for index in range(3)):
        frames = 17 if spec.name.endswith("_17") else 9 if spec.video else 1
        assert sample.clip.shape == (frames, 3, 64, 64)
        assert bool(sample.motion) == ("motion" in spec.labels)
        assert 0 <= float(sample.clip.min()) <= float(sample.clip.max()) <= 1
        assert (sample.boxes.shape[1] > 0) == ("boxes" in spec.labels)
        assert (sample.masks is not None) == ("masks" in spec.labels)


@pytest.mark.parametrize("spec", GENERATED, ids=lambda spec: spec.name)
@pytest.mark.parametrize("change", [{"seed": 1}, {"count": 4}, {"canvas_px": 48}, {"split": "train"}])
def test_the_fingerprint_moves_with_everything_that_decides_the_samples(
    spec: DatasetSpec, change: dict[str, Any]
) -> None:
    asked: dict[str, Any] = {"split": "test", "count": 3, "canvas_px": 64, "seed": 0}
    first = spec.build(DataRequest(**asked)).fingerprint
    assert spec.build(DataRequest(**asked)).fingerprint == first
    assert spec.build(DataRequest(**{**asked, **change})).fingerprint != first


@pytest.mark.parametrize("spec", GENERATED, ids=lambda spec: spec.name)
def test_a_generated_set_without_a_count_is_refused(spec: DatasetSpec) -> None:
    with pytest.raises(DataError, match=f"{spec.name} is generated and has no end"):
        spec.build(DataRequest("test"))


@pytest.mark.parametrize("spec", GENERATED, ids=lambda spec: spec.name)
def test_an_empty_set_and_a_tiny_canvas_are_refused(spec: DatasetSpec) -> None:
    with pytest.raises(DataError, match="count 0 asked, the least is 1"):
        spec.build(DataRequest("test", count=0))
    with pytest.raises(DataError, match="canvas_px 8 asked"):
        spec.build(DataRequest("test", count=1, canvas_px=8))


@pytest.mark.parametrize("spec", GENERATED, ids=lambda spec: spec.name)
def test_iterating_over_a_generated_set_ends(spec: DatasetSpec) -> None:
    dataset = spec.build(DataRequest("train", count=2, canvas_px=32))
    assert len(list(dataset)) == 2  # type: ignore[call-overload]
    with pytest.raises(IndexError):
        dataset[-1]
