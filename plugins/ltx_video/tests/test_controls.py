"""Reconstruction through the nano autoencoder tells controls that know places from those that do not."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from foresight_harness.planning.options import scale

STUDIES = Path(__file__).parents[3] / "benchmarks" / "studies"
SEEDS = 3


@pytest.fixture(scope="module")
def study() -> Any:
    """The committed study, on 32 training and 4 test pictures."""
    from dataclasses import replace

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "path", [str(STUDIES), *sys.path])
        patch.setitem(scale.SCALES, "smoke", replace(scale.SCALES["smoke"], train=32, pictures=4))
        import reconstruction_controls

        patch.setattr(reconstruction_controls, "AVERAGED", ())
        patch.setattr(reconstruction_controls, "MASK_ALONE", ())
        patch.setattr(reconstruction_controls, "REFERENCES", False)
        patch.setattr(reconstruction_controls, "METRICS", {"psnr": 1, "decoded_iou": 1})
        yield reconstruction_controls, reconstruction_controls.measured(SEEDS)


@pytest.mark.parametrize("better", ["pixels@patch", "oracle@scene"])
@pytest.mark.parametrize("metric", ["psnr", "decoded_iou"])
def test_knowing_where_rebuilds_better_than_the_same_tokens_shuffled_and_than_nothing(
    study: Any, better: str, metric: str
) -> None:
    module, rows = study
    for worse in (f"shuffled:{better}", "constant@patch"):
        sides = (np.concatenate(rows[f"{name} gathered"][metric]) for name in (better, worse))
        difference, p_value = module.tested(*sides)
        assert difference > 0
        assert p_value < 0.01


def test_every_seed_ranks_the_controls_alike(study: Any) -> None:
    module, rows = study
    orders = [module.ranking(rows, seed) for seed in range(SEEDS)]
    assert orders == [["pixels@patch", "oracle@scene", "shuffled:pixels@patch", "constant@patch"]] * SEEDS
