"""A folder of the user's: every kind of picture, every kind of mistake, all said in one line."""

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
from foresight_harness.parts.datasets.identity import half_of
from foresight_harness.protocols import Dataset
from PIL import Image

Content = dict[str, Any]
SPLITS_OF_FIVE = ["train", "test", "test", "test", "train"]
CORNER = [[0, 0, 20, 0, 20, 15, 0, 15]]


def annotation(image: int, id: int = 1, **fields: Any) -> Content:
    return {"id": id, "image_id": image, "category_id": 7, "bbox": [0, 0, 20, 15], "segmentation": CORNER, **fields}


def content_of(sizes: list[tuple[int, int]], annotations: list[Content], **fields: Any) -> Content:
    images = [
        {"id": number, "file_name": f"{number}.png", "width": width, "height": height, **fields}
        for number, (width, height) in enumerate(sizes, start=1)
    ]
    return {"images": images, "annotations": annotations, "categories": [{"id": 7, "name": "dog"}]}


@pytest.fixture
def folder(tmp_path: Path) -> Callable[..., Path]:
    def write(content: Content | str, pictures: dict[str, Image.Image | bytes] | None = None) -> Path:
        (tmp_path / "images").mkdir(exist_ok=True)
        text = content if isinstance(content, str) else json.dumps(content)
        (tmp_path / "annotations.json").write_text(text)
        if pictures is None and isinstance(content, dict):
            pictures = {
                entry["file_name"]: Image.new("RGB", (entry["width"], entry["height"]), (0, number, 128))
                for number, entry in enumerate(content["images"])  # unequal: equal ones are kept together
            }
        for name, picture in (pictures or {}).items():
            path = tmp_path / "images" / name
            if isinstance(picture, bytes):
                path.write_bytes(picture)
            else:
                picture.save(path)
        return tmp_path

    return write


def opened(folder: Path, split: str = "test", **fields: Any) -> CocoFolder:
    return CocoFolder.open(DataRequest(split, path=str(folder), **{"canvas_px": 32, **fields}))  # type: ignore[arg-type]


def one(width: int = 40, height: int = 30, **fields: Any) -> Content:
    return content_of([(width, height)], [annotation(1, **fields)], split="test")


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


def test_a_truncated_picture_is_refused_not_padded(folder: Callable[..., Path]) -> None:
    root = folder(one(64, 64), {"1.png": Image.effect_noise((64, 64), 50)})
    path = root / "images" / "1.png"
    path.write_bytes(path.read_bytes()[:1500])
    with pytest.raises(DataError, match=r"1\.png cannot be read as a picture"):
        opened(root)[0]


def test_a_picture_of_another_size_than_annotated_is_refused(folder: Callable[..., Path]) -> None:
    dataset = opened(folder(one(), {"1.png": Image.new("RGB", (80, 60))}))
    with pytest.raises(DataError, match=r"1\.png is 80x60 pixels and its annotations say 40x30"):
        dataset[0]


def test_a_run_length_code_that_does_not_fill_the_picture_is_refused(folder: Callable[..., Path]) -> None:
    for counts in ([10, 20], "52", [-5, 1205]):
        root = folder(one(segmentation={"size": [30, 40], "counts": counts}))
        with pytest.raises(DataError, match=r"annotation 1 of image 1.* does not fill 40x30 pixels"):
            opened(root)


def test_a_missing_path_folder_or_annotation_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="coco needs a folder: --dataset coco:DIR"):
        CocoFolder.open(DataRequest("test"))
    with pytest.raises(DataError, match=r"data folder .*nowhere does not exist"):
        opened(tmp_path / "nowhere")
    with pytest.raises(DataError, match=r"annotations\.json does not exist"):
        opened(tmp_path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "is not valid JSON"),
        ("[]", "holds a list"),
        ("{}", "no list of objects under 'images'"),
        ('{"images": [3], "annotations": []}', "no list of objects under 'images'"),
        ('{"images": [], "annotations": []}', "lists no images"),
    ],
)
def test_a_file_that_is_no_coco_file_is_refused(text: str, message: str, folder: Callable[..., Path]) -> None:
    with pytest.raises(DataError, match=rf"annotations\.json.*{message}"):
        opened(folder(text))


def changed(part: str, **fields: Any) -> Content:
    content = one()
    content[part][0].update(fields)
    return content


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (changed("images", width=None), r"image 1 \(1\.png\) has width and height \(None, 30\)"),
        (changed("images", file_name=""), "image 1 needs an id and a file_name"),
        (changed("images", file_name="../secret.png"), "leads out of"),
        (changed("images", file_name="/etc/hostname"), "leads out of"),
        (changed("images", split="dev"), "split 'dev'; known are train, val, test"),
        (changed("annotations", image_id=5), "annotation 1 is of image 5, which is not listed"),
        (changed("annotations", category_id=9), r"annotation 1 of image 1 \(1\.png\) has category 9"),
        (changed("annotations", bbox=[1, 2, 3]), "not four numbers"),
        (changed("annotations", bbox=[1, 2, 3, float("nan")]), "not four numbers"),
        (changed("annotations", bbox=[30, 0, 20, 15]), r"annotation 1 of image 1 \(1\.png\).*10 pixels outside"),
        (changed("annotations", bbox=[-2, 0, 20, 15]), "2 pixels outside its 40x30 picture"),
        (changed("annotations", segmentation=[[1, 2, 3, "x", 5, 6]]), "three or more x, y pairs"),
        (changed("annotations", segmentation=[[1, 2, 3, float("inf"), 5, 6]]), "three or more x, y pairs"),
        (changed("annotations", iscrowd="perhaps"), "has iscrowd 'perhaps'; it is 0 or 1"),
        (changed("annotations", iscrowd=3), "has iscrowd 3; it is 0 or 1"),
        (changed("annotations", segmentation={"size": [40, 30], "counts": [1200]}), r"a code of size \[30, 40\]"),
        (changed("annotations", segmentation={"size": [30, 40]}), "without counts"),
    ],
    ids=lambda value: value[:40] if isinstance(value, str) else "",
)
def test_a_bad_entry_is_refused_when_the_set_is_opened(
    content: Content, message: str, folder: Callable[..., Path]
) -> None:
    root = folder(content, {"1.png": Image.new("RGB", (40, 30))})
    with pytest.raises(DataError, match=message) as caught:
        opened(root)
    assert "\n" not in str(caught.value)
    assert "annotations.json" in str(caught.value)


def test_an_absent_picture_is_named_when_the_set_is_opened(folder: Callable[..., Path]) -> None:
    with pytest.raises(DataError, match=r"images/1\.png does not exist; it is image 1"):
        opened(folder(one(), {}))


def test_an_image_listed_twice_is_refused(folder: Callable[..., Path]) -> None:
    content = one()
    content["images"] *= 2
    with pytest.raises(DataError, match="image 1 is listed twice"):
        opened(folder(content))


def test_a_split_for_some_images_only_is_refused(folder: Callable[..., Path]) -> None:
    content = content_of([(40, 30)] * 2, [annotation(1)])
    content["images"][0]["split"] = "test"
    with pytest.raises(DataError, match="1 of 2 images carry a split"):
        opened(folder(content))


def test_a_folder_without_any_object_is_refused(folder: Callable[..., Path]) -> None:
    with pytest.raises(DataError, match="none of 2 pictures shows an object"):
        opened(folder(content_of([(40, 30)] * 2, [annotation(1, iscrowd=1)])))


def test_an_empty_split_is_refused(folder: Callable[..., Path]) -> None:
    with pytest.raises(DataError, match="all 1 pictures with objects fall into the other split than train"):
        opened(folder(one()), "train")
