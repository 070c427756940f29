"""Marks are per candidate: one random encoder among trained ones speaks for itself alone."""

from __future__ import annotations

from foresight_harness.judging.analyses.boards import weights_caveat

REST = "/identity/single/linear"
WHAT = "gains describe this run"


def caveat(constructed, kinds: list[str]) -> list[str]:
    for place, kind in enumerate(kinds):
        constructed.add(f"enc_{place}@x{REST}", {0: [0.1, 0.2]}, kind=kind)
    return weights_caveat(constructed.run().records, WHAT)


def test_where_all_are_trained_nothing_is_said(constructed) -> None:
    assert caveat(constructed, ["pretrained", "published"]) == []


def test_where_all_are_random_the_whole_conclusion_is_marked(constructed) -> None:
    assert caveat(constructed, ["random", "nano"]) == [
        "Weights are random or nano: gains describe this run and not trained models."
    ]


def test_one_random_candidate_among_trained_ones_is_named(constructed) -> None:
    assert caveat(constructed, ["pretrained"] * 6 + ["random"]) == [
        f"1 of 7 candidates ran with random or nano weights (enc_6@x{REST}): of those gains describe this run alone."
    ]
