"""Clips in the run folder: they move, they loop, and print has a still."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from foresight_harness.contracts.outcomes import Picture
from foresight_harness.running.run_folder.media import write_pictures
from PIL import Image


def test_a_clip_is_written_as_a_looping_picture_beside_a_still(tmp_path: Path) -> None:
    clip = torch.rand(9, 3, 32, 48)
    (line,) = write_pictures(tmp_path, "c" * 16, "a/b/c/d", "moving_shapes", [Picture("output", "one", clip)])
    assert line["frames"] == 9
    with Image.open(tmp_path / line["path"]) as moving:
        assert (moving.format, moving.n_frames, moving.size, moving.info["loop"]) == ("WEBP", 9, (48, 32), 0)
    with Image.open(tmp_path / line["still"]) as still:
        assert getattr(still, "n_frames", 1) == 1
        assert still.size == (48, 32)


def test_an_error_map_of_a_clip_is_grey_and_moves(tmp_path: Path) -> None:
    errors = torch.rand(9, 1, 32, 32)
    (line,) = write_pictures(tmp_path, "c" * 16, "a/b/c/d", "moving_shapes", [Picture("error", "one", errors)])
    with Image.open(tmp_path / line["path"]) as moving:
        assert moving.n_frames == 9


def test_a_picture_has_no_still_and_shares_no_file_with_a_clip_of_its_sample(tmp_path: Path) -> None:
    pictures = [Picture("boxes", "one", torch.rand(3, 32, 32)), Picture("clip", "one", torch.rand(9, 3, 32, 32))]
    boxes, clip = write_pictures(tmp_path, "c" * 16, "a/b/c/d", "moving_shapes", pictures)
    assert (boxes["still"], boxes["frames"]) == (None, None)
    assert boxes["path"] != clip["path"]


def test_a_picture_that_could_not_be_written_whole_is_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    picture = Picture("output", "one", torch.rand(3, 32, 32))

    def half(self: Image.Image, path: Path, *_: object, **__: object) -> None:
        Path(path).write_bytes(b"RIFF")
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Image.Image, "save", half)
        with pytest.raises(OSError, match="No space"):
            write_pictures(tmp_path, "c" * 16, "a/b/c/d", "shapes", [picture])
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
    (line,) = write_pictures(tmp_path, "c" * 16, "a/b/c/d", "shapes", [picture])
    with Image.open(tmp_path / line["path"]) as shown:
        shown.load()


@pytest.mark.parametrize(
    ("first", "second"),
    [("街景一", "街景二"), ("cam/1", "cam_1"), ("x" * 90 + "1", "x" * 90 + "2"), ("Cat", "cat"), ("..", ".")],
)
@pytest.mark.parametrize("kind", ["target", "output", "error/map"])
def test_two_pictures_never_share_a_file(tmp_path: Path, first: str, second: str, kind: str) -> None:
    pictures = [Picture(kind, name, torch.full((3, 8, 8), value)) for name, value in ((first, 0.0), (second, 1.0))]
    lines = write_pictures(tmp_path, "0" * 16, "a/b/c/d", "Straße 1/übung", pictures)
    places = [tmp_path / line["path"] for line in lines]
    assert len({place.name.casefold() for place in places}) == 2
    assert all(place.resolve().is_relative_to(tmp_path / "media") for place in places)
    shown = [Image.open(place).getpixel((0, 0)) for place in places]
    assert shown[0] != shown[1]


def test_id_that_stands_twice_and_equal_kinds_by_two_labels_keep_all_pictures(tmp_path: Path) -> None:
    pictures = [Picture("target", "a", torch.zeros(3, 8, 8)), Picture("target", "a", torch.ones(3, 8, 8))]
    pictures += [Picture("map", "a", torch.zeros(3, 8, 8), label=label) for label in ("one", "two")]
    lines = write_pictures(tmp_path, "0" * 16, "a/b/c/d", "shapes", pictures)
    assert len({line["path"] for line in lines}) == 4


def test_target_is_written_once_and_drawn_over_where_it_is(tmp_path: Path) -> None:
    target = Picture("target", "a", torch.rand(3, 8, 8))
    (first,) = write_pictures(tmp_path, "0" * 16, "a/b/c/d", "shapes", [target])
    lines = write_pictures(tmp_path, "1" * 16, "e/b/c/d", "shapes", [target, Picture("boxes", "a")])
    assert [line["path"] for line in lines] == [first["path"]] * 2
