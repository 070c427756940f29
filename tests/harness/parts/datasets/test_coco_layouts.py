"""Where people's COCO files and pictures lie."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from foresight_harness.contracts.errors import DataError
from foresight_harness.contracts.specs import DataRequest
from foresight_harness.parts.datasets.coco import CocoFolder
from foresight_harness.parts.datasets.coco_layouts import find_coco

Writer = Callable[..., Path]


def sizes(path: Path) -> tuple[int, int]:
    train, test = (
        len(CocoFolder.open(DataRequest(split, path=str(path), canvas_px=32))) for split in ("train", "test")
    )
    return train, test


ONE_FILE = {
    "ours": ("images", "annotations.json"),
    "pictures beside": (".", "annotations.json"),
    "roboflow": (".", "_annotations.coco.json"),
    "official": ("val2017", "annotations/instances_val2017.json"),
    "official beside": ("train2017", "instances_train2017.json"),
    "official in images": ("images/train2017", "annotations/instances_train2017.json"),
    "cvat": ("images", "annotations/instances_default.json"),
    "cvat by subset": ("images/default", "annotations/instances_default.json"),
    "label studio": ("images", "result.json"),
    "fiftyone": ("data", "labels.json"),
    "any name": ("images", "my_export.json"),
    "any name in annotations": ("images", "annotations/export_3.json"),
    "roboflow, one split": ("train", "train/_annotations.coco.json"),
    "one split of ours": ("test/images", "test/annotations.json"),
}
TWO_FILES = {
    "official": [
        ("train2017", "annotations/instances_train2017.json"),
        ("val2017", "annotations/instances_val2017.json"),
    ],
    "official beside": [("train2014", "instances_train2014.json"), ("val2014", "instances_val2014.json")],
    "roboflow": [("train", "train/_annotations.coco.json"), ("valid", "valid/_annotations.coco.json")],
    "fiftyone": [("train/data", "train/labels.json"), ("validation/data", "validation/labels.json")],
    "ours by split": [("train/images", "train/annotations.json"), ("test/images", "test/annotations.json")],
    "plain names": [("train", "annotations/train.json"), ("val", "annotations/val.json")],
    "cvat": [
        ("images/Train", "annotations/instances_Train.json"),
        ("images/Validation", "annotations/instances_Validation.json"),
    ],
}


def test_as_many_layouts_are_tried_as_the_page_says() -> None:
    assert len(ONE_FILE) + len(TWO_FILES) >= 21


@pytest.mark.parametrize(("pictures", "file"), ONE_FILE.values(), ids=ONE_FILE.keys())
def test_a_layout_of_one_file_is_found_and_halved(pictures: str, file: str, tmp_path: Path, coco_parts: Writer) -> None:
    root = coco_parts(tmp_path, [(pictures, file, 1)])
    train, test = sizes(root)
    assert train + test == 12
    assert min(train, test) > 0


@pytest.mark.parametrize(("pictures", "file"), ONE_FILE.values(), ids=ONE_FILE.keys())
def test_the_files_own_path_gives_the_same_samples(
    pictures: str, file: str, tmp_path: Path, coco_parts: Writer
) -> None:
    root = coco_parts(tmp_path, [(pictures, file, 1)])
    by_folder, by_file = (
        CocoFolder.open(DataRequest("train", path=str(path), canvas_px=32)) for path in (root, root / file)
    )
    assert by_folder.fingerprint == by_file.fingerprint


@pytest.mark.parametrize("parts", TWO_FILES.values(), ids=TWO_FILES.keys())
@pytest.mark.parametrize("firsts", [(1, 101), (1, 1)], ids=["ids apart", "ids alike"])
def test_a_layout_of_two_files_keeps_its_splits(
    parts: list[tuple[str, str]], firsts: tuple[int, int], tmp_path: Path, coco_parts: Writer
) -> None:
    root = coco_parts(tmp_path, [(*part, first) for part, first in zip(parts, firsts, strict=True)])
    train, test = (CocoFolder.open(DataRequest(split, path=str(root), canvas_px=32)) for split in ("train", "test"))
    assert len(test) == 12
    assert len(train) == 12
    assert not {train[n].group for n in range(12)} & {test[n].group for n in range(12)}


def test_equal_pictures_in_both_files_are_refused_where_none_are_left(tmp_path: Path, coco_parts: Writer) -> None:
    folders = [(name, f"{name}/_annotations.coco.json", 1) for name in ("train", "valid")]
    root = coco_parts(tmp_path, folders, equal=True)
    with pytest.raises(DataError, match="all 12 pictures of train hold the same bytes as pictures of test"):
        CocoFolder.open(DataRequest("train", path=str(root), canvas_px=32))


def test_valid_and_test_are_both_scored(tmp_path: Path, coco_parts: Writer) -> None:
    folders = [
        (name, f"{name}/_annotations.coco.json", first) for name, first in (("train", 1), ("valid", 21), ("test", 41))
    ]
    assert sizes(coco_parts(tmp_path, folders)) == (12, 24)


def test_other_tasks_of_coco_are_passed_over(tmp_path: Path, coco_parts: Writer) -> None:
    root = coco_parts(tmp_path, [("val2017", "annotations/instances_val2017.json", 1)])
    for name in ("captions_val2017.json", "person_keypoints_val2017.json", "panoptic_val2017.json"):
        (root / "annotations" / name).write_text("{}")
    assert sum(sizes(root)) == 12


def test_a_file_of_annotations_without_its_pictures_is_passed_over_for_one_that_has_them(
    tmp_path: Path, coco_parts: Writer
) -> None:
    root = coco_parts(tmp_path, [("val2017", "annotations/instances_val2017.json", 1)])
    (root / "annotations" / "instances_train2017.json").write_text("{}")
    assert sum(sizes(root)) == 12


def test_hidden_files_of_macos_are_no_annotations(tmp_path: Path, coco_parts: Writer) -> None:
    root = coco_parts(tmp_path, [("images", "export.json", 1)])
    (root / "._export.json").write_bytes(b"\0\5\x16\7")
    assert sum(sizes(root)) == 12


def test_several_files_are_named_where_none_can_be_chosen(tmp_path: Path, coco_parts: Writer) -> None:
    root = coco_parts(tmp_path, [("images", "one.json", 1), ("images", "two.json", 1)])
    with pytest.raises(
        DataError, match=r"annotations\.json does not exist.*there are one\.json, two\.json: give one as"
    ):
        find_coco(root)
    assert sum(sizes(root / "two.json")) == 12


@pytest.mark.parametrize("prefix", ["images/", "images\\", "./images/", "train2017/", "data\\upload\\7\\"])
def test_names_with_folders_in_front_are_found_in_every_layout(prefix: str, tmp_path: Path, coco_parts: Writer) -> None:
    for name, (pictures, file) in ONE_FILE.items():
        assert sum(sizes(coco_parts(tmp_path / name.replace(" ", "_"), [(pictures, file, 1)], prefix))) == 12, name


def test_the_same_classes_of_two_files_carry_one_name(tmp_path: Path, coco_parts: Writer) -> None:
    root = coco_parts(
        tmp_path, [("train", "train/_annotations.coco.json", 1), ("valid", "valid/_annotations.coco.json", 101)]
    )
    content: dict[str, Any] = json.loads((root / "valid" / "_annotations.coco.json").read_text())
    content["categories"] = [{"id": 0, "name": "none"}, {"id": 3, "name": "other"}]
    (root / "valid" / "_annotations.coco.json").write_text(json.dumps(content))
    train, test = (CocoFolder.open(DataRequest(split, path=str(root), canvas_px=32)) for split in ("train", "test"))
    assert (train[0].labels, test[0].labels) == (("thing",), ("other",))


def test_pictures_under_two_ids_stand_in_one_split_and_are_one_group(coco_export: Writer) -> None:
    def twice(content: dict[str, Any]) -> None:
        content["images"] += [{**entry, "id": 1000 + entry["id"]} for entry in content["images"]]
        content["annotations"] += [
            {**entry, "id": 1000 + entry["id"], "image_id": 1000 + entry["image_id"]}
            for entry in content["annotations"]
        ]

    root = coco_export(twice)
    sets = [CocoFolder.open(DataRequest(split, path=str(root), canvas_px=32)) for split in ("train", "test")]
    groups = [{dataset[n].group for n in range(len(dataset))} for dataset in sets]
    assert sum(map(len, sets)) == 24
    assert sum(map(len, groups)) == 12
    assert not groups[0] & groups[1]
    assert sets[0].remarks == ("12 pictures listed twice or equal to another, in one split with it",)


def test_copies_of_a_picture_under_other_names_are_one_group(coco_export: Writer) -> None:
    root = coco_export()
    for number in range(2, 13):
        (root / "images" / f"{number:03d}.png").write_bytes((root / "images" / "001.png").read_bytes())
    train, test = (CocoFolder.open(DataRequest(split, path=str(root), canvas_px=32)) for split in ("train", "train"))
    assert len(train) == len(test) == 12
    assert {train[n].group for n in range(12)} == {"1"}


def test_pictures_that_a_file_puts_into_both_splits_are_left_out_of_train(coco_export: Writer) -> None:
    def split(content: dict[str, Any]) -> None:
        for number, entry in enumerate(content["images"]):
            entry["split"] = "train" if number % 2 else "test"
        content["images"][1]["file_name"] = content["images"][0]["file_name"]

    root = coco_export(split)
    train, test = (CocoFolder.open(DataRequest(split, path=str(root), canvas_px=32)) for split in ("train", "test"))
    assert (len(train), len(test)) == (5, 6)
    assert train.left_out == {"pictures of train that stand in test too": 1}
