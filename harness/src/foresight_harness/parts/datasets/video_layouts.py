"""Folders of clips: Something-Something v2, UCF101, DAVIS, or any folder of video files. Nothing is decoded here."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from foresight_harness.contracts.errors import DataError
from foresight_harness.parts.datasets.files import files_below, is_picture, natural

CLIPS = (".mp4", ".webm", ".avi", ".mkv", ".mov", ".m4v", ".mpg", ".mpeg", ".wmv", ".flv", ".3gp", ".ogv")
LAYOUTS = "Something-Something v2, UCF101, DAVIS, folders of numbered pictures, or any folder of " + ", ".join(CLIPS)
SIDEWAYS = {"from left to right": 0, "from right to left": 4}
"""What Something-Something's templates say of the direction; other templates say none."""


@dataclass(frozen=True)
class Entry:
    """One clip of a folder."""

    id: str
    group: str
    """Clips of one source: they are never in two splits, where the folder does not say otherwise."""
    files: tuple[Path, ...]
    """One video file, or the frames in order."""
    split: str | None = None
    action: str | None = None
    direction: int | None = None
    masks: tuple[Path, ...] = ()
    """One indexed picture a frame."""


def find_clips(folder: Path) -> tuple[str, list[Entry]]:
    """The layout's name and all clips of a folder, in the order of their ids.

    Raises:
        DataError: where the folder is absent, holds no clip, or its lists contradict its files.
    """
    if not folder.is_dir():
        raise DataError(f"data folder {folder} does not exist; video:DIR reads {LAYOUTS}")
    for name, reader in READERS.items():
        entries = reader(folder)
        if entries:
            return name, sorted(entries, key=lambda entry: entry.id)
        if entries is not None:
            break
    raise DataError(f"{folder} holds no clips; video:DIR reads {LAYOUTS}")


def split_of(entry: Entry) -> str:
    """The folder's own split, else by a hash of the group that no other clip changes: one half each."""
    return entry.split or ("train" if hashlib.sha256(entry.group.encode()).digest()[0] < 128 else "test")


def _videos(folder: Path) -> list[Path]:
    return sorted(path for path in files_below(folder) if path.suffix.lower() in CLIPS)


def _frames(folder: Path) -> list[Entry] | None:
    """Two and more folders of numbered pictures, each one clip; None where there are video files or other pictures."""
    if _videos(folder):
        return None
    clips: dict[Path, list[Path]] = {}
    for path in files_below(folder):
        if is_picture(path.name):
            clips.setdefault(path.parent, []).append(path)
    if len(clips) < 2 or not all(re.search(r"\d$", path.stem) for paths in clips.values() for path in paths):
        return None
    found = []
    for place, paths in clips.items():
        id = place.relative_to(folder).as_posix() if place != folder else folder.name
        found.append(Entry(id, id, in_order(paths)))
    return found


def in_order(frames: Iterable[Path]) -> tuple[Path, ...]:
    """Frames in the order of their numbers: ``2.jpg`` before ``10.jpg``."""
    return tuple(sorted(frames, key=lambda path: (natural(path.stem), path.name)))


def _plain(folder: Path) -> list[Entry]:
    found = []
    for path in _videos(folder):
        id = path.relative_to(folder).as_posix()
        action = path.parent.name if path.parent != folder else None
        found.append(Entry(id, id, (path,), action=action))
    return found


def _davis(folder: Path) -> list[Entry] | None:
    resolutions = sorted(path for path in (folder / "JPEGImages").glob("*") if path.is_dir())
    if not resolutions:
        return None
    pictures = next((path for path in resolutions if path.name == "480p"), resolutions[0])
    splits: dict[str, str] = {}
    for year in ("2017", "2016"):
        for name, split in (("train", "train"), ("val", "test")):
            listed = folder / "ImageSets" / year / f"{name}.txt"
            for line in listed.read_text(encoding="utf-8").splitlines() if listed.is_file() else ():
                if line.strip():
                    splits.setdefault(line.split()[0].strip("/").split("/")[-1].partition(".")[0], split)
    found = []
    for sequence in sorted(path for path in pictures.iterdir() if path.is_dir() and not path.name.startswith(".")):
        frames = in_order(path for path in sequence.iterdir() if is_picture(path.name))
        if not frames:
            raise DataError(f"{sequence} has no frames (*.jpg); remove it or unpack it again")
        masks = _masks_of(frames, folder / "Annotations" / pictures.name / sequence.name)
        found.append(Entry(sequence.name, sequence.name, frames, splits.get(sequence.name), masks=masks))
    return found


def _masks_of(frames: Sequence[Path], annotated: Path) -> tuple[Path, ...]:
    """The mask of each frame, by its name, else by its number; none where there is no folder of masks.

    Raises:
        DataError: where a frame has none.
    """
    if not annotated.is_dir():
        return ()
    masks = {path.stem: path for path in annotated.glob("*.png") if not path.name.startswith(".")}
    masks |= {stem.lstrip("0"): path for stem, path in masks.items() if stem.isdecimal()}
    found = [masks.get(frame.stem) or masks.get(frame.stem.lstrip("0")) for frame in frames]
    absent = next((frame for frame, mask in zip(frames, found, strict=True) if mask is None), None)
    if absent is not None:
        raise DataError(
            f"{annotated / absent.stem}.png is not there, and {annotated.name} has other masks; DAVIS has one a frame"
        )
    return tuple(mask for mask in found if mask is not None)


def _something(folder: Path) -> list[Entry] | None:
    lists = {
        split: path
        for split, word in (("train", "train"), ("test", "validation"))
        for path in sorted([*folder.glob(f"*{word}.json"), *folder.glob(f"labels/*{word}.json")])
        if not path.name.startswith(".")
    }
    if not lists:
        return None
    videos = {path.stem: path for path in _videos(folder)}
    found: dict[str, Entry] = {}
    known = False
    for split, path in lists.items():
        for entry in _json_list(path):
            known = True
            id, template = str(entry["id"]), str(entry.get("template", entry.get("label", "")))
            if id in videos:  # the lists name all 220,847 clips, and a folder may hold some of them
                plain = re.sub(r"[\[\]]", "", template)
                direction = next((way for text, way in SIDEWAYS.items() if text in plain.lower()), None)
                found[id] = Entry(id, id, (videos[id],), split, plain, direction)
    if found or not known:
        return list(found.values()) or None
    if any(_is_its_own(path) for path in lists.values()):
        named = " and ".join(path.name for path in lists.values())
        raise DataError(
            f"{folder}: none of the clips that {named} list lies there; unpack them, or take the lists away"
        )
    return None


def _is_its_own(path: Path) -> bool:
    """Whether a list is called as Something-Something's are, so that it is meant for its clips."""
    return (
        path.name.startswith(("something-something", "train.json", "validation.json")) or path.parent.name == "labels"
    )


def _json_list(path: Path) -> list[dict[str, Any]]:
    """Entries of a list of Something-Something; none of another list. Raises: DataError where it is damaged."""
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError) as error:
        if not path.name.startswith("something-something"):
            return []
        raise DataError(f"{path} cannot be read as JSON ({type(error).__name__}: {error})") from error
    entries = content if isinstance(content, list) else []
    if entries and all(
        isinstance(entry, dict) and "id" in entry and {"label", "template"} & entry.keys() for entry in entries
    ):
        return entries
    if path.name.startswith("something-something"):
        raise DataError(f"{path} is no list of clips, as Something-Something v2 has it")
    return []


def _ucf101(folder: Path) -> list[Entry] | None:
    videos = [path for path in _videos(folder) if re.fullmatch(r"v_\w+_g\d+_c\d+", path.stem)]
    if not videos:
        return None
    splits: dict[str, str] = {}
    for split in ("train", "test"):
        for listed in sorted(folder.rglob(f"{split}list01.txt")):
            for line in listed.read_text(encoding="utf-8").splitlines():
                if line.strip():
                    splits[Path(line.split()[0]).stem] = split
    return [
        Entry(path.stem, path.stem.rpartition("_c")[0], (path,), splits.get(path.stem), path.parent.name)
        for path in videos
    ]


READERS: dict[str, Callable[[Path], list[Entry] | None]] = {
    "davis": _davis,
    "something_something": _something,
    "ucf101": _ucf101,
    "frames": _frames,
    "folder": _plain,
}
"""In the order in which layouts are tried; None is another layout."""
