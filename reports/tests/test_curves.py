from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from foresight_reports.curves import write_curve
from foresight_reports.errors import FigureError


def found(names: list[str]) -> dict[str, Any]:
    points = [
        {"x": x, "value": 0.2 + x / 1000, "low": 0.1, "high": None if x == 512.0 else 0.9} for x in (64.0, 128.0, 512.0)
    ]
    facts = {"suite": "spatial", "metric": "iou", "unit": "ratio", "direction": "higher", "dataset": "shapes"}
    over = {"label": "training size", "unit": "samples"}
    return {**facts, "over": over, "curves": [{"candidate": name, "points": points} for name in names]}


@pytest.mark.parametrize("ending", [".svg", ".png", ".pdf"])
def test_the_same_content_gives_the_same_bytes(tmp_path: Path, ending: str) -> None:
    first, second = (write_curve(found(["$pixels_{x}$", "<b>&dino"]), tmp_path / f"{name}{ending}") for name in "ab")
    assert first.read_bytes() == second.read_bytes()
    assert len(first.read_bytes()) > 2000


def test_a_name_is_text_and_no_markup(tmp_path: Path) -> None:
    drawn = write_curve(found(["</svg><script>alert(1)</script>"]), tmp_path / "a.svg").read_text(encoding="utf-8")
    assert "<script" not in drawn


def test_candidates_beyond_the_colours_are_counted_not_drawn(tmp_path: Path) -> None:
    eight = write_curve(found([f"n{i}" for i in range(8)]), tmp_path / "a.svg").read_bytes()
    ten = write_curve(found([f"n{i}" for i in range(10)]), tmp_path / "b.svg").read_bytes()
    assert ten != eight  # the axis says "2 more candidates are not drawn"; texts are drawn as paths


def test_an_unknown_ending_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FigureError, match="has no known format"):
        write_curve(found(["n"]), tmp_path / "a.gif")
