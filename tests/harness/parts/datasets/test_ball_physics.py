"""Balls that meet: by hand, without loss, and the same forwards and backwards."""

from __future__ import annotations

import numpy as np
import pytest
from foresight_harness.parts.datasets.ball_physics import Balls, advance
from foresight_harness.parts.datasets.bouncing_balls import meeting


def balls(*rows: tuple[float, float, float, float, float]) -> Balls:
    table = np.array(rows)
    return Balls(table[:, :2], table[:, 2:4], table[:, 4])


def test_equal_balls_head_on_exchange_their_ways() -> None:
    """By hand: 0.2 between them at a closing speed of 0.1 meet after 2 frames, at 0.4 and 0.6."""
    after, met = advance(balls((0.3, 0.5, 0.05, 0, 0.1), (0.7, 0.5, -0.05, 0, 0.1)), 4)
    assert met == pytest.approx([2.0])
    np.testing.assert_allclose(after.ways, [[-0.05, 0], [0.05, 0]], atol=1e-12)
    np.testing.assert_allclose(after.centres, [[0.3, 0.5], [0.7, 0.5]], atol=1e-12)


def test_a_heavy_ball_moves_on_and_a_light_one_is_thrown() -> None:
    """By hand: masses 4 and 1, ways v and 0: afterwards 0.6 v and 1.6 v."""
    after, met = advance(balls((0.3, 0.5, 0.05, 0, 0.1), (0.5, 0.5, 0, 0, 0.05)), 2)
    assert met == pytest.approx([1.0])
    np.testing.assert_allclose(after.ways[:, 0], [0.03, 0.08], atol=1e-12)


def test_a_wall_turns_one_side_of_a_way_around() -> None:
    after, met = advance(balls((0.85, 0.5, 0.05, 0.02, 0.1)), 3)
    assert met == []
    np.testing.assert_allclose(after.centres, [[0.8, 0.56]], atol=1e-12)
    np.testing.assert_allclose(after.ways, [[-0.05, 0.02]], atol=1e-12)


@pytest.mark.parametrize("seed", range(8))
def test_nothing_is_lost_nothing_overlaps_and_back_in_time_is_where_it_began(seed: int) -> None:
    start = meeting(np.random.default_rng(seed))
    now = start
    for _ in range(40):
        now, _ = advance(now, 1.0)
        assert now.energy == pytest.approx(start.energy)
        assert (now.centres >= now.radii[:, None] - 1e-9).all()
        assert (now.centres <= 1 - now.radii[:, None] + 1e-9).all()
        first, second = np.triu_indices(len(now.radii), 1)
        between = np.linalg.norm(now.centres[first] - now.centres[second], axis=1)
        assert (between >= now.radii[first] + now.radii[second] - 1e-9).all()
    again, _ = advance(advance(start, 5.5)[0], -5.5)
    np.testing.assert_allclose(again.centres, start.centres, atol=1e-7)
