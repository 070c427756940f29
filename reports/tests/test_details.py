"""Details of a candidate."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from foresight_reports.boards import build_boards
from foresight_reports.details import Candidate, candidates
from foresight_reports.reading import read_run


def first(run: Path) -> Candidate:
    read = read_run(run)
    return candidates([read], build_boards([read]))[0]


def test_every_board_of_the_candidate_is_there(make: Callable[..., Path]) -> None:
    found = first(make())
    assert [board.group.suite for board, _ in found.boards] == ["spatial", "reconstruction", "alignment", "efficiency"]
    assert dict(found.parameters)["decoder"] == 9_800_000
    assert [part.part for part in found.provenance] == ["encoder", "decoder"]


def test_stages_curves_and_facts_are_told_apart_also_inside_objects(make: Callable[..., Path]) -> None:
    run = make(suites=("reconstruction",))
    lines = [json.loads(line) for line in (run / "records.jsonl").read_text().splitlines()]
    fit = {"loss": [3.0, 2.0, 1.5, 1.0], "plateau": False, "steps": 40}
    for line in lines:
        line["details"] = {
            "fit": fit,
            "other": {"curve": [3.0, 2.0, 1.5, 1.0]},
            "stages_ms": {"encode": 4.0, "decode": 1.0},
            "controls": ["as known"],
            "none": None,
        }
    (run / "records.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    found = first(run)
    assert [(name, [stage[:2] for stage in stages]) for name, stages in found.stages] == [
        ("stages_ms", [("encode", 4.0), ("decode", 1.0)])
    ]
    (curve,) = found.curves
    assert (curve.name, curve.first, curve.last, curve.length) == ("other.curve", 3.0, 1.0, 4)
    assert [figure.name for figure in found.figures] == ["fit of the candidate: reconstruction on shapes"]
    facts = dict(found.facts)
    assert (facts["fit.plateau"], facts["fit.steps"]) == ("no", "40")
    assert not {"controls", "none"} & set(facts)


def test_what_is_said_about_controls_stands_with_the_board(make: Callable[..., Path]) -> None:
    run = make(suites=("spatial",))
    lines = [json.loads(line) for line in (run / "records.jsonl").read_text().splitlines()]
    for line in lines:
        line["details"] = {"controls": ["oracle scores 0.885"]}
    (run / "records.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    (board,) = build_boards([read_run(run)])
    assert list(board.control_notes) == ["oracle scores 0.885"]
