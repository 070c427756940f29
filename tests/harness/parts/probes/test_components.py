"""Connected parts and their edges on maps drawn by hand."""

from __future__ import annotations

import numpy as np
from foresight_harness.parts.probes.components import MARGIN, components, edge_profiles, ranked


def drawn() -> np.ndarray:
    maps = np.zeros((2, 5, 6))
    maps[0, 1:3, 2:5] = 1.0
    maps[0, 4, 0] = 0.7
    maps[1, 0, 0] = maps[1, 1, 1] = 0.9
    return maps


def test_components_have_cells_pictures_and_mass_above_the_threshold() -> None:
    found = ranked(components(drawn(), 0.5))
    assert found.picture.tolist() == [0, 0, 1]
    assert found.cells.tolist() == [[1, 2, 2, 4], [4, 0, 4, 0], [0, 0, 1, 1]]
    np.testing.assert_allclose(found.score, [3.0, 0.2, 0.8])


def test_corners_join_cells_of_a_picture_but_pictures_never_join() -> None:
    maps = np.ones((3, 2, 2))
    assert components(maps, 0.5).picture.tolist() == [0, 1, 2]


def test_no_cell_above_the_threshold_is_no_component() -> None:
    assert len(components(drawn(), np.inf).picture) == 0


def test_boxes_run_along_the_borders_of_the_cells() -> None:
    boxes = ranked(components(drawn(), 0.5)).boxes(rows=5, cols=6)
    np.testing.assert_allclose(boxes[0], [2 / 6, 1 / 5, 5 / 6, 3 / 5])


def test_profiles_of_the_four_edges_are_seen_from_outside_to_inside() -> None:
    maps = np.zeros((1, 6, 6))
    maps[0, 2:4, 2:4] = 1.0
    maps[0, 2, 1] = 0.3
    maps[0, 4, 3] = 0.2
    found = components(maps, 0.5)
    left, top, right, bottom = edge_profiles(maps, found, 0.0)[0]
    np.testing.assert_allclose(left, [0.3, 1, 1, 0, 1, 1, 0.3, 2, 2.2, 2, 2, 0.5, 0.5])
    np.testing.assert_allclose(bottom, [0.2, 1, 1, 0, 1, 1, 0.2, 2, 2.3, 2, 2, 0.5, 0.5])
    np.testing.assert_allclose(right, [0, 1, 1, 0, 1, 1, 0, 2.2, 2, 2, 2, 0.5, 0.5])
    np.testing.assert_allclose(top, [0, 1, 1, 0, 1, 1, 0, 2.3, 2, 2, 2, 0.5, 0.5])


def test_turning_a_map_turns_its_edges() -> None:
    maps = np.random.default_rng(0).random((4, 7, 7))
    for one in maps:
        found = components(one[None], 0.8)
        turned = components(one.T[None], 0.8)
        profiles, other = edge_profiles(one[None], found, 0.0), edge_profiles(one.T[None], turned, 0.0)
        order = np.lexsort(found.cells.T)
        other_order = np.lexsort(turned.cells[:, [1, 0, 3, 2]].T)
        np.testing.assert_allclose(profiles[order], other[other_order][:, [1, 0, 3, 2]])


def test_outside_of_the_picture_has_the_background_value() -> None:
    maps = np.full((1, 3, 3), 0.9)
    profile = edge_profiles(maps, components(maps, 0.5), 0.25)[0, 0]
    assert profile[0] == 0.25
    assert MARGIN == 1
