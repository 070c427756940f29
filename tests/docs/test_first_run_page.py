"""The page on a first run shows the session that its script types, in words that the command understands."""

from __future__ import annotations

import re
import shlex
import sys
from contextlib import chdir
from pathlib import Path

import pytest
from foresight_harness.surface.command import command, main
from PIL import Image

DOCS = Path(__file__).resolve().parents[2] / "docs"
sys.path.insert(0, str(DOCS))
import first_run  # noqa: E402

PAGE = first_run.PAGE.read_text(encoding="utf-8")
SHOWN = re.findall(r"^```sh\n(.*)\n```$", PAGE, re.MULTILINE)


def test_the_page_shows_the_session_of_the_script_with_what_was_said() -> None:
    assert tuple(SHOWN) == first_run.SESSION
    said = re.findall(r"^```text\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    assert len(said) == len(SHOWN)
    assert re.search(r"^  a  +alexnet@relu3\S+ +0\.\d+", said[1], re.MULTILINE)
    assert re.search(r"^[1-9]\d* cells scored, 0 failed", said[1], re.MULTILINE)


@pytest.mark.parametrize("line", SHOWN)
def test_each_command_is_one_that_the_parser_understands(line: str) -> None:
    program, *words = shlex.split(line)
    assert program == "foresight-bench"
    options, rest = command(words[0]).parse_known_args(words)
    assert options.verb == words[0]
    assert words[0] == "run" or not rest


def test_the_page_names_no_machine_no_id_and_no_hour() -> None:
    assert not re.search(r"/tmp/|/home/|/root/|/work/|\d{8}T\d{6}Z", PAGE)
    text = (
        "run: /tmp/x/runs/20261129T202549Z_nogit_71e5\nplan: 83 s taken, 20 predicted\n4 passed in 68.21s (0:01:08)  \n"
    )
    kept = first_run.without_what_differs(text, Path("/tmp/x"))
    assert kept == "run: runs/RUN\nplan: ... s taken, ... predicted\n4 passed in ..."


def test_the_pictures_are_files_that_data_check_reads_whole(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first_run.write_pictures(tmp_path / "pictures", 6)
    with chdir(tmp_path):
        assert main(["data", "check", "coco:pictures"]) == 0
    assert "nothing was left out" in capsys.readouterr().out
    assert Image.open(tmp_path / "pictures" / "images" / "000.png").size == (224, 224)


def test_each_part_of_the_page_is_replaced_where_it_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copy = tmp_path / "first-run.md"
    copy.write_text(PAGE, encoding="utf-8")
    monkeypatch.setattr(first_run, "PAGE", copy)
    first_run.put("a \\1\nb\n", "| c |\n")
    text = copy.read_text(encoding="utf-8")
    assert "<!-- session -->\na \\1\nb\n<!-- end -->" in text
    assert "<!-- figures -->\n| c |\n<!-- end -->" in text
