"""The front between quality and latency."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from foresight_reports.boards import build_boards
from foresight_reports.pareto import front_of, tradeoffs
from foresight_reports.reading import read_run


def test_the_front_equals_the_definition_on_random_points() -> None:
    rng = np.random.default_rng(0)
    for direction, sign in (("higher", 1), ("lower", -1)):
        pairs = [(float(c), float(q)) for c, q in rng.integers(0, 12, (60, 2))]
        dominated = [
            any(other[0] <= cost and sign * other[1] >= sign * quality and other != (cost, quality) for other in pairs)
            for cost, quality in pairs
        ]
        assert front_of(pairs, direction) == [not each for each in dominated]


def test_points_join_quality_and_latency_of_one_candidate(make: Callable[..., Path]) -> None:
    boards = build_boards([read_run(make())])
    found = tradeoffs(boards)
    assert [each.board.group.suite for each in found] == ["spatial", "reconstruction", "alignment"]
    for point in found[0].points:
        assert point.quality.candidate == point.latency.candidate
    times = [point.latency.value or 0.0 for point in found[0].points]
    assert times == sorted(times)


def test_random_weights_never_stand_on_the_front_beside_real_ones(make: Callable[..., Path]) -> None:
    run = read_run(make(weights="mixed", encoders=dict.fromkeys("abcdefgh", ("last",))))
    found = tradeoffs(build_boards([run]))[0]
    kinds = {point.row.weights for point in found.points}
    assert kinds == {"random", "pretrained"}
    assert found.real_only
    assert {point.row.weights for point in found.front} == {"pretrained"}


def test_a_broken_board_has_no_front(make: Callable[..., Path]) -> None:
    run = read_run(make(broken=("spatial",)))
    assert "spatial" not in {each.board.group.suite for each in tradeoffs(build_boards([run]))}
