"""A folder of the user's: every kind of picture, every kind of mistake, all said in one line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from foresight_harness.contracts.errors import DataError
from foresight_harness.parts.datasets.identity import half_of
from foresight_harness.protocols import Dataset
from one_coco_folder import annotation, content_of, one, opened
from PIL import Image

SPLITS_OF_FIVE = ["train", "test", "test", "test", "train"]


def test_a_picture_of_any_shape_is_squashed_and_its_boxes_and_masks_stay_true(folder: Callable[..., Path]) -> None:
    dataset = opened(folder(one()))
    sample = dataset[0]
    assert isinstance(dataset, Dataset)
    assert sample.clip.shape == (1, 3, 32, 32)
    assert sample.boxes.tolist() == [[[0, 0, 0.5, 0.5]]]
    assert sample.labels == ("dog",)
    assert sample.masks is not None
    assert sample.masks.shape == (1, 1, 32, 32)
    assert sample.masks[0, 0, :16, :16].all()
    assert int(sample.masks.sum()) == 16 * 16


def test_a_boxs_place_in_the_picture_is_its_place_on_the_canvas(folder: Callable[..., Path]) -> None:
    picture = Image.new("RGB", (300, 100), "black")
    picture.paste("white", (200, 20, 290, 80))
    dataset = opened(folder(one(300, 100, bbox=[200, 20, 90, 60], segmentation=[]), {"1.png": picture}), canvas_px=90)
    left, top, right, bottom = (dataset[0].boxes[0, 0] * 90).round().int().tolist()
    clip = dataset[0].clip[0, 0]
    assert float(clip[top + 1 : bottom - 1, left + 1 : right - 1].min()) > 0.95
    clip[top - 2 : bottom + 2, left - 2 : right + 2] = 0
    assert float(clip.max()) < 0.05


def test_shrinking_is_antialiased(folder: Callable[..., Path]) -> None:
    stripes = np.zeros((30, 640, 3), dtype=np.uint8)
    stripes[:, ::2] = 255
    clip = opened(folder(one(640, 30), {"1.png": Image.fromarray(stripes)}), canvas_px=32)[0].clip
    assert float((clip - 0.5).abs().max()) < 0.05


@pytest.mark.parametrize(
    ("name", "picture", "expected"),
    [
        ("grey.png", Image.new("L", (40, 30), 51), (0.2, 0.2, 0.2)),
        ("grey.jpg", Image.new("L", (40, 30), 51), (0.2, 0.2, 0.2)),
        ("bits.png", Image.new("1", (40, 30), 1), (1, 1, 1)),
        ("deep.png", Image.fromarray(np.full((30, 40), 6554, dtype=np.uint16)), (0.1, 0.1, 0.1)),
        ("clear.png", Image.new("RGBA", (40, 30), (0, 0, 0, 0)), (1, 1, 1)),
        ("half.png", Image.new("RGBA", (40, 30), (255, 0, 0, 128)), (1, 0.5, 0.5)),
        ("grey_alpha.png", Image.new("LA", (40, 30), (0, 0)), (1, 1, 1)),
        ("palette.png", Image.new("RGB", (40, 30), (0, 255, 0)).quantize(4), (0, 1, 0)),
        ("ink.jpg", Image.new("CMYK", (40, 30), (255, 0, 0, 0)), (0, 1, 1)),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_every_mode_is_brought_to_three_channels(
    name: str, picture: Image.Image, expected: tuple[float, ...], folder: Callable[..., Path]
) -> None:
    content = one()
    content["images"][0]["file_name"] = name
    clip = opened(folder(content, {name: picture}))[0].clip
    torch.testing.assert_close(clip.mean(dim=(0, 2, 3)), torch.tensor(expected).float(), atol=0.03, rtol=0)


def test_sixteen_bits_are_not_cut_to_eight(folder: Callable[..., Path]) -> None:
    ramp = np.tile(np.linspace(30000, 30200, 32).astype(np.uint16), (30, 1))
    content = one(32, 30)
    content["images"][0]["file_name"] = "deep.png"
    clip = opened(folder(content, {"deep.png": Image.fromarray(ramp)}))[0].clip
    assert len(set(clip[0, 0, 10].tolist())) > 16


@pytest.mark.parametrize(("size", "rotated"), [((30, 40), True), ((40, 30), False)])
def test_orientation_is_the_one_in_which_the_picture_has_its_annotated_size(
    size: tuple[int, int], rotated: bool, folder: Callable[..., Path]
) -> None:
    # Stored 40 x 30 with the left half white; upright (orientation 6, a turn to the right) the upper half is.
    stored = Image.new("RGB", (40, 30), "black")
    stored.paste("white", (0, 0, 20, 30))
    exif = Image.Exif()
    exif[0x0112] = 6
    root = folder(one(*size), {})
    stored.save(root / "images" / "1.png", exif=exif)
    clip = opened(root)[0].clip[0, 0]
    half = clip[:15] if rotated else clip[:, :15]
    assert float(half.min()) > 0.9
    assert float(clip.mean()) == pytest.approx(0.5, abs=0.05)


def test_run_length_codes_plain_and_compressed_fill_as_polygons_do(folder: Callable[..., Path]) -> None:
    from faster_coco_eval.core import mask as coco_mask

    drawn = np.zeros((30, 40), dtype=np.uint8, order="F")
    drawn[4:22, 7:31] = 1
    drawn[10:13, 15:18] = 0
    compressed = coco_mask.encode(drawn)
    flat = drawn.flatten(order="F")
    edges = np.flatnonzero(np.diff(np.concatenate([[0], flat]))).tolist()
    plain = np.diff([0, *edges, flat.size]).tolist()
    masks = []
    for counts in (plain, compressed["counts"].decode()):
        content = one(bbox=[7, 4, 24, 18], segmentation={"size": [30, 40], "counts": counts})
        masks.append(opened(folder(content), canvas_px=120)[0].masks)
    assert masks[0] is not None
    assert masks[1] is not None
    assert torch.equal(masks[0], masks[1])
    expected = np.kron(drawn, np.ones((4, 3))).astype(bool)
    np.testing.assert_array_equal(masks[0][0, 0].numpy(), expected)


def test_a_picture_with_an_object_without_segmentation_has_no_masks(folder: Callable[..., Path]) -> None:
    both = content_of([(40, 30)], [annotation(1, 1), annotation(1, 2, segmentation=[])], split="test")
    sample = opened(folder(both))[0]
    assert sample.masks is None
    assert sample.boxes.shape == (1, 2, 4)


def test_a_mask_thinner_than_a_pixel_of_the_canvas_does_not_vanish(folder: Callable[..., Path]) -> None:
    hair = one(320, 320, bbox=[100, 0, 2, 320], segmentation=[[100, 0, 102, 0, 102, 320, 100, 320]])
    masks = opened(folder(hair))[0].masks
    assert masks is not None
    assert masks[0, 0].any(dim=1).all()
    assert int(masks.sum()) == 32


def test_crowds_and_pictures_without_objects_are_left_out(folder: Callable[..., Path]) -> None:
    annotations = [annotation(1, 1), annotation(1, 2, iscrowd=1), annotation(2, 3, iscrowd=1)]
    dataset = opened(folder(content_of([(40, 30)] * 3, annotations, split="test")))
    assert [dataset[index].id for index in range(len(dataset))] == ["1"]
    assert dataset[0].boxes.shape == (1, 1, 4)


def test_a_box_a_little_outside_is_cut_to_the_picture(folder: Callable[..., Path]) -> None:
    sample = opened(folder(one(bbox=[-0.9, 10, 41.5, 20.5], segmentation=[])))[0]
    torch.testing.assert_close(sample.boxes[0, 0], torch.tensor([0, 1 / 3, 1, 1]))


def test_splits_are_about_halves_and_do_not_move_when_pictures_come_and_go() -> None:
    train = [id for id in range(2000) if half_of(str(id)) == "train"]
    assert len(train) == pytest.approx(1000, abs=80)
    assert [half_of(id) for id in ("1", "2", "139", "285", "632")] == SPLITS_OF_FIVE


def test_train_and_test_are_disjoint_and_complete(folder: Callable[..., Path]) -> None:
    root = folder(content_of([(40, 30)] * 12, [annotation(image, image) for image in range(1, 13)]))
    sets = [{picture.id for picture in opened(root, split)._pictures} for split in ("train", "test")]
    assert not sets[0] & sets[1]
    assert sets[0] | sets[1] == {str(image) for image in range(1, 13)}


def test_a_split_in_the_annotations_wins_over_the_hash(folder: Callable[..., Path]) -> None:
    content = content_of([(40, 30)] * 4, [annotation(image, image) for image in range(1, 5)])
    for entry, split in zip(content["images"], ("train", "test", "val", "train"), strict=True):
        entry["split"] = split
    root = folder(content)
    assert [picture.id for picture in opened(root, "train")._pictures] == ["1", "4"]
    assert [picture.id for picture in opened(root, "test")._pictures] == ["2", "3"]


def test_a_count_takes_a_stable_choice_that_grows(folder: Callable[..., Path]) -> None:
    root = folder(content_of([(40, 30)] * 8, [annotation(n, n) for n in range(1, 9)], split="test"))
    few, more, other = (
        [picture.id for picture in opened(root, count=count, seed=seed)._pictures]
        for count, seed in ((3, 0), (5, 0), (3, 1))
    )
    assert set(few) < set(more)
    assert set(other) != set(few)
    assert len(opened(root, count=100)) == 8
    assert opened(root, count=100).fingerprint == opened(root, seed=5).fingerprint


def test_the_fingerprint_follows_pixels_and_annotations(folder: Callable[..., Path]) -> None:
    root = folder(one())
    before = opened(root).fingerprint
    assert opened(root).fingerprint == before
    assert opened(root, canvas_px=48).fingerprint != before
    Image.new("RGB", (40, 30), "red").save(root / "images" / "1.png")
    repainted = opened(root).fingerprint
    assert repainted != before
    folder(one(bbox=[0, 0, 21, 15]), {})
    assert opened(root).fingerprint != repainted


def test_pictures_are_not_decoded_before_they_are_asked_for(folder: Callable[..., Path]) -> None:
    dataset = opened(folder(one(), {"1.png": b"not a picture at all"}))
    with pytest.raises(DataError, match=r"1\.png cannot be read as a picture \(UnidentifiedImageError"):
        dataset[0]
