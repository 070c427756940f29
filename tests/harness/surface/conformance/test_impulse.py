from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from foresight_harness import BuildRequest, EncoderSpec
from foresight_harness.parts.checks.pictures import random_clips, touch_cell
from foresight_harness.surface.conformance.impulse import Impulse, check_impulse, impulse_cells
from foresight_harness.testing import locate_impulse

MakeSpec = Callable[..., EncoderSpec]


def test_impulses_of_an_honest_encoder_are_found_at_their_cells(make_spec: MakeSpec) -> None:
    findings = locate_impulse(make_spec().build(BuildRequest()), "block.01", (224, 336))
    assert {finding.grid for finding in findings} == {(6, 9)}
    assert [finding.touched for finding in findings] == [finding.found for finding in findings]
    assert len(findings) == 5


def test_places_tell_a_grid_from_its_transpose() -> None:
    cells = set(impulse_cells(6, 6))
    assert not all((col, row) in cells for row, col in cells)


def test_distance_is_taken_along_the_worse_axis() -> None:
    assert Impulse("t", (14, 14), (9, 9), (2, 3), (3, 7)).cells_off == 4


def test_one_cell_off_passes_only_where_declared(make_spec: MakeSpec) -> None:
    shifted = make_spec("row_shift").build(BuildRequest())
    places = [finding.cells_off for finding in locate_impulse(shifted, "patch_embed", (168, 168))]
    assert max(places) == 5  # the roll carries the last row to the top
    with pytest.raises(AssertionError, match="found elsewhere"):
        check_impulse(shifted, "patch_embed", sizes=((168, 168),))
    check_impulse(shifted, "patch_embed", sizes=((168, 168),), tolerance_cells=5)


def test_a_touched_cell_changes_every_pixel_of_its_square_and_no_other() -> None:
    clip = random_clips((28, 42))[0]
    changed = (touch_cell(clip, (1, 2), (2, 3)) != clip).all(1)[0]
    expected = torch.zeros(28, 42, dtype=torch.bool)
    expected[14:28, 28:42] = True
    assert torch.equal(changed, expected)


def test_pictures_do_not_depend_on_global_state() -> None:
    torch.manual_seed(0)
    first = random_clips((20, 30), batch=2, frames=3)
    torch.manual_seed(1)
    assert torch.equal(random_clips((20, 30), batch=2, frames=3), first)
    assert first.shape == (2, 3, 3, 20, 30)
    assert first.min() >= 0
    assert first.max() <= 1
