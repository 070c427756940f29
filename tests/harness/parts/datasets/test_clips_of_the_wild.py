"""Clips as phones, browsers and file systems leave them: both readers give what a player shows, and equal frames."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from foresight_harness.contracts.errors import DataError
from foresight_harness.contracts.specs import DataRequest
from foresight_harness.parts.datasets import video_reading
from foresight_harness.parts.datasets.files import files_below, natural
from foresight_harness.parts.datasets.video import VideoFolder
from foresight_harness.parts.datasets.video_layouts import find_clips
from PIL import Image

HERE = Path(__file__).parent
SPEC = importlib.util.spec_from_file_location("clips_of_the_wild", HERE / "clips.py")
assert SPEC is not None
assert SPEC.loader is not None
clips = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(clips)


@pytest.fixture
def pyav(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(video_reading, "backend", lambda: "pyav")


COMPARE = """
import json, sys
from pathlib import Path
import numpy as np
from foresight_harness.parts.datasets import video_reading

reason = video_reading.why_not("torchcodec", "torchcodec.decoders")
found = {}
for path in sorted(Path(sys.argv[1]).iterdir()) if reason is None else ():
    read = {}
    for name in ("torchcodec", "pyav"):
        video_reading.backend = lambda name=name: name
        try:
            count = video_reading.frame_count(path)
            frames = video_reading.read_frames(path, list(range(count)))
            read[name] = (count, frames)
        except Exception as error:
            read[name] = (f"{type(error).__name__}: {error}", None)
    (count, one), (other_count, other) = read.values()
    same = one is not None and other is not None and one.shape == other.shape
    apart = int(np.abs(one.astype(int) - other.astype(int)).max()) if same else None
    found[path.name] = {"counts": [count, other_count], "apart": apart, "shape": None if one is None else one.shape}
print(json.dumps({"reason": reason, "found": found}))
"""


def libraries_of_pyav(folder: Path) -> str:
    """FFmpeg's libraries as PyAV's wheel brings them, under the names that torchcodec looks for: a search path."""
    import av

    brought = Path(av.__file__).parent.parent / "av.libs"
    for library in brought.glob("lib*"):
        found = re.fullmatch(r"(lib(?:av|sw)\w+)-\w+\.so\.(\d+)[\d.]*", library.name)
        if found:
            (folder / f"{found[1]}.so.{found[2]}").symlink_to(library)
    return f"{folder}{os.pathsep}{brought}"


@pytest.mark.slow
def test_both_readers_give_equal_frames_of_twenty_kinds_of_clips(tmp_path: Path) -> None:
    (tmp_path / "clips").mkdir()
    (tmp_path / "libraries").mkdir()
    for name, make in clips.KINDS.items():
        make(tmp_path / "clips" / name)
    assert len(clips.KINDS) == 20
    search = os.pathsep.join([libraries_of_pyav(tmp_path / "libraries"), os.environ.get("LD_LIBRARY_PATH", "")])
    done = subprocess.run(
        [sys.executable, "-c", COMPARE, str(tmp_path / "clips")],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "LD_LIBRARY_PATH": search},
    )
    assert done.returncode == 0, done.stderr[-2000:]
    told = json.loads(done.stdout.splitlines()[-1])
    if told["reason"] is not None:
        pytest.skip(f"torchcodec does not work here: {told['reason']}")
    different = {name: facts for name, facts in told["found"].items() if facts["apart"] != 0}
    assert different == {}


def bright(frame: np.ndarray) -> tuple[bool, bool]:
    """Whether the orange quarter lies below, and whether it lies to the right."""
    rows, cols = frame.shape[0] // 2, frame.shape[1] // 2
    warmth = frame[..., 0].astype(int) - frame[..., 2]
    quarters = [[warmth[r : r + rows, c : c + cols].mean() for c in (0, cols)] for r in (0, rows)]
    row, col = np.unravel_index(int(np.argmax(quarters)), (2, 2))
    return bool(row), bool(col)


@pytest.mark.parametrize(
    ("degrees", "shape", "corner"),
    [(90, (64, 48), (False, True)), (180, (48, 64), (True, True)), (270, (64, 48), (True, False))],
)
@pytest.mark.usefixtures("pyav")
def test_a_clip_is_turned_as_players_turn_it(
    degrees: int, shape: tuple[int, int], corner: tuple[bool, bool], tmp_path: Path
) -> None:
    path = clips.turn(clips.write(tmp_path / "a.mp4"), degrees)
    (frame,) = video_reading.read_frames(path, [3])
    assert frame.shape == (*shape, 3)
    assert bright(frame) == corner


@pytest.mark.parametrize(
    ("aspect", "degrees", "shape"),
    [
        ((4, 3), 0, (48, 85)),
        ((3, 4), 0, (64, 64)),
        ((4, 3), 90, (85, 48)),
        ((1, 1), 0, (48, 64)),
        ((100, 1), 0, (48, 64)),
    ],
)
@pytest.mark.usefixtures("pyav")
def test_pixels_that_are_not_square_are_made_so(
    aspect: tuple[int, int], degrees: int, shape: tuple[int, int], tmp_path: Path
) -> None:
    path = clips.write(tmp_path / "a.mp4", aspect=aspect)
    if degrees:
        clips.turn(path, degrees)
    assert video_reading.read_frames(path, [0]).shape[1:3] == shape


@pytest.mark.usefixtures("pyav")
def test_a_cover_is_no_clip(tmp_path: Path) -> None:
    path = clips.write(tmp_path / "a.mp4", cover=True)
    assert video_reading.frame_count(path) == clips.FRAMES
    assert video_reading.read_frames(path, [0]).shape[1:3] == (48, 64)


@pytest.mark.usefixtures("pyav")
def test_a_clip_whose_frames_change_their_size_is_named_in_one_line(tmp_path: Path) -> None:
    path = clips.of_two_sizes(tmp_path / "a.mpg")
    assert video_reading.read_frames(path, [0, 5]).shape == (2, 48, 64, 3)
    with pytest.raises(DataError, match=r"a\.mpg: its frames change their size from 64x48 to 96x64") as caught:
        video_reading.read_frames(path, [0, 15])
    assert "\n" not in str(caught.value)


def test_torchcodec_that_does_not_turn_frames_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    import torchcodec.decoders

    monkeypatch.setattr(torchcodec.decoders, "VideoStreamMetadata", type("Old", (), {"__dataclass_fields__": {}}))
    said = video_reading.why_not("torchcodec", "torchcodec.decoders")
    assert said == "this version does not turn frames as their container says"


def sampled_order(folder: Path) -> list[list[float]]:
    """Mean brightness of each clip's frames, in the order in which they are shown."""
    found = []
    for split in ("train", "test"):
        dataset = VideoFolder.open("video", DataRequest(split, path=str(folder), canvas_px=32))  # type: ignore[arg-type]
        found += [dataset[n].clip.mean(dim=(1, 2, 3)).tolist() for n in range(len(dataset))]
    return found


NAMES = {"1 to 12": "{0}", "with a word": "frame{0}", "with a word and an end": "frame_{0}_left.7", "padded": "{0:05d}"}


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES.keys())
@pytest.mark.parametrize("place", ["JPEGImages/480p", "", "deep/er"], ids=["DAVIS", "frames", "frames below"])
@pytest.mark.parametrize("suffix", ["jpg", "png"])
def test_frames_come_in_the_order_of_their_numbers(name: str, place: str, suffix: str, tmp_path: Path) -> None:
    for clip in "abcdef":
        (tmp_path / place / clip).mkdir(parents=True)
        for number in range(1, 13):
            picture = Image.new("RGB", (64, 48), (20 * number,) * 3)
            picture.save(tmp_path / place / clip / f"{name.format(number)}.{suffix}")
    shown = sampled_order(tmp_path)
    assert len(shown) == 6
    for levels in shown:
        assert levels == sorted(levels)


def test_masks_are_found_by_number_where_names_are_padded_otherwise(tmp_path: Path) -> None:
    for number in range(12):
        for place, name in (("JPEGImages", f"{number}.jpg"), ("Annotations", f"{number:05d}.png")):
            (tmp_path / place / "480p" / "bear").mkdir(parents=True, exist_ok=True)
            Image.new("L", (64, 48), number).save(tmp_path / place / "480p" / "bear" / name)
    _, (entry,) = find_clips(tmp_path)
    assert [path.stem for path in entry.masks] == [f"{number:05d}" for number in range(12)]


def test_numbers_are_compared_as_numbers() -> None:
    assert sorted(["10", "9", "a2", "a10", "a1b3", "a1b20", "1"], key=natural) == [
        "1",
        "9",
        "10",
        "a1b3",
        "a1b20",
        "a2",
        "a10",
    ]


CLUTTER = [
    "._c0.mp4",
    ".hidden.mp4",
    "__MACOSX/._c0.mp4",
    "__MACOSX/c0.mp4",
    ".trash/c9.mp4",
    ".ipynb_checkpoints/c0.mp4",
    "c0.mp4.part",
    "Thumbs.db",
    "notes.txt",
]


@pytest.mark.parametrize("name", CLUTTER)
def test_hidden_files_and_what_is_no_clip_are_passed_over(name: str, tmp_path: Path) -> None:
    (tmp_path / "c0.mp4").write_bytes(b"a")
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_bytes(b"\0\5\x16\7")
    assert [entry.id for entry in find_clips(tmp_path)[1]] == ["c0.mp4"]


LISTS = {
    "my_train.json": '[{"video": "c0.mp4"}]',
    "train.json": '[{"video": "c0.mp4"}]',
    "coco_validation.json": '{"images": []}',
    "broken_train.json": "{not json",
    "empty_train.json": "[]",
    "numbers_train.json": "[1, 2]",
    "._train.json": "\0",
    "half_train.json": '[{"id": "c0"}]',
}


@pytest.mark.parametrize(("name", "text"), LISTS.items(), ids=LISTS.keys())
def test_a_foreign_list_beside_clips_is_passed_over(name: str, text: str, tmp_path: Path) -> None:
    (tmp_path / "c0.mp4").write_bytes(b"a")
    (tmp_path / name).write_text(text)
    layout, found = find_clips(tmp_path)
    assert (layout, [entry.id for entry in found]) == ("folder", ["c0.mp4"])


def test_a_list_of_clips_that_are_not_there_is_named(tmp_path: Path) -> None:
    (tmp_path / "c0.mp4").write_bytes(b"a")
    (tmp_path / "something-something-v2-train.json").write_text('[{"id": "1", "template": "x"}]')
    with pytest.raises(DataError, match=r"none of the clips that something-something-v2-train\.json list lies there"):
        find_clips(tmp_path)


def test_linked_folders_are_followed_and_circles_end(tmp_path: Path) -> None:
    (tmp_path / "elsewhere" / "inner").mkdir(parents=True)
    (tmp_path / "elsewhere" / "inner" / "a.mp4").write_bytes(b"a")
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "linked").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "set" / "b.mp4").symlink_to(tmp_path / "elsewhere" / "inner" / "a.mp4")
    (tmp_path / "set" / "gone.mp4").symlink_to(tmp_path / "nowhere.mp4")
    (tmp_path / "elsewhere" / "inner" / "circle").symlink_to(tmp_path / "elsewhere")
    assert [entry.id for entry in find_clips(tmp_path / "set")[1]] == ["b.mp4", "linked/inner/a.mp4"]
    assert len(list(files_below(tmp_path / "set"))) == 2
