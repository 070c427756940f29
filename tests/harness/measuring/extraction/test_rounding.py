"""Half-precision features: half the disk, named in the protocol, and refused where a number does not fit."""

from __future__ import annotations

import pytest
import torch
from foresight_harness.contracts.errors import CacheError, UsageError
from foresight_harness.measuring.extraction.rounding import rounded
from foresight_harness.planning.options import DatasetChoice, RunOptions
from foresight_harness.planning.plan import cost_of

pytestmark = pytest.mark.usefixtures("few_pictures")

PIXELS = "pixels@patch/identity/single/linear"


def of(keeper):
    """The split and the cached grids of raw patches over it."""
    split = keeper.workshop.splits.decoded(DatasetChoice("shapes"), "test")
    return split, keeper.workshop.extraction.grids(keeper.registry.encoder("pixels"), "patch", split)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_kept_features_are_the_made_ones_rounded_and_take_half_the_disk(make_keeper, dtype: str) -> None:
    _, whole = of(make_keeper())
    _, half = of(make_keeper(cache_dtype=dtype))
    sizes = [sum((one.array.folder / name).stat().st_size for name in one.array.files) for one in (whole, half)]
    assert sizes[1] == pytest.approx(sizes[0] / 2, rel=0.01)
    made, kept = whole.take(range(16)), half.take(range(16))
    assert kept.dtype == torch.float32
    assert torch.equal(kept, made.to(getattr(torch, dtype)).float())
    assert not torch.equal(kept, made)


def test_the_choice_stands_in_the_protocol_and_its_absence_changes_none(make_keeper, builtins, make_cell) -> None:
    plain, half = (make_cell(make_keeper(**asked), PIXELS, "spatial") for asked in ({}, {"cache_dtype": "float16"}))
    assert half.protocol() == plain.protocol() | {"cache_dtype": "float16"}
    assert half.protocol_digest() != plain.protocol_digest()


def test_a_later_run_finds_rounded_features_to_be_what_the_encoder_makes(make_keeper) -> None:
    of(make_keeper(cache_dtype="float16"))
    again = make_keeper(cache_dtype="float16")
    of(again)
    assert again.workshop.extraction.forwards["pixels"] == 0
    assert again.workshop.checks.checked > 0
    assert again.workshop.checks.findings == []


def test_a_number_that_does_not_fit_is_refused_by_name_and_infinities_stay_what_they_are() -> None:
    wide = torch.tensor([1.0, 7e4, -2.0])
    with pytest.raises(
        CacheError, match=r"features of some@tap reach 7e\+04, which float16 does not hold \(up to 6.55e"
    ):
        rounded(wide, "float16", "some@tap")
    assert rounded(wide, "bfloat16", "some@tap").isfinite().all()
    broken = torch.tensor([1.0, float("inf"), float("nan")])
    assert torch.equal(rounded(broken, "float16", "some@tap").isfinite(), broken.isfinite())
    assert rounded(wide, None, "some@tap") is wide


def test_a_plan_counts_half_the_bytes_and_an_unknown_type_is_one_line(builtins, planned) -> None:
    cells = [planned(builtins, PIXELS, "spatial")]
    whole, half = (cost_of(cells, RunOptions(cache_dtype=dtype)).feature_bytes for dtype in (None, "float16"))
    assert half == whole / 2
    with pytest.raises(UsageError, match="--cache-dtype int8: unknown; choose one of float16, bfloat16"):
        RunOptions(cache_dtype="int8")
