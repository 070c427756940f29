"""Fits that stopped too soon are said beside the verdict."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from foresight_reports.fits import above_constant, caveats
from foresight_reports.reading import read_run


def with_fit(run: Path, role: str, **fit: float) -> list[str]:
    lines = [json.loads(line) for line in (run / "records.jsonl").read_text().splitlines()]
    for line in lines:
        line["details"] = {"fit": fit} if line["role"] == role else {}
    (run / "records.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return caveats(read_run(run).records)


def test_a_fit_that_ends_above_the_constant_answer_is_a_caveat(make: Callable[..., Path]) -> None:
    (said,) = with_fit(make(suites=("spatial",)), "candidate", loss_last=0.44, loss_constant=0.27)
    assert "stopped above the loss of the best constant answer" in said


def test_controls_have_nothing_to_learn_and_raise_no_caveat(make: Callable[..., Path]) -> None:
    assert with_fit(make(suites=("spatial",)), "floor", loss_last=0.44, loss_constant=0.27) == []


@pytest.mark.parametrize(
    ("fit", "above"),
    [
        ({"loss_last": 0.28, "loss_constant": 0.27}, False),
        ({"loss_last": 0.29, "loss_constant": 0.27}, True),
        ({"loss_last": 0.29, "loss_constant": None}, False),
        ({}, False),
    ],
)
def test_the_constant_counts_as_reached_within_five_percent(fit: dict[str, float | None], above: bool) -> None:
    assert above_constant(fit) is above
