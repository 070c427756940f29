"""What exporters write into COCO files: every spelling of one set gives the same samples."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from foresight_harness.contracts.errors import DataError
from foresight_harness.contracts.specs import DataRequest
from foresight_harness.parts.datasets.coco import CocoFolder
from foresight_harness.protocols import Sample

Content = dict[str, Any]
Export = Callable[..., Path]


def both(path: Path) -> list[CocoFolder]:
    return [CocoFolder.open(DataRequest(split, path=str(path), canvas_px=32)) for split in ("train", "test")]


def samples(path: Path) -> dict[str, Sample]:
    return {sample.id: sample for dataset in both(path) for sample in (dataset[n] for n in range(len(dataset)))}


def each(part: str, **fields: Any) -> Callable[[Content], None]:
    """Set fields of every entry; a function is given the old value."""

    def change(content: Content) -> None:
        for entry in content[part]:
            for name, value in fields.items():
                entry[name] = value(entry.get(name)) if callable(value) else value

    return change


def without(part: str, *names: str) -> Callable[[Content], None]:
    def change(content: Content) -> None:
        for entry in content[part]:
            for name in names:
                del entry[name]

    return change


def as_text(value: Any) -> str:
    return str(value)


def annotations_first(content: Content) -> None:
    for key in ("images", "categories"):
        content[key] = content.pop(key)


def as_runs(content: Content) -> None:
    for entry in content["annotations"]:
        x, y, w, h = entry["bbox"]
        mask = np.zeros((36, 48), dtype=int)
        mask[y : y + h, x : x + w] = 1
        edges = np.flatnonzero(np.diff([0, *mask.T.ravel()]))
        counts = np.diff([0, *(edges), mask.size]).tolist()
        entry["segmentation"] = {"size": [36.0, 48.0], "counts": counts}


def as_codes(content: Content) -> None:
    from pycocotools import mask as coco_mask

    as_runs(content)
    for entry in content["annotations"]:
        runs = {"size": [36, 48], "counts": entry["segmentation"]["counts"]}
        entry["segmentation"] = {
            "size": [36, 48],
            "counts": coco_mask.frPyObjects(runs, 36, 48)["counts"].decode(),
        }


def both_of(*changes: Callable[[Content], object]) -> Callable[[Content], None]:
    def change(content: Content) -> None:
        for one in changes:
            one(content)

    return change


HARMLESS: dict[str, Callable[[Content], object]] = {
    "sizes 48.0": each("images", width=float, height=float),
    "sizes '48'": each("images", width=as_text, height=as_text),
    "sizes '48.0'": each("images", width=lambda side: f"{side}.0", height=lambda side: f"{side}.0"),
    "no sizes": without("images", "width", "height"),
    "sizes null": each("images", width=None, height=None),
    "sizes 0": each("images", width=0, height=0),
    "boxes of floats": each("annotations", bbox=lambda box: [float(side) for side in box]),
    "boxes of text": each("annotations", bbox=lambda box: [str(side) for side in box]),
    "no boxes": without("annotations", "bbox"),
    "boxes null": each("annotations", bbox=None),
    "boxes [] with polygons": each("annotations", bbox=[]),
    "runs": as_runs,
    "codes": as_codes,
    "runs without boxes": both_of(as_runs, without("annotations", "bbox")),
    "codes without boxes": both_of(as_codes, without("annotations", "bbox")),
    "one polygon not in a list": each("annotations", segmentation=lambda polygons: polygons[0]),
    "polygons of pairs": each("annotations", segmentation=lambda polygons: [np.reshape(polygons[0], (-1, 2)).tolist()]),
    "a polygon of two points beside a good one": each("annotations", segmentation=lambda old: [*old, [1, 1, 4, 4]]),
    "ids 1.0": both_of(each("images", id=float), each("annotations", image_id=float)),
    "ids of images '1'": both_of(each("images", id=as_text)),
    "ids of annotations' images '1'": each("annotations", image_id=as_text),
    "categories 3.0": each("annotations", category_id=float),
    "categories '3'": each("annotations", category_id=as_text),
    "annotations before images": annotations_first,
    "names with Windows folders": each("images", file_name=lambda name: f"images\\{name}"),
    "names with a Windows drive": each("images", file_name=lambda name: f"C:\\Users\\me\\set\\images\\{name}"),
    "names with a folder": each("images", file_name=lambda name: f"images/{name}"),
    "names with ./": each("images", file_name=lambda name: f"./{name}"),
    "names with other folders": each("images", file_name=lambda name: f"../upload/1/{name}"),
    "absolute names": each("images", file_name=lambda name: f"/home/me/set/images/{name}"),
    "addresses": each("images", file_name=lambda name: f"https://example.org/a/{name}?x=1"),
    "names in capitals": each("images", file_name=str.upper),
} | {
    f"iscrowd {value!r}": each("annotations", iscrowd=value)
    for value in (0, 0.0, False, None, "0", "false", "False", "", "no", "0.0")
}
HARMLESS["iscrowd absent"] = without("annotations", "iscrowd")


def test_the_list_of_spellings_is_long() -> None:
    assert len(HARMLESS) >= 40


@pytest.mark.parametrize("change", HARMLESS.values(), ids=HARMLESS.keys())
def test_a_spelling_changes_no_sample(change: Callable[[Content], object], coco_export: Export) -> None:
    expected = samples(coco_export())
    found = samples(coco_export(change))
    assert found.keys() == expected.keys()
    assert len(found) == 12
    for id, sample in found.items():
        torch.testing.assert_close(sample.boxes, expected[id].boxes)
        assert torch.equal(sample.clip, expected[id].clip)
        assert sample.masks is not None
        assert expected[id].masks is not None
        assert torch.equal(sample.masks, expected[id].masks)
        assert sample.labels == ("thing",)
        assert sample.crowds is None


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_files_in_any_encoding_of_unicode_are_read(encoding: str, coco_export: Export) -> None:
    root = coco_export()
    text = (root / "annotations.json").read_text().replace("thing", "Ding ß 物")
    (root / "annotations.json").write_text(text, encoding=encoding)
    assert {sample.labels for sample in samples(root).values()} == {("Ding ß 物",)}


def test_a_file_in_another_encoding_is_refused_in_one_line(coco_export: Export) -> None:
    root = coco_export()
    text = (root / "annotations.json").read_text().replace("thing", "Größe")
    (root / "annotations.json").write_text(text, encoding="latin-1")
    with pytest.raises(DataError, match="not written in utf-8; save it as UTF-8"):
        both(root)


CROWDS = [1, 1.0, True, "1", "true", "True", "1.0", "yes"]


@pytest.mark.parametrize("value", CROWDS, ids=repr)
def test_a_crowd_in_any_spelling_is_a_region_and_no_object(value: Any, coco_export: Export) -> None:
    def add(content: Content) -> None:
        content["annotations"].append(
            {"id": 99, "image_id": 1, "category_id": 3, "bbox": [0, 0, 24, 36], "iscrowd": value}
        )

    sample = samples(coco_export(add))["1"]
    assert sample.boxes.shape == (1, 1, 4)
    assert sample.crowds is not None
    assert sample.crowds.tolist() == [[[0, 0, 0.5, 1]]]
    assert sample.crowd_labels == ("thing",)


def test_a_crowd_moves_the_fingerprint_of_its_split_only(coco_export: Export) -> None:
    plain = [dataset.fingerprint for dataset in both(coco_export())]
    box = {"id": 99, "image_id": 1, "category_id": 3, "bbox": [0, 0, 24, 36], "iscrowd": 1}
    crowded = [dataset.fingerprint for dataset in both(coco_export(lambda content: content["annotations"].append(box)))]
    assert [one == two for one, two in zip(plain, crowded, strict=True)].count(True) == 1


def first(**fields: Any) -> Callable[[Content], None]:
    return lambda content: content["annotations"][0].update(fields)


DEGENERATE: dict[str, tuple[Callable[[Content], None], str]] = {
    "height 0": (first(bbox=[29.65, 30.33, 1.03, 0.0]), "objects whose box has no area"),
    "width 0": (first(bbox=[3, 3, 0, 9]), "objects whose box has no area"),
    "negative sides": (first(bbox=[30, 30, -9, -9]), "objects whose box has no area"),
    "only outside by rounding": (first(bbox=[48, 3, 0.5, 9], segmentation=[]), "objects whose box has no area"),
    "box [] and no polygon": (first(bbox=[], segmentation=[]), "objects with neither box nor segmentation"),
    "box null and no polygon": (first(bbox=None, segmentation=None), "objects with neither box nor segmentation"),
    "two points": (first(segmentation=[[1, 2, 3, 4]]), "objects without a polygon of three points"),
    "an odd number": (first(segmentation=[[1, 2, 3, 4, 5]]), "objects without a polygon of three points"),
    "an empty polygon": (first(segmentation=[[]]), "objects without a polygon of three points"),
    "empty runs": (first(segmentation={"size": [36, 48], "counts": [1728]}), "objects whose mask covers nothing"),
    "no runs": (first(segmentation={"size": [36, 48], "counts": []}), "objects whose mask covers nothing"),
    "an empty code": (first(segmentation={"size": [36, 48], "counts": "Pf1"}), "objects whose mask covers nothing"),
    "no code": (first(segmentation={"size": [36, 48], "counts": ""}), "objects whose mask covers nothing"),
}


@pytest.mark.parametrize(("change", "what"), DEGENERATE.values(), ids=DEGENERATE.keys())
def test_an_object_that_covers_nothing_is_left_out_and_counted(
    change: Callable[[Content], None], what: str, coco_export: Export
) -> None:
    root = coco_export(change)
    assert len(samples(root)) == 11
    for dataset in both(root):
        assert dataset.left_out == {what: 1, "pictures without an object": 1}


def test_where_nothing_is_left_the_reasons_are_said(coco_export: Export) -> None:
    root = coco_export(each("annotations", bbox=lambda box: [*box[:3], 0]))
    with pytest.raises(DataError, match=r"none of 12 pictures shows.*left out: 12 objects whose box has no area"):
        both(root)


def test_a_polygon_between_pixel_centres_keeps_its_object(coco_export: Export) -> None:
    tiny = [[10.1, 10.1, 10.3, 10.1, 10.3, 10.3, 10.1, 10.3]]
    sample = samples(coco_export(first(bbox=[10.1, 10.1, 0.2, 0.2], segmentation=tiny)))["1"]
    assert sample.masks is not None
    assert int(sample.masks.sum()) >= 1


def test_a_name_of_two_files_is_refused_with_both(coco_export: Export) -> None:
    root = coco_export(lambda content: content["images"][0].update(file_name="old\\001.png"))
    (root / "images" / "more").mkdir()
    (root / "images" / "001.png").rename(root / "images" / "more" / "001.png")
    (root / "images" / "again").mkdir()
    (root / "images" / "again" / "001.png").write_bytes(b"")
    with pytest.raises(DataError, match=r"2 files are called so \(.*again/001\.png and .*more/001\.png\)"):
        both(root)


def test_a_picture_under_another_suffix_is_named(coco_export: Export) -> None:
    root = coco_export(lambda content: content["images"][0].update(file_name="001.jpg"))
    with pytest.raises(
        DataError, match=r"001\.jpg does not exist; it is image 1 of .*, and .*images/001\.png lies there"
    ):
        both(root)


def test_a_category_without_a_name_is_called_by_its_id(coco_export: Export) -> None:
    root = coco_export(lambda content: content["categories"][0].pop("name"))
    assert {sample.labels for sample in samples(root).values()} == {("3",)}


def test_a_large_file_is_read_piece_by_piece(coco_export: Export, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = samples(coco_export())
    monkeypatch.setattr("foresight_harness.parts.datasets.json_items.CHUNK_BYTES", 7)
    found = samples(coco_export(lambda content: json.dumps(content)))
    assert all(torch.equal(found[id].boxes, sample.boxes) for id, sample in expected.items())
