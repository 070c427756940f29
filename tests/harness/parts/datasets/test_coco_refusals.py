"""What a COCO folder is refused for, in one line that says where."""

from __future__ import annotations

import bz2
import gzip
import lzma
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from foresight_harness.contracts.errors import DataError
from foresight_harness.contracts.specs import DataRequest
from foresight_harness.parts.datasets.coco import CocoFolder
from one_coco_folder import Content, annotation, content_of, one, opened
from PIL import Image


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
        (changed("annotations", image_id=5), "annotation 1 is of image 5, which is not listed; list it, or"),
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


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress], ids=lambda pack: pack.__module__)
def test_a_packed_file_is_told_from_one_in_another_coding(
    pack: Callable[..., bytes], folder: Callable[..., Path]
) -> None:
    root = folder(one(), {"1.png": Image.new("RGB", (40, 30))})
    (path,) = root.glob("**/annotations.json")
    path.write_bytes(pack(path.read_bytes()))
    with pytest.raises(DataError, match=r"annotations\.json is packed \((gzip|bzip2|xz)\); unpack it$"):
        opened(root)
