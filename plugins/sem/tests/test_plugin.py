"""What the plugin offers, before anything is built."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import entry_points

import foresight_sem
import pytest
from foresight_harness.contracts.errors import CandidateError
from foresight_harness.contracts.specs import GridShape

SPECS = {spec.name: spec for spec in foresight_sem.foresight_enhancers()}


def test_the_entry_point_names_the_package() -> None:
    (found,) = [point for point in entry_points(group="foresight") if point.name == "sem"]
    assert found.value == "foresight_sem"


def test_offering_and_planning_import_no_torch() -> None:
    code = (
        "import sys, foresight_sem; from foresight_harness.contracts.specs import GridShape; "
        "[spec.output_shape(GridShape(16, 16, 3584)) for spec in foresight_sem.foresight_enhancers()]; "
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_documents_parts_stack_and_ablations_are_offered() -> None:
    assert {"sem_coord", "sem_deform", "sem_upsample", "sem"} <= set(SPECS)
    assert {"sem_no_coord", "sem_no_deform", "sem_no_upsample"} <= set(SPECS)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("sem_coord", GridShape(3, 5, 48, frames=2)),
        ("sem_deform", GridShape(3, 5, 48, frames=2)),
        ("sem_upsample", GridShape(6, 10, 48, frames=2)),
        ("sem_upsample_x4", GridShape(12, 20, 48, frames=2)),
        ("sem", GridShape(6, 10, 48, frames=2)),
        ("sem_no_upsample", GridShape(3, 5, 48, frames=2)),
        ("sem_asdrawn", GridShape(12, 20, 128, frames=2)),
    ],
)
def test_planned_shapes_by_hand(name: str, expected: GridShape) -> None:
    assert SPECS[name].output_shape(GridShape(3, 5, 48, frames=2)) == expected


@pytest.mark.parametrize("name", list(SPECS))
def test_token_sets_are_refused(name: str) -> None:
    with pytest.raises(CandidateError, match="token set"):
        SPECS[name].output_shape(GridShape(1, 64, 48, is_set=True))


def test_a_width_that_the_drawn_heads_do_not_divide_is_refused_with_the_way_out() -> None:
    with pytest.raises(CandidateError, match=r"got width 3\. Use sem_deform\.$"):
        SPECS["sem_deform_4_levels_asdrawn"].output_shape(GridShape(4, 4, 3))
    assert SPECS["sem_deform"].output_shape(GridShape(4, 4, 3)) == GridShape(4, 4, 3)
