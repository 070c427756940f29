"""Figures: every name gives a picture, the same bytes each time, and no name is read as markup."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest
from foresight_reports.errors import FigureError, ReportError
from foresight_reports.figures import figure_names, write_figure
from PIL import Image


def test_every_figure_of_a_run_is_drawn(make: Callable[..., Path], tmp_path: Path) -> None:
    run = make(analyses=True)
    names = figure_names(run)
    kinds = {name.split("-")[0] for name in names}
    strips = {"audit", "attribution", "proxies", "categories"}
    assert kinds == {"leaderboard", "tradeoff", "layers", "similarity", "embeddings", *strips}
    for kind in sorted(kinds):
        with Image.open(write_figure(run, kind, tmp_path / f"{kind}.png")) as picture:
            assert picture.width > 600, kind
            assert len(picture.convert("L").getcolors(10_000) or ()) > 5, kind


def test_a_figure_is_the_same_bytes_twice(make: Callable[..., Path], tmp_path: Path) -> None:
    run = make(analyses=True)
    first = write_figure(run, "audit", tmp_path / "a.svg").read_bytes()
    assert write_figure(run, "audit", tmp_path / "b.svg").read_bytes() == first
    assert ElementTree.fromstring(first).tag.endswith("svg")


def test_a_name_is_drawn_as_it_is_and_never_read_as_a_formula(make: Callable[..., Path], tmp_path: Path) -> None:
    run = make(analyses=True)
    for file in (run / "records.jsonl", run / "analysis" / "audit.json"):
        file.write_text(file.read_text().replace("dinov2_tiny", "$\\\\frac{1$ <b>\\u202e" + "x" * 500))
    for name in ("leaderboard", "tradeoff", "audit"):
        assert write_figure(run, name, tmp_path / f"{name}.svg").stat().st_size > 1000


def test_an_unknown_figure_lists_what_there_is(make: Callable[..., Path], tmp_path: Path) -> None:
    with pytest.raises(FigureError, match=r"no figure 'nope'. It has: leaderboard, .*audit") as caught:
        write_figure(make(analyses=True), "nope", tmp_path / "nope.svg")
    assert "\n" not in str(caught.value)
    assert isinstance(caught.value, ReportError)


def test_an_unknown_format_is_refused_before_anything_is_read(tmp_path: Path) -> None:
    with pytest.raises(FigureError, match="has no known format"):
        write_figure(tmp_path / "absent", "audit", tmp_path / "audit.exe")
