"""``hf:NAME|PATH``: data sets of the ``datasets`` library, from this machine; nothing is fetched."""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from foresight_harness.contracts.errors import DataError
from foresight_harness.contracts.specs import DataRequest
from foresight_harness.parts.datasets.hub import HubSet
from foresight_harness.parts.datasets.hub_columns import labels_at
from PIL import Image

needs_library = pytest.mark.skipif(
    find_spec("datasets") is None,
    reason="the extra [hf] is not installed (pip install 'foresight-harness[hf]')",
)
SIZE = (40, 30)


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    try:
        import datasets
    except ImportError:
        return
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")


def picture(seed: int) -> Image.Image:
    return Image.fromarray(np.random.default_rng(seed).integers(0, 255, (*SIZE[::-1], 3), dtype=np.uint8))


def imagefolder(folder: Path, count: int = 12, **columns: Callable[[int], Any]) -> Path:
    """Pictures with a line of metadata each."""
    folder.mkdir(parents=True)
    lines = []
    for number in range(count):
        picture(number).save(folder / f"{number:03d}.png")
        row = {"file_name": f"{number:03d}.png", **{name: column(number) for name, column in columns.items()}}
        lines.append(json.dumps(row))
    if columns:
        (folder / "metadata.jsonl").write_text("\n".join(lines))
    return folder


def objects(number: int) -> dict[str, Any]:
    return {"bbox": [[2.0, 3.0, 20.0, 15.0]], "category": [number % 3]}


def both(path: Path, **asked: Any) -> list[HubSet]:
    streaming = asked.pop("streaming", None)
    requests = [DataRequest(split, path=str(path), canvas_px=32, **asked) for split in ("train", "test")]
    return [HubSet.open(request, streaming=streaming) for request in requests]


def ids(dataset: HubSet) -> set[str]:
    return {dataset[index].id for index in range(len(dataset))}


@needs_library
@pytest.mark.parametrize("streaming", [False, True])
def test_an_imagefolder_without_objects_is_pictures_alone(streaming: bool, tmp_path: Path) -> None:
    train, test = both(imagefolder(tmp_path / "set"), streaming=streaming)
    assert len(train) + len(test) == 12
    assert min(len(train), len(test)) > 0
    assert test[0].boxes.shape == (1, 0, 4)
    assert test[0].clip.shape == (1, 3, 32, 32)


@needs_library
@pytest.mark.parametrize("streaming", [False, True])
def test_an_imagefolder_with_objects_has_boxes_and_classes(streaming: bool, tmp_path: Path) -> None:
    folder = imagefolder(tmp_path / "set", objects=objects)
    train, test = both(folder, streaming=streaming)
    assert len(train) + len(test) == 12
    assert test[0].boxes[0, 0].tolist() == pytest.approx([0.05, 0.1, 0.55, 0.6])
    assert {label for n in range(len(test)) for label in test[n].labels} <= {"0", "1", "2"}


@needs_library
def test_parquet_with_class_names_is_read(tmp_path: Path) -> None:
    import datasets

    kinds = datasets.ClassLabel(names=["cat", "dog", "owl"])
    boxes = datasets.Sequence(datasets.Sequence(datasets.Value("float32")))
    columns = {"bbox": boxes, "category": datasets.Sequence(kinds)}
    features = datasets.Features({"image_id": datasets.Value("int64"), "image": datasets.Image(), "objects": columns})
    rows = [{"image_id": 100 + n, "image": picture(n), "objects": objects(n)} for n in range(12)]
    (tmp_path / "set").mkdir()
    datasets.Dataset.from_list(rows, features=features).to_parquet(tmp_path / "set" / "train.parquet")
    train, test = both(tmp_path / "set")
    assert ids(train) | ids(test) == {str(100 + n) for n in range(12)}
    assert {label for n in range(len(train)) for label in train[n].labels} <= {"cat", "dog", "owl"}
    assert labels_at(str(tmp_path / "set")) == {"boxes"}


@needs_library
def test_own_splits_are_kept_and_rows_of_one_group_stay_together(tmp_path: Path) -> None:
    imagefolder(tmp_path / "split" / "train")
    imagefolder(tmp_path / "split" / "test", 5)
    assert [len(dataset) for dataset in both(tmp_path / "split")] == [12, 5]
    train, test = both(imagefolder(tmp_path / "grouped", 24, group=lambda number: f"scene {number // 4}"))
    groups = [{dataset[n].group for n in range(len(dataset))} for dataset in (train, test)]
    assert not groups[0] & groups[1]
    assert sum(map(len, groups)) == 6


@needs_library
def test_a_count_is_kept_and_the_fingerprint_follows_rows_and_split(tmp_path: Path) -> None:
    folder = imagefolder(tmp_path / "set", 30)
    assert [len(dataset) for dataset in both(folder, count=4)] == [4, 4]
    assert [len(dataset) for dataset in both(folder, count=4, streaming=True)] == [4, 4]
    first, second = (dataset.fingerprint for dataset in both(folder))
    assert first != second
    assert both(folder)[0].fingerprint == first


@needs_library
def test_rows_without_an_object_and_boxes_without_area_are_left_out_and_counted(tmp_path: Path) -> None:
    def some(number: int) -> dict[str, Any]:
        box = [2.0, 3.0, 20.0, 0.0 if number == 1 else 15.0]
        return {"bbox": [box] if number else [], "category": [0] if number else []}

    folder = imagefolder(tmp_path / "set", objects=some)
    assert sum(len(dataset) for dataset in both(folder)) == 10


@needs_library
@pytest.mark.parametrize(
    ("box", "message"),
    [
        ([0.1, 0.1, 0.5, 0.5], "lie below one pixel"),
        ([20.0, 10.0, 35.0, 25.0], r"outside its 40x30 picture; is it \[x1, y1, x2, y2\]"),
        ([1.0, 2.0, 3.0], "not four numbers"),
    ],
)
def test_boxes_that_are_not_in_pixels_are_refused(box: list[float], message: str, tmp_path: Path) -> None:
    folder = imagefolder(tmp_path / "set", objects=lambda number: {"bbox": [box], "category": [0]})
    with pytest.raises(DataError, match=message):
        both(folder)


@needs_library
def test_what_the_library_cannot_open_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "set").mkdir()
    with pytest.raises(DataError, match=r"hf:.*set cannot be opened") as caught:
        both(tmp_path / "set")
    assert "\n" not in str(caught.value)


def test_without_the_library_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def lacking(name: str) -> Any:
        raise ImportError(name)

    monkeypatch.setattr("foresight_harness.parts.datasets.hub.import_module", lacking)
    with pytest.raises(DataError, match=r"pip install 'foresight-harness\[hf\]'"):
        both(tmp_path)


def test_labels_are_told_by_columns_alone(tmp_path: Path) -> None:
    assert labels_at("owner/name") == {"boxes"}
    assert labels_at(str(imagefolder(tmp_path / "plain"))) == set()
    assert labels_at(str(imagefolder(tmp_path / "words", caption=str))) == set()
    assert labels_at(str(imagefolder(tmp_path / "boxes", objects=objects))) == {"boxes"}
