from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest
from foresight_harness.judging.ab.measuring import Timed, measure
from foresight_harness.judging.analyses.ab import judged, ratio_of


class Scripted:
    """Answers as a side would: readings drawn around a time."""

    def __init__(self, name: str, log: list[str], seconds: float, noise: float, **prepared: Any) -> None:
        self.name, self.log, self.seconds, self.noise = name, log, seconds, noise
        self.drawn = np.random.default_rng(list(name.encode()))
        self.prepared = {
            "ok": True,
            "choices": {"batch": 1},
            "weights": {},
            "seconds": seconds,
            "params": 1,
            **prepared,
        }
        self.asked: list[int] = []

    def send(self, do: str, **fields: Any) -> None:
        assert do == "prepare"

    def answer(self) -> dict[str, Any]:
        return self.prepared

    def ask(self, do: str, **fields: Any) -> dict[str, Any]:
        if do == "release":
            return {"ok": True}
        self.log.append(self.name)
        self.asked.append(fields["repeats"])
        readings = self.seconds * np.exp(self.drawn.normal(0, self.noise, fields["repeats"]))
        return {"ok": True, "seconds": readings.tolist()}


def timed(base: Scripted, head: Scripted, **changes: Any) -> Timed:
    choices: dict[str, Any] = {"rounds": 25, "tolerance": 0.05, "level": 0.95, "order": random.Random(3), **changes}
    return measure((base, head), "a@l/identity/single/linear", "shapes", **choices)  # type: ignore[arg-type]


def pair(noise: float = 0.001, head: float = 0.05, **prepared: Any) -> tuple[Scripted, Scripted]:
    log: list[str] = []
    return Scripted("base", log, 0.05, noise), Scripted("head", log, head, noise, **prepared)


def test_each_round_times_both_sides_once_in_an_order_that_the_seed_decides() -> None:
    sides = pair()
    timed(*sides)
    turns = [tuple(sides[0].log[start : start + 2]) for start in range(0, 50, 2)]
    assert {frozenset(turn) for turn in turns} == {frozenset(("base", "head"))}
    assert 5 < sum(turn[0] == "base" for turn in turns) < 20
    again = pair()
    timed(*again)
    assert again[0].log == sides[0].log


def test_measuring_ends_early_where_it_is_quiet_and_goes_on_where_it_is_not() -> None:
    assert len(timed(*pair(noise=0.001)).base_s) == 25
    assert 25 < len(timed(*pair(noise=0.1)).base_s) < 250
    assert len(timed(*pair(noise=1.5)).base_s) == 250


def test_how_long_it_measures_does_not_depend_on_which_side_is_faster() -> None:
    assert len(timed(*pair(noise=0.001, head=0.06)).base_s) == 25


def test_short_pipelines_are_repeated_within_a_turn_and_long_ones_are_not() -> None:
    log: list[str] = []
    short = Scripted("base", log, 0.004, 0.001), Scripted("head", log, 0.005, 0.001)
    assert timed(*short).repeats == 4
    assert set(short[0].asked) == {4}
    assert timed(*pair()).repeats == 1


@pytest.mark.parametrize(
    ("prepared", "reason"),
    [
        ({"ok": False, "error": "no such encoder"}, "the head cannot run it: no such encoder"),
        ({"choices": {"batch": 2}}, "other batch: 1 and 2"),
        ({"weights": {"x": "nano"}}, "other weights of x: not there and nano"),
    ],
)
def test_unlike_things_are_not_timed_and_say_why(prepared: dict[str, Any], reason: str) -> None:
    sides = pair(**prepared)
    assert timed(*sides).reason == reason
    assert sides[0].log == []


@pytest.mark.parametrize(
    ("head", "verdict"), [(0.055, "slower"), (0.0451, "faster"), (0.051, "within noise"), (0.0495, "within noise")]
)
def test_verdict_by_hand(head: float, verdict: str) -> None:
    found = timed(*pair(head=head))
    assert judged(ratio_of(np.array(found.base_s), np.array(found.head_s), 0.95), 0.05)[0] == verdict


def test_what_is_not_known_to_the_tolerance_has_no_verdict() -> None:
    wild = np.exp(np.random.default_rng(0).normal(0, 0.5, 30))
    verdict, reason = judged(ratio_of(np.ones(30), wild, 0.95), 0.05)
    assert verdict == "not compared"
    assert reason.startswith("too noisy: known to ")


def test_a_large_slowdown_is_told_even_where_noise_hides_its_size() -> None:
    wild = 3 * np.exp(np.random.default_rng(0).normal(0, 0.5, 30))
    assert judged(ratio_of(np.ones(30), wild, 0.95), 0.05)[0] == "slower"


def test_unchanged_code_is_hardly_ever_called_slower_and_a_tenth_is_found() -> None:
    """Five hundred families of readings with the heavy tails of a busy machine."""
    drawn = np.random.default_rng(1)

    def share(slowdown: float) -> float:
        found = 0
        for _ in range(500):
            base, head = np.exp(0.08 * drawn.standard_t(3, (2, 100)))
            found += judged(ratio_of(base, slowdown * head, 0.975), 0.05)[0] == "slower"
        return found / 500

    assert share(1.0) <= 0.01
    assert share(1.1) > 0.98
