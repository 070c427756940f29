from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from foresight_harness.judging.analyses.categories import analyse
from foresight_harness.running.run_folder.run_data import RunData
from foresight_harness.running.run_folder.samples import COLUMNS, write_samples

GOOD, BAD = "good@last/identity/single/linear", "bad@last/identity/single/linear"


def thing(iou: float, name: str | None, size: str = "large", place: str = "middle") -> dict[str, Any]:
    parts = {"size": size, "place": place} | ({} if name is None else {"class": name})
    return {"iou": iou, "centre_error": 1 - iou, **parts}


def picture(*things: dict[str, Any]) -> dict[str, Any]:
    """Every object found by one detection of the same score, a hit from IoU 0.5."""

    def matches(chosen: Sequence[dict[str, Any]]) -> dict[str, Any]:
        hits = [one["iou"] >= 0.5 for one in chosen]
        return {"scores": [0.9] * len(chosen), "hits": hits, "objects": len(chosen)}

    parts: dict[str, dict[str, Any]] = {}
    for way in ("class", "size", "place"):
        for level in {one[way] for one in things if way in one}:
            parts.setdefault(way, {})[level] = matches([one for one in things if one.get(way) == level])
    return {**matches(things), "each": list(things), "parts": parts}


@pytest.fixture
def run(write_run: Callable[..., Path], record: Callable[..., dict[str, Any]]) -> Callable[..., RunData]:
    """A run of given pictures by candidate and seed."""

    def make(found: dict[str, dict[int, list[dict[str, Any]]]], **changes: Any) -> RunData:
        records = []
        for number, (candidate, seeds) in enumerate(found.items()):
            fields = {"metric": "map50", "probe": "dense_ridge", "per_sample": "stats", "seeds": list(seeds)}
            records.append(record(candidate=candidate, cell=f"c{number}", **fields | changes))
        path = write_run(records)
        for number, seeds in enumerate(found.values()):
            rows = [
                dict.fromkeys(COLUMNS.names)
                | {"metric": "map50", "dataset": "shapes", "split": "test", "probe": "dense_ridge", "seed": seed}
                | {"sample": f"s{place}", "group": f"s{place}", "value": float("nan"), "stat": json.dumps(stat)}
                for seed, stats in seeds.items()
                for place, stat in enumerate(stats)
            ]
            write_samples(path / "samples" / f"c{number}.parquet", rows, {"run": "written", "cell": f"c{number}"})
            assert pq.read_table(path / "samples" / f"c{number}.parquet").num_rows == len(rows)
        return RunData.load(path)

    return make


def test_objects_are_parted_by_class_size_and_place(run: Callable[..., RunData]) -> None:
    """Chosen: discs are found (0.8), rings are not (0.2), and every ring is small and at the border."""
    stats = [picture(thing(0.8, "disc"), thing(0.2, "ring", "small", "border")) for _ in range(6)]
    found = analyse(run({GOOD: {0: stats}}))
    assert found is not None
    table = {(row["by"], row["level"]): row for row in found.rows}
    assert set(table) == {
        ("class", "disc"),
        ("class", "ring"),
        ("size", "large"),
        ("size", "small"),
        ("place", "border"),
        ("place", "middle"),
    }
    disc, ring = table["class", "disc"], table["class", "ring"]
    assert (disc["iou"].value, ring["iou"].value) == (pytest.approx(0.8), pytest.approx(0.2))
    assert (disc["map50"].value, ring["map50"].value) == (pytest.approx(1.0), pytest.approx(0.0))
    assert ring["centre_error"].value == pytest.approx(0.8)
    assert disc["objects"] == disc["iou"].n == 6
    assert table["place", "border"]["iou"] == table["size", "small"]["iou"] == ring["iou"]
    assert "by class from 0.20 (ring) to 0.80 (disc), by size from 0.20 (small) to 0.80 (large)" in found.finding


def test_intervals_resample_pictures_and_not_objects(run: Callable[..., RunData]) -> None:
    stats = [picture(*[thing(0.1 * place, "disc")] * 5) for place in range(10)]
    found = analyse(run({GOOD: {0: stats}}))
    assert found is not None
    (disc,) = [row for row in found.rows if row["by"] == "class"]
    assert disc["objects"] == 50
    assert disc["iou"].low < 0.33 < 0.57 < disc["iou"].high  # of ten pictures; fifty objects would give a third of it


def test_several_seeds_are_taken_together(run: Callable[..., RunData]) -> None:
    first, second = ([picture(thing(iou, "disc")) for _ in range(8)] for iou in (0.4, 0.8))
    found = analyse(run({GOOD: {0: first, 1: second}}))
    assert found is not None
    assert next(row for row in found.rows if row["by"] == "class")["iou"].value == pytest.approx(0.6)


def test_the_finding_tells_of_the_candidate_that_finds_objects_best(run: Callable[..., RunData]) -> None:
    low = [picture(thing(0.2, "disc"), thing(0.1, "ring")) for _ in range(4)]
    high = [picture(thing(0.9, "disc"), thing(0.7, "ring")) for _ in range(4)]
    found = analyse(run({BAD: {0: low}, GOOD: {0: high}}))
    assert found is not None
    assert found.finding.startswith(f"On shapes, {GOOD} finds objects with an IoU by class from 0.70 (ring) to 0.90")
    assert len({row["candidate"] for row in found.rows}) == 2


def test_parts_whose_intervals_overlap_are_not_told_apart(run: Callable[..., RunData]) -> None:
    stats = [picture(thing(0.1 * n, "disc"), thing(0.1 * n + 0.02, "ring")) for n in range(8)]
    found = analyse(run({GOOD: {0: stats}}))
    assert found is not None
    assert found.finding == f"On shapes, {GOOD} finds no part of the objects surely better."
    stats = [picture(thing(0.8, "disc"), thing(0.2, "ring", place="border"), thing(0.8, "ring")) for _ in range(8)]
    found = analyse(run({GOOD: {0: stats}}))
    assert found is not None
    assert "by place from 0.20 (border) to 0.80 (middle)" in found.finding


def test_objects_without_names_are_parted_by_size_and_place_alone(run: Callable[..., RunData]) -> None:
    found = analyse(run({GOOD: {0: [picture(thing(0.5, None)) for _ in range(4)]}}))
    assert found is not None
    assert {row["by"] for row in found.rows} == {"size", "place"}
    assert found.finding == "All objects of shapes are of one class, size and place."


def test_a_part_of_one_object_has_no_row(run: Callable[..., RunData]) -> None:
    stats = [picture(thing(0.5, "disc")), picture(thing(0.5, "disc")), picture(thing(0.5, "ring"))]
    found = analyse(run({GOOD: {0: stats}}))
    assert found is not None
    assert [row["level"] for row in found.rows if row["by"] == "class"] == ["disc"]


def test_statistics_of_an_older_run_conclude_nothing(run: Callable[..., RunData]) -> None:
    plain = {"scores": [0.9], "hits": [True], "objects": 1}
    assert analyse(run({GOOD: {0: [plain, plain]}})) is None


def test_controls_out_of_range_and_controls_themselves_are_left_out(run: Callable[..., RunData]) -> None:
    stats = {GOOD: {0: [picture(thing(0.5, "disc")) for _ in range(3)]}}
    assert analyse(run(stats, controls_ok=False)) is None
    assert analyse(run(stats, admission="refused")) is None
    assert analyse(run(stats, role="ceiling")) is None
