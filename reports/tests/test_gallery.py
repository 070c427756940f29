"""Pictures and samples."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from foresight_reports import pictures
from foresight_reports.boards import build_boards
from foresight_reports.gallery import CANDIDATES, OTHERS, WORST, Gallery, boxes, galleries
from foresight_reports.pictures import PictureStore
from foresight_reports.reading import read_run
from PIL import Image


def galleries_of(run: Path, store: PictureStore) -> list[Gallery]:
    read = read_run(run)
    return galleries(read, build_boards([read]), store)


def test_the_worst_samples_come_first_then_some_by_chance(make: Callable[..., Path]) -> None:
    found, boxed, _ = galleries_of(make(pictures=12), PictureStore(inline=True))
    assert [sample.reason for sample in found.samples] == ["worst"] * WORST + ["chance"] * OTHERS
    worst = [sample.value or 0.0 for sample in found.samples[:WORST]]
    assert worst == sorted(worst, reverse=True)
    assert found.direction == "lower"
    lowest = [sample.value or 0.0 for sample in boxed.samples[:WORST]]
    assert lowest == sorted(lowest)
    assert boxed.direction == "higher"


def test_a_shot_has_output_error_boxes_and_the_mark_of_its_weights(make: Callable[..., Path]) -> None:
    found, boxed, _ = galleries_of(make(pictures=3, pictured=9), PictureStore(inline=True))
    sample = found.samples[0]
    assert sample.target is not None
    assert [ceiling.decoder for ceiling in sample.ceilings] == ["ltx_video_nano"]
    assert sample.ceilings[0].picture is not None
    assert len(sample.shots) == CANDIDATES
    shot = sample.shots[0]
    assert shot.picture is not None
    assert shot.error is not None
    assert shot.weights == "random"
    assert len(boxed.samples[0].shots[0].boxes_true) == len(boxed.samples[0].shots[0].boxes_predicted) == 1
    assert (found.shown_candidates, found.candidate_count) == (CANDIDATES, 9)


def test_folder_mode_keeps_pictures_beside_the_page(make: Callable[..., Path]) -> None:
    store = PictureStore(inline=False)
    found = galleries_of(make(pictures=2), store)[0]
    target = found.samples[0].target
    assert target is not None
    assert store.files[target.href].startswith(b"RIFF")


def test_a_path_that_leaves_the_run_folder_is_not_followed(make: Callable[..., Path], tmp_path: Path) -> None:
    run = make(pictures=1)
    Image.new("RGB", (8, 8)).save(tmp_path / "private.png")
    index = run / "media" / "index.jsonl"
    lines = [json.loads(line) for line in index.read_text().splitlines()]
    lines[0]["path"] = "../private.png"
    index.write_text("".join(json.dumps(line) + "\n" for line in lines))
    store = PictureStore(inline=True)
    assert galleries_of(run, store)[0].samples[0].target is None
    assert store.missing == ["../private.png"]


@pytest.mark.parametrize("content", [b"", b"<svg onload='alert(1)'/>"])
def test_a_file_that_is_no_picture_is_counted_as_missing(make: Callable[..., Path], content: bytes) -> None:
    run = make(pictures=1)
    (run / "media" / "target_00.webp").write_bytes(content)
    store = PictureStore(inline=True)
    assert galleries_of(run, store)[0].samples[0].target is None
    assert store.missing == ["media/target_00.webp"]


def test_pictures_beyond_the_limit_are_left_out_and_counted(
    make: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pictures, "INLINE_LIMIT", 4000)
    store = PictureStore(inline=True)
    galleries_of(make(pictures=3), store)
    assert store.left_out > 0
    assert store._spent <= 4000


def test_only_boxes_of_four_finite_numbers_are_drawn() -> None:
    assert boxes([[0.1, 0.2, 0.3, 0.4], [1, 2], None, ["a", 0, 0, 0], [0.5, 0.5, 0.2, 9.0]]) == [
        (0.1, 0.2, 0.3, 0.4),
        (0.2, 0.5, 0.5, 1.0),
    ]
    assert boxes(None) == []


def test_each_decoder_has_its_own_ceiling(make: Callable[..., Path]) -> None:
    run = make(pictures=2)
    index = run / "media" / "index.jsonl"
    lines = [json.loads(line) for line in index.read_text().splitlines()]
    names = {line["candidate"] for line in lines if line["kind"] == "output"}
    first = sorted(names)[0]
    other = first.rsplit("/", 1)[0] + "/hunyuan_tiny"
    for line in lines:
        if line["candidate"] == first:
            line["candidate"] = other
    trips = [line for line in lines if line["kind"] == "round_trip"]
    lines += [{**line, "candidate": other, "value": 0.9} for line in trips]
    index.write_text("".join(json.dumps(line) + "\n" for line in lines))
    sample = galleries_of(run, PictureStore(inline=True))[0].samples[0]
    assert {ceiling.decoder: ceiling.value == 0.9 for ceiling in sample.ceilings} == {
        "ltx_video_nano": False,
        "hunyuan_tiny": True,
    }


def test_a_sample_that_was_kept_for_its_score_is_not_called_chance(make: Callable[..., Path]) -> None:
    run = make(pictures=12)
    index = run / "media" / "index.jsonl"
    lines = [json.loads(line) for line in index.read_text().splitlines()]
    for line in lines:
        line["label"] = "as they come" if line["sample"] in ("shapes/0003", "shapes/0004") else "worst"
    index.write_text("".join(json.dumps(line) + "\n" for line in lines))
    for gallery in galleries_of(run, PictureStore(inline=True)):
        chance = {sample.name for sample in gallery.samples if sample.reason == "chance"}
        assert chance <= {"shapes/0003", "shapes/0004"}


def test_a_clip_moves_and_has_a_still_for_print(make: Callable[..., Path]) -> None:
    *_, clips = galleries_of(make(pictures=2), PictureStore(inline=True))
    assert clips.kind == "clip"
    picture = clips.samples[0].shots[0].picture
    assert picture is not None
    assert picture.still.startswith("data:image/webp;base64,")
    assert picture.still != picture.href
    assert clips.samples[0].shots[0].label == "moves right"


def test_clips_that_were_kept_for_what_was_read_from_them_are_not_called_chance(make: Callable[..., Path]) -> None:
    *_, clips = galleries_of(make(pictures=12), PictureStore(inline=True))
    assert {sample.reason for sample in clips.samples} == {"worst"}
    # No table of this run has the metric of the clips: of an accuracy the lowest is the worst all the same.
    values = [sample.value or 0.0 for sample in clips.samples]
    assert values == sorted(values)
    assert values[0] < values[-1]
