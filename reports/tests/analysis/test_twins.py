"""Gains by training: what the figure draws and its sentence says."""

from __future__ import annotations

from typing import Any

from foresight_reports.analysis.files import Analysis, Head, Measured
from foresight_reports.analysis.twins import strips


def _line(name: str, gain: float, low: float, high: float, **more: Any) -> dict[str, Any]:
    told = {"suite": "spatial", "dataset": "kinds", "metric": "iou", "probe": "dense_ridge"}
    return {**told, "candidate": f"{name}@last/identity/single/linear", "gain": Measured(gain, low, high), **more}


def _analysis(*lines: dict[str, Any]) -> Analysis:
    return Analysis("twins", "Title", "", [], {}, [Head("gain", "gain")], list(lines))


def test_gains_are_drawn_from_the_greatest_with_those_of_the_architecture_beside() -> None:
    weak = _line("weak", 0.1, -0.1, 0.3, separated=False, share_refused="no ceiling was measured")
    strong = _line(
        "strong", 0.5, 0.4, 0.6, separated=True, share=Measured(0.71, 0.6, 0.8), architecture=Measured(0.1, 0.0, 0.2)
    )
    (strip,) = strips(_analysis(weak, strong))
    assert [name for name, _ in strip.chart["rows"]] == ["strong@last", "weak@last"]
    assert strip.chart["tones"] == ["", "mute"]
    assert [point[:3] for point in strip.chart["points"]] == [[0, 0, 0.5], [0, 1, 0.1], [1, 0, 0.1]]
    assert strip.sentence.startswith("1 of 2 trained candidates are above their random twins; strong@last goes 0.71")


def test_a_refused_share_says_why() -> None:
    (strip,) = strips(_analysis(_line("a", 0.5, 0.4, 0.6, separated=True, share_refused="no ceiling was measured")))
    assert strip.sentence.endswith("no share is given: no ceiling was measured.")


def test_a_loss_is_no_gain_even_where_it_is_told_apart() -> None:
    (strip,) = strips(_analysis(_line("a", -0.5, -0.6, -0.4, separated=True)))
    assert strip.sentence.startswith("0 of 1")
