"""Boxes that mean something else than COCO's: refused with what they probably are, never scored."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from foresight_harness.contracts.errors import DataError
from foresight_harness.contracts.specs import DataRequest
from foresight_harness.parts.datasets.coco import CocoFolder

Content = dict[str, Any]
Export = Callable[..., Path]
Box = list[float]
SIZE = (48, 36)


def opened(path: Path, split: str = "train") -> CocoFolder:
    return CocoFolder.open(DataRequest(split, path=str(path), canvas_px=32))  # type: ignore[arg-type]


def boxes(change: Callable[[Box], Box], *, every: int = 1, polygons: bool = True) -> Callable[[Content], None]:
    def apply(content: Content) -> None:
        for number, entry in enumerate(content["annotations"]):
            if number % every == 0:
                entry["bbox"] = change(entry["bbox"])
            if not polygons:
                entry["segmentation"] = []

    return apply


def corners(box: Box) -> Box:
    return [box[0], box[1], box[0] + box[2], box[1] + box[3]]


def centred(box: Box) -> Box:
    return [box[0] + box[2] / 2, box[1] + box[3] / 2, box[2], box[3]]


def fractions(box: Box) -> Box:
    return [side / of for side, of in zip(box, SIZE * 2, strict=True)]


MEANT = {
    "x1 y1 x2 y2": (boxes(corners), r"is it \[x1, y1, x2, y2\]\?"),
    "x1 y1 x2 y2 of every third": (boxes(corners, every=3), r"is it \[x1, y1, x2, y2\]\?"),
    "centres": (boxes(centred), r"is it \[x of the centre, y of the centre, width, height\]\?"),
    "rows first": (boxes(lambda box: [box[1], box[0], box[3], box[2]]), r"is it \[y, x, height, width\]\?"),
    "fractions": (boxes(fractions), r"is it fractions of the picture\?|they fractions of the picture\?"),
    "fractions from the centre": (boxes(lambda box: fractions(centred(box))), "fractions of the picture"),
    "hundredths": (
        boxes(
            lambda box: [100 * side for side in fractions(box)][:2] + [100 * side / 3 for side in fractions(box)][2:]
        ),
        "disagrees with its segmentation",
    ),
    "elsewhere": (boxes(lambda box: [0, 0, 3, 3]), r"bbox is \[x, y, width, height\] in pixels"),
}


@pytest.mark.parametrize(("change", "message"), MEANT.values(), ids=MEANT.keys())
def test_boxes_that_contradict_their_polygons_are_refused_with_the_likely_cause(
    change: Callable[[Content], None], message: str, coco_export: Export
) -> None:
    # Objects of 12 px: a box of corners stays within the picture, as near its upper left corner.
    def small(content: Content) -> None:
        for entry in content["annotations"]:
            x, y = entry["bbox"][:2]
            entry["bbox"] = [x, y, 12, 9]
            entry["segmentation"] = [[x, y, x + 12, y, x + 12, y + 9, x, y + 9]]
        change(content)

    with pytest.raises(DataError, match=message) as caught:
        opened(coco_export(small))
    assert "\n" not in str(caught.value)
    assert "annotation" in str(caught.value)


def test_one_wrong_box_among_a_dozen_is_refused_by_number_and_overlap(coco_export: Export) -> None:
    root = coco_export(lambda content: content["annotations"][4].update(bbox=[40, 30, 5, 5]))
    with pytest.raises(DataError, match=r"annotation 5 of image 5 \(005\.png\) has bbox .* \(IoU 0\.00\)"):
        opened(root)


def test_one_wrong_box_among_hundreds_is_left_out_and_counted(coco_export: Export) -> None:
    root = coco_export(lambda content: content["annotations"][4].update(bbox=[40, 30, 5, 5]), count=150)
    assert opened(root).left_out["objects whose box and segmentation disagree"] == 1


@pytest.mark.parametrize(
    "change", [boxes(fractions, polygons=False), boxes(lambda box: [*box[:2], 0.4, 0.3], polygons=False)]
)
def test_boxes_below_one_pixel_are_refused(change: Callable[[Content], None], coco_export: Export) -> None:
    with pytest.raises(DataError, match=r"all 12 boxes lie below one pixel; are they fractions of the picture\?"):
        opened(coco_export(change))


def test_a_box_that_leaves_its_picture_as_corners_would_is_told_so(coco_export: Export) -> None:
    root = coco_export(boxes(lambda box: [30, 20, 45, 30], polygons=False))
    with pytest.raises(DataError, match=r"outside its 48x36 picture; is it \[x1, y1, x2, y2\]\?"):
        opened(root)


def test_a_picture_whose_sides_are_exchanged_is_told_so(coco_export: Export) -> None:
    root = coco_export(boxes(lambda box: [20, 20, 14, 22], polygons=False))
    with pytest.raises(DataError, match=r"are width and height of the picture exchanged.*so do 11 others of 12"):
        opened(root)


def test_a_box_that_leaves_its_picture_among_others_is_cut_and_counted(coco_export: Export) -> None:
    def leaving(content: Content) -> None:
        content["annotations"][0].update(bbox=[40, 30, 20, 30], segmentation=[])

    found = CocoFolder.both(DataRequest("train", path=str(coco_export(leaving)), canvas_px=32))
    assert all(one.remarks == ("1 box beyond the edge of a picture, cut there",) for one in found)
    boxes_found = [sample.boxes[0, 0].tolist() for one in found for sample in (one[place] for place in range(len(one)))]
    assert [40 / 48, 30 / 36, 1.0, 1.0] in [pytest.approx(box) for box in boxes_found]
    assert all(0 <= side <= 1 for box in boxes_found for side in box)
    assert all("outside" not in what for one in found for what in one.left_out)


def test_a_box_wholly_outside_of_its_picture_is_left_out_and_counted(coco_export: Export) -> None:
    def outside(content: Content) -> None:
        content["annotations"][0].update(bbox=[100, 90, 20, 30], segmentation=[])

    found = opened(coco_export(outside))
    assert found.left_out["objects whose box lies outside of its picture"] == 1
    assert found.remarks == ()


def test_boxes_of_which_most_leave_their_pictures_are_refused(coco_export: Export) -> None:
    root = coco_export(boxes(lambda box: [40, 30, 20, 30], polygons=False))
    with pytest.raises(DataError, match="24 pixels outside its 48x36 picture; so do 11 others of 12"):
        opened(root)


ROUNDED = {
    "outwards": lambda box: [box[0] - 1.5, box[1] - 1.5, box[2] + 3, box[3] + 3],
    "inwards": lambda box: [box[0] + 1.5, box[1] + 1.5, box[2] - 3, box[3] - 3],
    "one pixel less": lambda box: [box[0], box[1], box[2] - 1, box[3] - 1],
    "by hand": lambda box: [box[0] - 2, box[1] - 3, box[2] + 5, box[3] + 6],
}


@pytest.mark.parametrize("change", ROUNDED.values(), ids=ROUNDED.keys())
def test_boxes_that_tools_round_and_hands_draw_are_taken(change: Callable[[Box], Box], coco_export: Export) -> None:
    assert opened(coco_export(boxes(change))).left_out == {}


def test_a_hair_of_an_object_agrees_with_its_polygon_of_no_width(coco_export: Export) -> None:
    hair = {"bbox": [10, 5, 1, 20], "segmentation": [[10, 5, 10, 25, 10.2, 25]]}
    assert opened(coco_export(lambda content: content["annotations"][0].update(hair))).left_out == {}
