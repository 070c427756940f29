"""The figures of classes, sizes and places."""

from __future__ import annotations

from typing import Any

import pytest
from foresight_reports.analysis.categories import DRAWN, categories, shown
from foresight_reports.analysis.files import Analysis, Head, Measured


def row(candidate: str, level: str, iou: float | None, by: str = "class", objects: float = 10.0) -> dict[str, Any]:
    measured = Measured(iou) if iou is None else Measured(iou, iou - 0.1, iou + 0.1, 10)
    return {"suite": "spatial", "dataset": "shapes", "probe": "dense_ridge", "candidate": candidate} | {
        "by": by,
        "level": level,
        "objects": objects,
        "iou": measured,
    }


def of(rows: list[dict[str, Any]]) -> Analysis:
    return Analysis("categories", "", "", [], {}, [Head("iou", "IoU")], rows)


def test_parts_stand_worst_first_as_the_best_candidate_finds_them() -> None:
    rows = [row("a", "ring", 0.2), row("a", "disc", 0.8), row("a", "bar", 0.5), row("b", "ring", 0.3)]
    (strip,) = categories(of([*rows, row("b", "disc", 0.1), row("b", "bar", 0.1)]))
    assert strip.title == "IoU by class on shapes (dense_ridge)"
    assert strip.sentence == "a: ring 0.20, the worst of 3, disc 0.80."
    assert strip.chart["rows"] == [["ring", "class"], ["bar", "class"], ["disc", "class"]]
    assert [kind["name"] for kind in strip.chart["kinds"]] == ["a", "b"]
    assert strip.chart["points"][0][:5] == [0, 0, 0.2, 0.1, 0.3]
    assert len(strip.chart["points"]) == 6


def test_ways_of_parting_share_a_figure_and_one_part_alone_is_left_out() -> None:
    rows = [row("a", "small", 0.2, "size"), row("a", "large", 0.8, "size"), row("a", "middle", 0.8, "place")]
    rows += [row("a", "x", 0.5), row("a", "y", 0.4)]
    (strip,) = categories(of(rows))
    assert strip.title == "IoU by size, class on shapes (dense_ridge)"
    assert strip.sentence == "a: small 0.20, large 0.80; y 0.40, x 0.50."
    assert strip.chart["rows"] == [["small", "size"], ["large", "size"], ["y", "class"], ["x", "class"]]
    assert categories(of([])) == []
    assert categories(of([row("a", "x", None), row("a", "y", None)])) == []


def test_only_the_candidates_that_find_objects_best_are_drawn() -> None:
    rows = [row(f"c{n}", level, 0.1 * n) for n in range(8) for level in ("x", "y")]
    (strip,) = categories(of(rows))
    assert [kind["name"] for kind in strip.chart["kinds"]] == ["c7", "c6"]
    assert len(strip.chart["points"]) == 2 * DRAWN


def test_the_table_has_the_drawn_candidates_of_each_data_set() -> None:
    rows = [row(f"c{n}", level, 0.1 * n) for n in range(8) for level in ("x", "y")]
    rows += [{**row("c0", "x", 0.5), "dataset": "coins"}]
    found = {(line["dataset"], line["candidate"]) for line in shown(of(rows))}
    assert found == {("shapes", "c7"), ("shapes", "c6"), ("coins", "c0")}
    assert not {"suite", "probe"} & set(shown(of(rows))[0])


@pytest.mark.parametrize("name", ["<b>", "a\nb"])
def test_names_of_classes_are_data_and_stay_so(name: str) -> None:
    (strip,) = categories(of([row("a", name, 0.2), row("a", "disc", 0.8)]))
    assert strip.chart["rows"][0] == [name, "class"]
