"""The audit: what is blind, what is not, and what cannot be said."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from foresight_reports.analysis.audit import Audit, audits, chart, kind_of
from foresight_reports.analysis.files import Analysis, Measured
from foresight_reports.analysis.links import Index
from foresight_reports.reading import read_run


def found(make: Callable[..., Path]) -> tuple[Analysis, Index]:
    run = read_run(make(analyses=True))
    return run.analyses["audit"], Index(run)


def of(rows: list[dict[str, Any]], index: Index, **extra: Any) -> Audit:
    (audit,) = audits(Analysis("audit", "", "", [], {}, [], rows, extra), index)
    return audit


def row(probe: str, stream: str, value: float, half: float | None = 0.01) -> dict[str, Any]:
    low, high = (None, None) if half is None else (value - half, value + half)
    return {"probe": probe, "stream": stream, "dataset": "shapes", "score": Measured(value, low, high, 9)}


def test_probes_that_see_stand_first_and_blind_ones_are_named(make: Callable[..., Path]) -> None:
    (audit,) = audits(*found(make))
    assert [probe.tells for probe in audit.probes] == [True] * 5 + [False] * 2
    assert audit.probes[0].name == "dense_ridge"
    assert audit.sentence.startswith(
        "2 of 7 probes give a perfect mask and shuffled tokens the same score: detr_no_position and pooled_mlp."
    )
    assert "dense_ridge sets the two 0.82 apart" in audit.sentence
    assert audit.streams[0] == "oracle@mask"
    assert [kind_of(stream) for stream in audit.streams] == sorted(kind_of(stream) for stream in audit.streams)


def test_intervals_decide_where_the_harness_has_not(make: Callable[..., Path]) -> None:
    _, index = found(make)
    apart = of([row("p", "oracle@mask", 0.5), row("p", "shuffled@last", 0.47)], index)
    assert apart.probes[0].tells is True
    touching = of([row("p", "oracle@mask", 0.5), row("p", "shuffled@last", 0.485)], index)
    assert touching.probes[0].tells is False
    assert touching.sentence.startswith("1 of 1 probes gives")


def test_what_the_harness_states_goes_before_the_intervals(make: Callable[..., Path]) -> None:
    _, index = found(make)
    stated = [{"name": "p", "tells_oracle_from_shuffled": False, "gap": 0.03}]
    audit = of([row("p", "oracle@mask", 0.5), row("p", "shuffled@last", 0.47)], index, probes=stated)
    assert audit.probes[0].tells is False


@pytest.mark.parametrize("half", [None, 0.01])
def test_without_interval_or_control_nothing_is_claimed(make: Callable[..., Path], half: float | None) -> None:
    _, index = found(make)
    rows = [row("p", "oracle@mask", 0.5, half)] + ([row("p", "shuffled@last", 0.1, half)] if half is None else [])
    audit = of(rows, index)
    assert audit.probes[0].tells is None
    assert audit.sentence == "No probe was run on both a perfect mask and shuffled tokens."


def test_two_data_sets_are_two_figures_and_never_share_a_verdict(make: Callable[..., Path]) -> None:
    analysis, index = found(make)
    other = [{**line, "dataset": "coins"} for line in analysis.rows]
    two = audits(replace(analysis, rows=[*analysis.rows, *other]), index)
    assert [audit.dataset for audit in two] == ["shapes", "coins"]


def test_the_chart_has_every_score_and_a_span_from_noise_to_mask(make: Callable[..., Path]) -> None:
    analysis, index = found(make)
    drawn = chart(audits(analysis, index)[0])
    assert len(drawn["points"]) == len(analysis.rows)
    assert drawn["spans"][0] == [0, 0.064, 0.889, "good"]
    assert [span[3] for span in drawn["spans"]] == ["good"] * 5 + ["bad"] * 2


def test_what_probes_are_judged_by_is_drawn_over_the_encoders(make: Callable[..., Path]) -> None:
    _, index = found(make)
    streams = ("oracle@mask", "dinov2@last", "shuffled@patch", "window_order@patch", "pixels@patch")
    drawn = chart(of([row("conv", stream, 0.2) for stream in streams], index))
    names = [drawn["kinds"][point[1]]["name"] for point in drawn["points"]]
    assert names[0] == "encoders"
    assert names[-1] == "a perfect mask"
    assert "tokens left in window order" in names
