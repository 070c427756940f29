"""Comparability groups, ranking and refusal."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from foresight_reports import captions
from foresight_reports.board import Board
from foresight_reports.boards import build_boards
from foresight_reports.reading import read_run
from foresight_reports.records import parse_record
from foresight_reports.refusals import refusals, told_apart
from foresight_reports.shares import off_the_way, share_of_range
from foresight_reports.tables import ranked_row


def edit(run: Path, change: Callable[[dict[str, Any]], None]) -> Path:
    """Change every record of a run in place."""
    lines = [json.loads(line) for line in (run / "records.jsonl").read_text().splitlines()]
    for line in lines:
        change(line)
    (run / "records.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return run


def boards_of(*runs: Path) -> list[Board]:
    return build_boards([read_run(run, place) for place, run in enumerate(runs)])


def spatial(boards: list[Board]) -> Board:
    return next(board for board in boards if board.group.suite == "spatial")


def test_each_suite_has_its_own_board_in_the_order_of_the_run(make: Callable[..., Path]) -> None:
    suites = [board.group.suite for board in boards_of(make())]
    assert suites == ["spatial", "reconstruction", "alignment", "efficiency"]


def test_rows_are_ranked_by_the_primary_metric_in_its_direction(make: Callable[..., Path]) -> None:
    boards = boards_of(make())
    for board, sign in ((spatial(boards), -1), (boards[1], 1)):
        values = [sign * (row.value(board.primary.metric) or 0.0) for row in board.rows]
        assert values == sorted(values)
        assert [row.rank for row in board.rows] == list(range(1, len(board.rows) + 1))


def test_tokens_a_picture_stand_at_each_candidate_where_they_differ_and_once_where_not(
    make: Callable[..., Path],
) -> None:
    run = make()
    equal = spatial(boards_of(edit(run, lambda line: line.update(tokens=[256]))))
    assert equal.tokens == "256"
    assert "tokens</span>" not in ranked_row(equal.rows[0], equal, {})

    def unequal(line: dict[str, Any]) -> None:
        line["tokens"] = [2304, 64] if line["candidate"].startswith("dinov2") else [64]

    board = spatial(boards_of(edit(run, unequal)))
    assert board.tokens == ""
    assert any("2,304+64 tokens</span>" in ranked_row(row, board, {}) for row in board.rows)


def test_controls_are_never_ranked(make: Callable[..., Path]) -> None:
    board = spatial(boards_of(make()))
    assert {row.role for row in board.controls} == {"floor", "ceiling"}
    assert all(row.rank is None for row in board.controls)
    assert not {row.pipeline for row in board.controls} & {row.pipeline for row in board.rows}
    oracle = next(row for row in board.controls if row.role == "ceiling")
    assert (oracle.value("iou") or 0) > (board.rows[0].value("iou") or 0)


def test_floors_and_ceilings_that_records_quote_are_rows_of_their_own(make: Callable[..., Path]) -> None:
    board = spatial(boards_of(make()))
    names = {(reference.role, reference.name): reference.values["iou"] for reference in board.references}
    assert names == {("ceiling", "oracle"): 0.89, ("floor", "mean_box"): 0.06}


def test_a_control_out_of_range_takes_the_ranks_away(make: Callable[..., Path]) -> None:
    board = spatial(boards_of(make(broken=("spatial",))))
    assert board.broken
    assert board.leader is None
    assert [row.rank for row in board.rows] == [None] * len(board.rows)
    assert [row.pipeline for row in board.rows] == sorted(row.pipeline for row in board.rows)


def test_a_missing_value_has_no_rank_and_stands_last(make: Callable[..., Path]) -> None:
    run = make()
    name = spatial(boards_of(run)).rows[0].pipeline.candidate

    def forget(line: dict[str, Any]) -> None:
        if line["candidate"] == name and line["metric"] == "iou":
            line["value"] = None

    board = spatial(boards_of(edit(run, forget)))
    assert board.rows[-1].pipeline.candidate == name
    assert board.rows[-1].rank is None
    assert board.rows[0].rank == 1


def test_overlap_with_the_leader_is_marked(make: Callable[..., Path]) -> None:
    run = make()
    assert not spatial(boards_of(run)).rows[-1].tied

    def widen(line: dict[str, Any]) -> None:
        if line["metric"] == "iou":
            line.update(ci_low=0.0, ci_high=1.0)

    board = spatial(boards_of(edit(run, widen)))
    assert [row.tied for row in board.rows] == [False] + [True] * (len(board.rows) - 1)


def test_unequal_protocols_are_two_boards_and_the_choice_is_named(make: Callable[..., Path]) -> None:
    runs = [read_run(make(suites=("spatial",))), read_run(make(suites=("spatial",), steps=50), 1)]
    boards = build_boards(runs)
    assert len(boards) == 2
    (refusal,) = refusals(boards, runs)
    assert refusal.differences == ("fit_steps: 200 and 50",)
    assert [board.distinction for board in told_apart(boards, runs)] == ["fit_steps 200", "fit_steps 50"]


def test_many_protocols_of_one_subject_are_refused_in_one_go(make: Callable[..., Path]) -> None:
    runs = [read_run(make(suites=("spatial",), steps=steps), place) for place, steps in enumerate((200, 50, 10))]
    (refusal,) = refusals(build_boards(runs), runs)
    assert refusal.differences == ("fit_steps: 200, 50 and 10",)


def test_equal_protocols_of_two_runs_share_a_board(make: Callable[..., Path]) -> None:
    runs = [read_run(make(suites=("spatial",))), read_run(make(suites=("spatial",)), 1)]
    (board,) = build_boards(runs)
    assert {row.pipeline.run for row in board.rows} == {run.name for run in runs}
    assert refusals([board], runs) == []


def test_protocols_that_the_manifest_does_not_list_are_refused_all_the_same(make: Callable[..., Path]) -> None:
    run = make(suites=("spatial",))

    def split(line: dict[str, Any]) -> None:
        if line["candidate"].startswith("qwen"):
            line["protocol"] = "feedfeedfeedfeed"

    read = read_run(edit(run, split))
    boards = build_boards([read])
    (refusal,) = refusals(boards, [read])
    assert refusal.differences[0].startswith("protocol: ")
    assert "feedfeedfeed (not listed in the manifest)" in refusal.differences[0]


def test_other_data_is_another_board(make: Callable[..., Path]) -> None:
    run = make(suites=("spatial",))

    def other(line: dict[str, Any]) -> None:
        if line["candidate"].startswith("qwen"):
            line["fingerprint"] = "0123456789abcdef"

    read = read_run(edit(run, other))
    (refusal,) = refusals(build_boards([read]), [read])
    assert refusal.differences[0].startswith("data: ")


def test_times_of_two_machines_are_two_boards(make: Callable[..., Path]) -> None:
    boards = boards_of(make(suites=("spatial", "efficiency")), make(suites=("spatial", "efficiency"), hardware="ffff"))
    assert [board.group.suite for board in boards] == ["spatial", "efficiency", "efficiency"]


def test_the_share_of_the_range_works_in_both_directions() -> None:
    higher = parse_record({"value": 0.5, "floor": 0.0, "ceiling": 1.0}, 0)
    lower = parse_record({"value": 0.2, "floor": 0.8, "ceiling": 0.0}, 0)
    assert share_of_range(higher) == pytest.approx(0.5)
    assert share_of_range(lower) == pytest.approx(0.75)
    assert share_of_range(parse_record({"value": 0.2, "floor": None, "ceiling": 0.0}, 0)) is None


@pytest.mark.parametrize(
    ("value", "floor", "ceiling", "said"),
    [
        (0.5, 0.0, 1.0, ""),
        (1.2, 0.0, 1.0, "it lies above its ceiling round_trip, which is then no bound"),
        (-0.1, 0.0, 1.0, "it is worse than mean_picture, which sees no features"),
        (0.5, 1.0, 0.2, "its ceiling round_trip is no better than mean_picture"),
    ],
)
def test_a_value_off_the_way_from_floor_to_ceiling_has_no_share_and_a_reason(
    value: float, floor: float, ceiling: float, said: str
) -> None:
    names = {"floor_by": "mean_picture", "ceiling_by": "round_trip", "direction": "higher"}
    record = parse_record({"value": value, "floor": floor, "ceiling": ceiling, **names}, 0)
    assert off_the_way(record).startswith(said)
    assert (share_of_range(record) is None) is bool(said)


def test_one_number_in_two_runs_has_one_rank_and_the_run_of_the_page_stands_first(make: Callable[..., Path]) -> None:
    first, other = make(suites=("spatial",)), make(suites=("spatial",))
    board = spatial(boards_of(other, first))
    assert [row.rank for row in board.rows[:4]] == [1, 1, 3, 3]
    assert [row.pipeline.run for row in board.rows[:2]] == [other.name, first.name]


def test_a_floor_that_no_candidate_beats_is_named(make: Callable[..., Path]) -> None:
    run = make(suites=("spatial",))
    assert "No candidate beats" not in captions.board(spatial(boards_of(run)))

    def lift(line: dict[str, Any]) -> None:
        if line["role"] == "floor" and line["metric"] == "iou" and "pixels" in line["candidate"]:
            line["value"] = 0.99

    assert "No candidate beats the floor pixels@patch" in captions.board(spatial(boards_of(edit(run, lift))))


def test_a_single_row_is_not_compared_with_none(make: Callable[..., Path]) -> None:
    board = spatial(boards_of(make(suites=("spatial",))))
    said = captions.board(replace(board, rows=board.rows[:1]))
    assert "It is the only candidate of this table." in said
    assert "cannot be told" not in said


def test_refused_rows_are_not_counted_among_those_that_score_the_same(make: Callable[..., Path]) -> None:
    run = make(suites=("spatial",))
    first = spatial(boards_of(run)).rows[0].pipeline.candidate

    def refuse(line: dict[str, Any]) -> None:
        if line["role"] == "candidate" and line["candidate"] != first:
            line["admission"] = "refused"

    board = spatial(boards_of(edit(run, refuse)))
    assert [row.pipeline.candidate for row in board.ranked] == [first]
    assert len(board.rows) > 1
    assert not board.flat
    assert "score the same" not in captions.board(board)
    assert "It is the only candidate that is ranked here." in captions.board(board)


def test_a_quoted_ceiling_that_a_control_repeats_is_no_second_row(make: Callable[..., Path]) -> None:
    board = spatial(boards_of(make(suites=("spatial",))))
    (ceiling,) = [each for each in board.references if each.role == "ceiling"]
    control = next(row for row in board.controls if row.role == "ceiling")
    known = {name: record.value for name, record in control.records.items() if record.value is not None}
    assert ceiling in board.quoted
    assert replace(board, references=[replace(ceiling, values=known)]).quoted == []


def test_what_all_controls_are_is_said_once() -> None:
    notes = ["as known: oracle scores 0.9 IoU", "as known: shuffled scores 0.1 IoU"]
    assert captions.controls(notes) == (
        "Controls are where they must be: oracle scores 0.9 IoU; shuffled scores 0.1 IoU."
    )
    assert captions.controls([*notes, "out of range: constant"]).startswith("Controls: as known: oracle")
    assert captions.controls([]) == ""


def test_where_all_score_the_same_nobody_leads(make: Callable[..., Path]) -> None:
    def flatten(line: dict[str, Any]) -> None:
        if line["metric"] == "iou" and line["role"] == "candidate":
            line["value"] = 0.25

    run = make(suites=("spatial",))
    assert not spatial(boards_of(run)).flat
    board = spatial(boards_of(edit(run, flatten)))
    assert board.flat
    assert captions.board(board).startswith(f"All {len(board.rows)} candidates score the same: IoU 0.250")
    assert "leads" not in captions.board(board)
