"""The verdict: what may be said at first sight, and what must stand beside a number before it means anything."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from foresight_reports.analysis.ties import judged
from foresight_reports.boards import build_boards
from foresight_reports.reading import read_run
from foresight_reports.verdict import Verdict, judge
from make_rankings import board_of, rankings, rows_of

WHOLE: dict[str, Any] = {"suites": ("spatial",), "weights": "pretrained", "twins": True}
Make = Callable[..., Path]


def verdict(run: Path, **said: Any) -> Verdict:
    """Of a run whose boards the harness judged, each with what is said of it."""
    read = read_run(run)
    boards = build_boards([read])
    lines = [line for board in boards for line in rows_of(board, ["a", "b"])]
    found = judged(boards, read.name, rankings(lines, [board_of(board, **said) for board in boards]))
    return judge([read], found, [])


def edit(run: Path, keep: Callable[[dict[str, Any]], bool], copies: Sequence[dict[str, Any]] = ()) -> Path:
    """The run without some of its records, and with copies of the rest under changes."""
    lines = [json.loads(line) for line in (run / "records.jsonl").read_text().splitlines()]
    kept = [line for line in lines if keep(line)]
    kept += [{**line, **change} for change in copies for line in kept]
    (run / "records.jsonl").write_text("".join(json.dumps(line) + "\n" for line in kept))
    return run


def test_measured_is_said_where_controls_and_twins_stand_and_hold(make: Make) -> None:
    found = verdict(make(**WHOLE), against_twins="It is better than its twin with random weights (0.100).")
    assert (found.state, found.word) == ("measured", "Measured")
    assert "is the best of" in found.sentence


def test_without_twins_a_run_is_provisional_and_the_candidates_are_named(make: Make) -> None:
    found = verdict(make(**{**WHOLE, "twins": False}))
    assert (found.state, found.word) == ("provisional", "Provisional")
    assert "scored without a twin with random weights (" in found.sentence


def test_a_leader_that_its_twin_equals_is_not_measured(make: Make) -> None:
    said = "It cannot be told from its twin with random weights (0.500): training has shown nothing here."
    found = verdict(make(**WHOLE), against_twins=said, twin="not told apart")
    assert found.word == "Provisional"
    assert said in found.sentence


def test_deleted_controls_are_missed(make: Make) -> None:
    run = make(**WHOLE)
    manifest = json.loads((run / "run.json").read_text())
    streams = ["oracle@patches", "pixels@patches", "shuffled@patches"]
    manifest["suite_facts"] = {"spatial": {"controls": streams, "controls_without_masks": []}}
    (run / "run.json").write_text(json.dumps(manifest))
    twins = {"against_twins": "It is better than its twin."}
    assert verdict(run, **twins).word == "Measured"
    found = verdict(edit(run, lambda line: not line["candidate"].startswith("shuffled")), **twins)
    assert found.word == "Provisional"
    assert "Controls are missing on Spatial on shapes" in found.sentence
    assert any("has no shuffled@patches" in caveat for caveat in found.caveats)


def test_a_tie_and_a_floor_are_named_in_the_first_sentence(make: Make) -> None:
    floor = "x cannot be told from the floor pixels@patches (0.6)."
    tie = {"finding": "By iou, 3 of 4 candidates can be the best.", "floors": "not told apart"}
    found = verdict(make(**WHOLE), **tie, against_floors=floor)
    assert found.word == "Provisional"
    assert "3 of 4 candidates can be the best" in found.sentence
    assert floor in found.sentence
    assert "not told from a floor" in found.tiles[0].note


@pytest.mark.parametrize("saturated", [True, False])
def test_the_board_that_tells_most_is_quoted_and_never_a_saturated_one(make: Make, saturated: bool) -> None:
    run = edit(make(**WHOLE), lambda line: True, [{"dataset": "coins"}])
    read = read_run(run)
    boards = build_boards([read])
    lines = [line for board in boards for line in rows_of(board, ["a", "b"])]
    told = {"coins": (0.9, saturated), "shapes": (0.6, False)}
    said = []
    for board in boards:
        separation, full = told[board.group.dataset]
        about = {"finding": f"On {board.group.dataset}.", "separation": separation, "saturated": full}
        said.append(board_of(board, **about))
    found = judge([read], judged(boards, read.name, rankings(lines, said)), [])
    wanted = "shapes" if saturated else "coins"
    assert f"On {wanted}." in found.sentence
    assert found.tiles[0].board.group.dataset == wanted
    assert any("Spatial on coins (test), dense_ridge is saturated" in each for each in found.caveats) is saturated


def test_one_random_candidate_among_real_ones_is_marked_by_its_name(make: Make) -> None:
    run = make(**WHOLE)
    name = build_boards([read_run(run)])[0].rows[-1].pipeline.candidate
    lines = [json.loads(line) for line in (run / "records.jsonl").read_text().splitlines()]
    for line in lines:
        if line["candidate"] == name:
            line["provenance"][0]["kind"] = "random"
    (run / "records.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    found = verdict(run, against_twins="It is better than its twin.")
    assert found.word == "Measured"
    assert any(f"ran with random weights ({name})" in caveat for caveat in found.caveats)


def test_no_share_is_drawn_outside_of_floor_and_ceiling_and_the_reason_is_given(make: Make) -> None:
    run = make(**WHOLE)
    lines = [json.loads(line) for line in (run / "records.jsonl").read_text().splitlines()]
    for line in lines:
        if line["metric"] == "iou":
            line["ceiling"] = 0.1
    (run / "records.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    (tile,) = verdict(run).tiles
    assert tile.share is None
    assert "above its ceiling oracle, which is then no bound" in tile.note
