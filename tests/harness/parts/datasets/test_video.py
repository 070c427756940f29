"""Folders of clips: real containers, made here; every layout, both readers, and what is said of bad input."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from foresight_harness.contracts.errors import DataError
from foresight_harness.contracts.specs import DataRequest
from foresight_harness.parts.datasets import video_reading
from foresight_harness.parts.datasets.video import VideoFolder, sampled
from foresight_harness.parts.datasets.video_layouts import Entry, find_clips
from PIL import Image

CODECS = {".mp4": "libx264", ".webm": "libvpx-vp9", ".avi": "mpeg4"}


def write_clip(path: Path, frames: int = 20, size: tuple[int, int] = (64, 48)) -> Path:
    """A clip whose frame k is grey 10 k + 20."""
    import av

    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        stream = container.add_stream(CODECS[path.suffix], rate=25)
        stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
        for number in range(frames):
            picture = np.full((size[1], size[0], 3), 10 * number + 20, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())
    return path


WORKING = [name for name, module in video_reading.MODULES.items() if video_reading.why_not(name, module) is None]
"""PyAV brings FFmpeg; torchcodec is tried where the machine has it."""


@pytest.fixture(params=WORKING)
def reader(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(video_reading, "backend", lambda: request.param)


def both(folder: Path, name: str = "video", **asked: object) -> list[VideoFolder]:
    return [
        VideoFolder.open(name, DataRequest(split, canvas_px=32, path=str(folder), **asked))
        for split in ("train", "test")
    ]


@pytest.mark.parametrize("suffix", CODECS)
@pytest.mark.usefixtures("reader")
def test_every_container_gives_the_frames_that_were_asked_for(tmp_path: Path, suffix: str) -> None:
    path = write_clip(tmp_path / f"one{suffix}")
    assert video_reading.frame_count(path) == 20
    frames = video_reading.read_frames(path, [2, 3, 11, 19])
    assert frames.shape == (4, 48, 64, 3)
    assert np.abs(frames.mean(axis=(1, 2, 3)) - [40, 50, 130, 210]).max() < 6


def test_torchcodec_without_ffmpeg_is_passed_over_for_pyav(monkeypatch: pytest.MonkeyPatch) -> None:
    def lacking(source: bytes) -> None:
        raise RuntimeError("Could not load libtorchcodec. Likely causes: 1. FFmpeg is not properly installed")

    import torchcodec.decoders

    monkeypatch.setattr(torchcodec.decoders, "VideoDecoder", lacking)
    video_reading.backend.cache_clear()
    assert video_reading.backend() == "pyav"
    video_reading.backend.cache_clear()


def test_pyav_works_wherever_it_is_installed() -> None:
    assert "pyav" in WORKING


def test_without_a_reader_the_error_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(video_reading, "MODULES", {"torchcodec": "absent_one", "pyav": "absent_two"})
    video_reading.backend.cache_clear()
    with pytest.raises(DataError, match=r"pip install 'foresight-harness\[video\]'"):
        video_reading.backend()
    video_reading.backend.cache_clear()


def test_a_folder_of_clips_is_read_with_its_sampling_and_classes(tmp_path: Path) -> None:
    for number in range(8):
        write_clip(tmp_path / ("jump" if number % 2 else "run") / f"{number}.mp4", frames=12, size=(50, 38))
    sets = both(tmp_path)
    assert sorted(len(one) for one in sets)[0] > 0
    assert sum(len(one) for one in sets) == 8
    sample = sets[0][0]
    assert sample.clip.shape == (9, 3, 32, 32)
    assert sample.motion["action"] == sample.id.partition("/")[0]
    numbers = torch.tensor(sample.motion["frames"])
    assert bool((numbers.diff() == 1).all())
    levels = sample.clip.mean(dim=(1, 2, 3)) * 255
    assert float((levels - (10 * numbers + 20)).abs().max()) < 6


def test_the_fingerprint_moves_with_bytes_seed_frames_and_canvas(tmp_path: Path) -> None:
    write_clip(tmp_path / "a.mp4")

    def mark(**asked: object) -> str:
        given = {"canvas_px": 32, "path": str(tmp_path), **asked}
        for split in ("train", "test"):
            try:
                return VideoFolder.open("video", DataRequest(split, **given)).fingerprint
            except DataError:
                continue
        raise AssertionError

    first = mark()
    assert first == mark()
    assert len({first, mark(seed=1), mark(frames=17), mark(canvas_px=48)}) == 4
    write_clip(tmp_path / "a.mp4", frames=19)
    assert mark() != first


def test_something_something_v2_is_recognised_with_the_direction_of_its_templates(tmp_path: Path) -> None:
    write_clip(tmp_path / "20bn" / "11.webm")
    write_clip(tmp_path / "20bn" / "12.webm")
    templates = ["Pushing [something] from left to right", "Closing [something]"]
    listed = [{"id": str(11 + n), "label": "x", "template": template} for n, template in enumerate([*templates, "y"])]
    (tmp_path / "something-something-v2-train.json").write_text(json.dumps(listed[:1]))
    (tmp_path / "something-something-v2-validation.json").write_text(json.dumps(listed[1:]))
    train, test = both(tmp_path)
    assert find_clips(tmp_path)[0] == "something_something"
    assert (train[0].id, train[0].motion["direction"]) == ("11", 0)
    assert (test[0].id, test[0].motion["action"], "direction" in test[0].motion) == ("12", "Closing something", False)


def test_ucf101_is_recognised_with_its_lists_and_groups(tmp_path: Path) -> None:
    for name in ("g01_c01", "g01_c02", "g02_c01"):
        write_clip(tmp_path / "Archery" / f"v_Archery_{name}.avi")
    (tmp_path / "ucfTrainTestlist").mkdir()
    (tmp_path / "ucfTrainTestlist" / "trainlist01.txt").write_text(
        "Archery/v_Archery_g01_c01.avi 1\nArchery/v_Archery_g01_c02.avi 1\n"
    )
    (tmp_path / "ucfTrainTestlist" / "testlist01.txt").write_text("Archery/v_Archery_g02_c01.avi\n")
    train, test = both(tmp_path)
    assert [train[index].group for index in range(2)] == ["v_Archery_g01"] * 2
    assert (test[0].id, test[0].motion["action"]) == ("v_Archery_g02_c01", "Archery")


def davis(folder: Path, sequence: str, frames: int = 12) -> None:
    for kind in ("JPEGImages", "Annotations"):
        (folder / kind / "480p" / sequence).mkdir(parents=True)
    for number in range(frames):
        indices = np.zeros((48, 64), np.uint8)
        indices[10:20, 5 + number : 15 + number] = 1
        indices[30:40, 40:50] = 2 if number < 2 else 0
        picture = Image.fromarray(indices, "P")
        picture.putpalette([0, 0, 0, 255, 0, 0, 0, 255, 0] + [0] * 759)
        picture.save(folder / "Annotations" / "480p" / sequence / f"{number:05d}.png")
        Image.fromarray(np.full((48, 64, 3), 10 * number, np.uint8)).save(
            folder / "JPEGImages" / "480p" / sequence / f"{number:05d}.jpg"
        )


def test_davis_gives_masks_and_boxes_of_the_objects_that_every_frame_shows(tmp_path: Path) -> None:
    davis(tmp_path, "bear")
    davis(tmp_path, "cow")
    (tmp_path / "ImageSets" / "2017").mkdir(parents=True)
    (tmp_path / "ImageSets" / "2017" / "train.txt").write_text("bear\n")
    (tmp_path / "ImageSets" / "2017" / "val.txt").write_text("cow\n")
    train, test = both(tmp_path, "davis")
    assert (train[0].id, test[0].id) == ("bear", "cow")
    sample = train[0]
    assert sample.masks is not None
    assert sample.masks.shape == (9, 1, 32, 32)
    first = sample.motion["frames"][0]
    assert float(sample.boxes[0, 0, 0]) == pytest.approx((5 + first) / 64, abs=1 / 32)
    assert float(sample.boxes[-1, 0, 0]) > float(sample.boxes[0, 0, 0])
    assert both(tmp_path)[0][0].masks is None


def test_bad_input_is_one_line_that_names_the_file(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"nowhere does not exist"):
        find_clips(tmp_path / "nowhere")
    (tmp_path / "notes.txt").write_text("x")
    with pytest.raises(DataError, match=r"holds no clips; video:DIR reads Something-Something v2, UCF101, DAVIS"):
        find_clips(tmp_path)
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"no clip at all")
    with pytest.raises(DataError, match=r"broken\.mp4 cannot be read as a clip") as caught:
        video_reading.frame_count(broken)
    assert "\n" not in str(caught.value)
    for content, said in ((b"", "the file is empty; "), (b"<!doctype html><p>404", "an HTML page; ")):
        broken.write_bytes(content)
        with pytest.raises(DataError, match=rf"cannot be read as a clip \({said}"):
            video_reading.frame_count(broken)
    short = write_clip(tmp_path / "short.mp4", frames=4)
    with pytest.raises(DataError, match=r"short\.mp4 has 4 frames and 9 are wanted"):
        sampled(4, 9, 0, Entry("short", "short", (short,)))
    with pytest.raises(DataError, match=r"no DAVIS folder"):
        VideoFolder.open("davis", DataRequest("train", path=str(tmp_path)))
    davis(tmp_path / "d", "bear")
    (tmp_path / "d" / "Annotations" / "480p" / "bear" / "00003.png").unlink()
    with pytest.raises(DataError, match=r"00003\.png is not there"):
        find_clips(tmp_path / "d")


def test_a_clip_without_frames_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for reader in ("_count_torchcodec", "_count_pyav"):
        monkeypatch.setattr(video_reading, reader, lambda path: 0)
    with pytest.raises(DataError, match=r"empty\.mp4 has no frames"):
        video_reading.frame_count(tmp_path / "empty.mp4")


@pytest.mark.parametrize("suffix", [".avi", ".mp4", ".mkv"])
def test_a_real_container_that_was_closed_before_its_first_frame_is_one_line(tmp_path: Path, suffix: str) -> None:
    import av

    path = tmp_path / f"empty{suffix}"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        container.start_encoding()
    said = r"has no frames|has no picture track|cannot be read as a clip"
    with pytest.raises(DataError, match=rf"empty\{suffix} ({said})") as caught:
        video_reading.frame_count(path)
    assert "\n" not in str(caught.value)
