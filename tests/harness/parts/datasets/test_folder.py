"""``folder:DIR``: pictures without annotations."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from foresight_harness.contracts.errors import DataError
from foresight_harness.contracts.specs import DataRequest
from foresight_harness.parts.datasets.folder import PictureFolder
from foresight_harness.protocols import Dataset
from PIL import Image


def draw(path: Path, seed: int, size: tuple[int, int] = (40, 30)) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.random.default_rng(seed).integers(0, 255, (*size[::-1], 3), dtype=np.uint8)).save(path)


def opened(folder: Path, split: str = "test", **asked: object) -> PictureFolder:
    return PictureFolder.open(DataRequest(split, path=str(folder), canvas_px=32, **asked))  # type: ignore[arg-type]


def ids(dataset: PictureFolder) -> list[str]:
    return [dataset[index].id for index in range(len(dataset))]


def test_pictures_of_any_size_and_format_are_samples_without_boxes(tmp_path: Path) -> None:
    for number, suffix in enumerate(["jpg", "png", "tif", "gif", "webp", "bmp", "ppm", "avif"] * 2):
        draw(tmp_path / "a" / f"{number}.{suffix}", number, (40 + number, 30))
    train, test = opened(tmp_path, "train"), opened(tmp_path, "test")
    assert isinstance(test, Dataset)
    assert len(train) + len(test) == 16
    assert not set(ids(train)) & set(ids(test))
    sample = test[0]
    assert sample.clip.shape == (1, 3, 32, 32)
    assert sample.boxes.shape == (1, 0, 4)
    assert sample.masks is None


@pytest.mark.parametrize("second", ["test", "val", "valid", "validation"])
def test_folders_of_splits_are_the_splits(second: str, tmp_path: Path) -> None:
    for number in range(4):
        draw(tmp_path / "train" / f"{number}.png", number)
        draw(tmp_path / second / f"{number}.png", 10 + number)
    assert ids(opened(tmp_path, "train")) == [f"train/{number}.png" for number in range(4)]
    assert ids(opened(tmp_path, "test")) == [f"{second}/{number}.png" for number in range(4)]


def test_other_files_are_counted_and_hidden_ones_passed_over(tmp_path: Path) -> None:
    for number in range(8):
        draw(tmp_path / f"{number}.png", number)
        (tmp_path / f"._{number}.png").write_bytes(b"\0")
    (tmp_path / "labels.txt").write_text("x")
    assert opened(tmp_path).left_out == {"files that are no pictures": 1}


def test_equal_pictures_stand_in_one_split(tmp_path: Path) -> None:
    for number in range(12):
        draw(tmp_path / f"{number}.png", number // 2)
    sets = [opened(tmp_path, split) for split in ("train", "test")]
    groups = [{dataset[n].group for n in range(len(dataset))} for dataset in sets]
    assert not groups[0] & groups[1]
    assert sum(map(len, groups)) == 6
    assert opened(tmp_path).remarks == ("6 pictures equal to another, in one split with it",)


def test_a_picture_in_both_folders_is_left_out_of_train(tmp_path: Path) -> None:
    for number in range(4):
        draw(tmp_path / "train" / f"{number}.png", number)
        draw(tmp_path / "test" / f"{number}.png", 3 + number)
    train = opened(tmp_path, "train")
    assert ids(train) == ["train/0.png", "train/1.png", "train/2.png"]
    assert train.left_out == {"pictures of train that stand in test too": 1}


def test_a_count_takes_a_stable_choice_and_the_fingerprint_follows_the_bytes(tmp_path: Path) -> None:
    for number in range(20):
        draw(tmp_path / f"{number}.png", number)
    assert ids(opened(tmp_path, count=5))[:3] == ids(opened(tmp_path, count=3))
    before = opened(tmp_path).fingerprint
    assert opened(tmp_path).fingerprint == before
    draw(tmp_path / opened(tmp_path)[0].id, 99)
    assert opened(tmp_path).fingerprint != before


def test_bad_input_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="nowhere does not exist"):
        opened(tmp_path / "nowhere")
    (tmp_path / "a.txt").write_text("x")
    with pytest.raises(DataError, match="holds no pictures, and 1 other files"):
        opened(tmp_path)
    (tmp_path / "b.jpg").write_bytes(b"")
    for split in ("train", "test"):
        try:
            dataset = opened(tmp_path, split)
        except DataError as error:
            assert "fall into the other split" in str(error)  # noqa: PT017 (one of the two splits is empty)
        else:
            with pytest.raises(DataError, match=r"b\.jpg cannot be read as a picture \(the file is empty"):
                dataset[0]
