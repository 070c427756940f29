"""Layer profiles and heat maps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from foresight_reports import captions
from foresight_reports.boards import build_boards
from foresight_reports.grids import STEPS, heat_maps
from foresight_reports.profiles import by_encoder, depth, peak, profiles
from foresight_reports.reading import read_run


@pytest.mark.parametrize(
    "ordered",
    [
        ["patch_embed", "block.02", "block.11", "pre_merge", "post_merge", "llm.2", "llm.14"],
        ["block.2", "block.10", "last"],
    ],
)
def test_taps_are_ordered_by_depth_and_not_by_letter(ordered: list[str]) -> None:
    backwards = list(reversed(ordered))
    assert sorted(backwards, key=depth) == ordered


def test_an_encoder_with_three_taps_has_a_profile_and_one_with_fewer_has_none(make: Callable[..., Path]) -> None:
    board = build_boards([read_run(make())])[0]
    found = profiles(board)
    assert {each.encoder for each in found} == {"dinov2_tiny"}
    assert [each.taps for each in found] == [["block.01", "block.02", "last"]] * 2


def test_lines_are_named_by_what_sets_them_apart(make: Callable[..., Path]) -> None:
    (group,) = by_encoder(profiles(build_boards([read_run(make())])[0]))
    assert {each.label for each in group} == {"identity", "sem"}
    best = max(group, key=lambda each: each.records[peak(each)].value or 0.0)
    assert group[0] is best


def test_the_caption_of_a_profile_names_its_peak(make: Callable[..., Path]) -> None:
    (group,) = by_encoder(profiles(build_boards([read_run(make())])[0]))
    best = group[0]
    said = captions.profile(group, 5)
    assert best.taps[peak(best)] in said
    assert captions.quantity(best.records[peak(best)]) in said
    assert "The best 2 of 5 lines are drawn." in said


def test_a_heat_map_shows_the_best_of_each_pair(make: Callable[..., Path]) -> None:
    board = build_boards([read_run(make())])[0]
    (found,) = heat_maps(board)
    assert (found.axis, found.encoders, found.others) == (
        "enhancer",
        ["dinov2_tiny", "qwen2_5_vl_tiny"],
        ["identity", "sem"],
    )
    cell = found.cells[0][1]
    assert cell is not None
    values = [
        row.value("iou") or 0.0
        for row in board.rows
        if row.pipeline.candidate.startswith("dinov2") and "/sem/" in row.pipeline.candidate
    ]
    assert cell.record.value == max(values)
    assert cell.candidates == 3


def test_the_best_cell_is_the_darkest_also_where_lower_is_better(make: Callable[..., Path]) -> None:
    board = build_boards([read_run(make())])[1]
    assert board.primary.direction == "lower"
    cells = [cell for line in heat_maps(board)[0].cells for cell in line if cell is not None]
    best = min(cells, key=lambda cell: cell.record.value or 0.0)
    assert best.step == STEPS - 1


def test_an_encoder_with_one_value_of_the_axis_is_left_out(make: Callable[..., Path]) -> None:
    run = read_run(make())
    few = [r for r in run.records if not (r.candidate.startswith("qwen") and "/sem/" in r.candidate)]
    assert heat_maps(build_boards([replace(run, records=tuple(few))])[0]) == []


def test_a_single_encoder_has_no_heat_map(make: Callable[..., Path]) -> None:
    board = build_boards([read_run(make(encoders={"dinov2_tiny": ("last", "block.01")}))])[0]
    assert heat_maps(board) == []
