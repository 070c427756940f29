"""``foresight-bench data check``, typed as a user types it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from foresight_harness.surface.command import main
from PIL import Image

Check = Callable[..., tuple[int, dict[str, Any]]]


@pytest.fixture
def check(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Check:
    monkeypatch.chdir(tmp_path)

    def run(*words: str) -> tuple[int, dict[str, Any]]:
        capsys.readouterr()
        code = main(["data", "check", *words, "--json"])
        said = capsys.readouterr()
        return code, json.loads(said.out) if said.out else {"error": said.err}

    return run


@pytest.fixture
def photographs(tmp_path: Path, write_photographs: Callable[[Path], Path]) -> Path:
    return write_photographs(tmp_path / "photographs")


def test_a_coco_folder_is_counted_and_its_boxes_are_drawn(check: Check, photographs: Path, tmp_path: Path) -> None:
    path = photographs / "annotations.json"
    content = json.loads(path.read_text())
    content["annotations"][0]["bbox"][3] = 0
    content["annotations"].append({"id": 99, "image_id": 2, "category_id": 1, "bbox": [0, 0, 90, 90], "iscrowd": 1})
    path.write_text(json.dumps(content))
    code, found = check("photographs")
    assert code == 0
    assert found["dataset"] == "coco:photographs"
    splits = found["splits"]
    assert {split: counts["pictures"] for split, counts in splits.items()} == {"train": 5, "test": 6}
    assert sum(counts["crowds"] for counts in splits.values()) == 1
    assert splits["test"]["classes"] == {"thing": 6}
    assert found["left_out"] == {"objects whose box has no area": 1, "pictures without an object": 1}
    with Image.open(tmp_path / found["sheet"]) as sheet:
        pixels = np.asarray(sheet.convert("RGB")).reshape(-1, 3)
    assert (pixels == (0xE6, 0x19, 0x4B)).all(axis=1).sum() > 11 * 4 * 20  # the boxes' colour, two pixels wide
    assert (pixels == (0xA0, 0xA0, 0xA0)).all(axis=1).sum() > 100  # the crowd's


@pytest.mark.parametrize(
    "asked", ["coco:photographs", "photographs/annotations.json", "coco:photographs/annotations.json"]
)
def test_a_set_is_named_in_every_way(asked: str, check: Check, photographs: Path) -> None:
    code, found = check(asked)
    assert code == 0
    assert sum(counts["pictures"] for counts in found["splits"].values()) == 12


def test_what_lies_at_a_path_is_found_out(check: Check, photographs: Path, tmp_path: Path) -> None:
    shutil.copytree(photographs / "images", tmp_path / "pictures")
    assert check("pictures")[1]["dataset"] == "folder:pictures"
    for clip in "abcdef":
        (tmp_path / "clips" / clip).mkdir(parents=True)
        for number in range(10):
            Image.new("RGB", (32, 24), (20 * number, 9, 9)).save(tmp_path / "clips" / clip / f"{number}.png")
    assert check("clips")[1]["dataset"] == "folder:clips"
    assert check("video:clips")[1]["splits"]["train"]["pictures"] > 0


def test_a_set_of_the_harness_is_shown_too(check: Check) -> None:
    code, found = check("shapes", "--sheet", "other.png")
    assert code == 0
    assert Path("other.png").is_file()
    assert found["splits"]["test"]["objects"] >= 24


def test_a_picture_that_cannot_be_read_is_exit_1_and_named(check: Check, photographs: Path) -> None:
    next((photographs / "images").iterdir()).write_bytes(b"no picture")
    code, found = check("photographs")
    assert code == 1
    assert "cannot be read as a picture" in found["unreadable"][0]


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ("nowhere", "nowhere does not exist; name a folder, a file, or NAME:PATH"),
        ("coco", "coco needs a folder: coco:DIR"),
        ("coco:nowhere", "data folder nowhere does not exist"),
    ],
)
def test_a_slip_is_one_line(asked: str, message: str, check: Check) -> None:
    code, found = check(asked)
    assert code == 2
    assert message in found["error"]
    assert found["error"].count("\n") == 1


def test_names_of_classes_and_files_never_reach_the_terminal_as_commands(
    photographs: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = photographs / "annotations.json"
    content = json.loads(path.read_text())
    content["categories"][0]["name"] = "red\x1b[31m\nnext [bold]line"
    path.write_text(json.dumps(content))
    next((photographs / "images").iterdir()).write_bytes(b"no picture")
    assert main(["data", "check", str(photographs), "--sheet", str(tmp_path / "s.png")]) == 1
    said = capsys.readouterr().out
    assert "\x1b" not in said
    assert "red [31m next [bold]line" in " ".join(said.split())


def test_text_says_what_was_left_out(photographs: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["data", "check", str(photographs), "--sheet", str(tmp_path / "s.png")]) == 0
    said = capsys.readouterr().out
    assert "nothing was left out" in said
    assert "contact sheet: " in said


def test_text_does_not_say_that_nothing_was_left_out_beside_what_cannot_be_read(
    photographs: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    next((photographs / "images").iterdir()).write_bytes(b"no picture")
    assert main(["data", "check", str(photographs), "--sheet", str(tmp_path / "s.png")]) == 1
    said = " ".join(capsys.readouterr().out.split())
    assert "cannot be read: " in said
    assert "nothing was left out" not in said
