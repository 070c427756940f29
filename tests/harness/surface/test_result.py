"""The lines that stand first at the end of a run."""

from __future__ import annotations

from pathlib import Path

from foresight_harness.judging.analyses.catalogue import conclude
from foresight_harness.surface.result import SHOWN, Result, result_of

A, B = "dinov2_tiny@last/identity/single/linear", "pixels@patch/identity/single/linear"


def test_the_first_board_is_shown_best_first_with_intervals_and_its_sentence(write_run, record) -> None:
    low, high = [0.1, 0.12] * 8, [0.5, 0.6] * 8
    records = [
        record(cell="c0", candidate=B, role="floor", value=0.11, ci_low=0.1, ci_high=0.12, n=16),
        record(cell="c1", candidate=A, value=0.55, ci_low=0.5, ci_high=0.6, n=16),
    ]
    path = write_run(records, {"c0": {"iou": {0: low}}, "c1": {"iou": {0: high}}})
    conclude(path)
    found = result_of(path)
    assert found is not None
    assert [row["candidate"] for row in found.rows] == [A, B]
    assert [row["letters"] for row in found.rows] == ["a", None]
    lines = found.lines()
    assert lines[0] == "iou of spatial on shapes"
    assert "[0.5000, 0.6000]" in lines[2]
    assert lines[-1] == found.finding
    assert "dinov2_tiny" in found.finding


def test_one_candidate_is_shown_without_letters_and_nothing_is_said_of_others(scored_run: Path) -> None:
    for kept in (scored_run / "analysis").glob("rankings.json"):
        kept.unlink()
    found = result_of(scored_run)
    assert found is not None
    assert found.finding == ""
    assert {row["letters"] for row in found.rows} == {None}
    values = [row["value"] for row in found.rows]
    assert values == sorted(values, reverse=True)


def test_what_a_candidate_is_compared_with_stands_below_it_best_first(write_run, record) -> None:
    names = {"c0": A, "c1": B, "c2": A.replace("dinov2_tiny", "constant"), "c3": A.replace("dinov2_tiny", "shuffled")}
    roles = {"c0": "candidate", "c1": "floor", "c2": "floor", "c3": "floor"}
    values = {"c0": 0.3, "c1": 0.2, "c2": 0.1, "c3": 0.5}
    records = [
        record(cell=cell, candidate=names[cell], role=roles[cell], value=value, ci_low=value, ci_high=value, n=16)
        for cell, value in values.items()
    ]
    samples = {cell: {"iou": {0: [value - 0.01, value + 0.01] * 8}} for cell, value in values.items()}
    path = write_run(records, samples)
    conclude(path)
    found = result_of(path)
    assert found is not None
    assert [row["value"] for row in found.rows] == [0.3, 0.5, 0.2, 0.1]


def test_a_run_without_a_number_has_no_result(write_run, record) -> None:
    assert result_of(write_run([record(status="failed", value=None, error="no")])) is None


def test_a_long_board_is_cut_and_a_name_stays_on_its_line() -> None:
    row = {
        "letters": "a",
        "candidate": "a\n::error::b\x1b[2J",
        "role": "candidate",
        "value": 1,
        "low": None,
        "high": None,
    }
    lines = Result("title", "", tuple({**row, "n": 4} for _ in range(SHOWN + 3))).lines()
    assert lines[-1] == "  and 3 more: foresight-bench rank"
    assert all(line.isprintable() for line in lines)
    assert "a ::error::b" in lines[2]
