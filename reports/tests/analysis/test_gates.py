"""Gates: counts, verdicts, the samples that are needed, and what the banner makes of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from foresight_reports import render
from foresight_reports.analysis.files import Analysis, Measured
from foresight_reports.analysis.gates import Gate, gates, summary
from foresight_reports.analysis.links import Index
from foresight_reports.reading import read_run


def of(rows: list[dict[str, Any]], make: Callable[..., Path], **extra: Any) -> list[Gate]:
    return gates(Analysis("gates", "", "", [], {}, [], rows, extra), Index(read_run(make())))


def row(candidate: str, rule: str, verdict: str, value: float | None = 0.5, **more: Any) -> dict[str, Any]:
    measured = None if value is None else Measured(value)
    return {
        "gate": "g",
        "rule": rule,
        "candidate": candidate,
        "verdict": verdict,
        "direction": "higher",
        "measured": measured,
        **more,
    }


def test_only_a_candidate_that_meets_every_rule_passes(make: Callable[..., Path]) -> None:
    rows = [
        row("a", "r1", "GO"),
        row("a", "r2", "GO"),
        row("b", "r1", "GO"),
        row("b", "r2", "INCONCLUSIVE", needed_n=900.0),
    ]
    (gate,) = of(rows, make)
    assert (gate.passing, gate.candidates, gate.leader) == (1, 2, "a")
    assert gate.needed == 900
    assert gate.verdict == "INCONCLUSIVE"
    assert gate.rules[1].counts == {"INCONCLUSIVE": 1, "GO": 1}


def test_what_was_not_measured_never_counts_as_passed(make: Callable[..., Path]) -> None:
    (gate,) = of([row("a", "r1", "NOT MEASURED", None), row("a", "r2", "GO")], make)
    assert gate.passing == 0
    assert gate.rules[0].best_measured.value is None


def test_the_best_candidate_follows_the_direction_of_the_rule(make: Callable[..., Path]) -> None:
    rows = [row("a", "r", "NO-GO", 0.2), row("b", "r", "NO-GO", 0.4)]
    assert of(rows, make)[0].rules[0].best == "b"
    assert of([{**each, "direction": "lower"} for each in rows], make)[0].rules[0].best == "a"


def test_a_gate_without_rows_is_shown_all_the_same(make: Callable[..., Path]) -> None:
    (gate,) = of([], make, gates=[{"name": "cp4", "title": "CP4", "verdict": "NOT MEASURED"}])
    assert (gate.title, gate.candidates, gate.share) == ("CP4", 0, 0.0)


@pytest.mark.parametrize(
    ("verdicts", "tone", "word"),
    [
        (["NO-GO", "NO-GO"], "bad", "NO-GO"),
        (["GO", "NO-GO", "GO"], "warn", "2 GO · 1 NO-GO"),
        (["INCONCLUSIVE", "NO-GO"], "warn", "1 INCONCLUSIVE · 1 NO-GO"),
        (["GO", "NOT MEASURED"], "good", "GO"),
        (["MARGINAL"], "warn", "MARGINAL"),
        (["NOT MEASURED"], "", ""),
    ],
)
def test_gates_that_disagree_are_counted_and_none_speaks_for_all(
    make: Callable[..., Path], verdicts: list[str], tone: str, word: str
) -> None:
    found = of([], make, gates=[{"name": str(i), "verdict": verdict} for i, verdict in enumerate(verdicts)])
    assert summary(found)[:2] == (tone, word)
    assert all(f"{verdicts.count(each)} {each}" in summary(found)[2] for each in verdicts if word)


def test_a_tile_counts_the_answers_of_its_candidates(make: Callable[..., Path]) -> None:
    rows = [row("a", "r", "GO", 0.9), row("a", "s", "NO-GO", 0.1), row("b", "r", "GO", 0.8), row("b", "s", "GO", 0.8)]
    (gate,) = of(rows, make)
    assert gate.answers == {"NO-GO": 1, "GO": 1}


def test_the_banner_gives_the_answer_of_the_gates_only_for_real_weights(make: Callable[..., Path]) -> None:
    html = render([make(analyses=True, weights="pretrained")]).html
    assert any(f'<p class="word">{word}</p>' in html for word in ("NO-GO", "INCONCLUSIVE", "GO"))
    assert '<p class="word">Provisional</p>' in render([make(analyses=True)]).html


def test_random_weights_pass_no_gate_on_the_page(make: Callable[..., Path]) -> None:
    run = read_run(make(analyses=True))
    found = gates(run.analyses["gates"], Index(run))
    assert all(gate.passing == 0 for gate in found)
    assert replace(found[0], verdict="GO").tone == "good"
