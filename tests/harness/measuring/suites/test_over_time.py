"""What clips add to the reconstruction suite, on clips whose answers are known."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from foresight_harness.measuring.suites.over_time import over_time, variants
from foresight_harness.measuring.suites.references import References
from foresight_harness.parts.metrics.perceptual import build_random_trunk
from torch import Tensor


@pytest.fixture(scope="module")
def targets() -> Tensor:
    still = torch.rand(2, 1, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    return still.expand(-1, 3, -1, -1, -1).contiguous()


def known(targets: Tensor) -> References:
    return References(targets, (), targets, {}, {}, {"lpips_random_trunk": build_random_trunk()})


def test_a_flickering_answer_varies_over_frames_and_a_steady_one_does_not(targets: Tensor) -> None:
    flickering = targets.clone()
    flickering[:, 1] = 1 - flickering[:, 1]
    measurements, details = over_time([targets, flickering], known(targets))
    found = {entry.metric: entry.values for entry in measurements}
    consistency, variance = found["frame_consistency"], found["temporal_lpips_random_trunk_variance"]
    assert consistency is not None
    assert variance is not None
    assert consistency.shape == variance.shape == (2, 2)
    np.testing.assert_allclose(consistency[0], 1.0, atol=1e-6)
    np.testing.assert_allclose(variance[0], 0.0, atol=1e-9)
    assert (consistency[1] < 0.8).all()
    assert (variance[1] > 1e-6).all()
    assert np.shape(details["lpips_random_trunk_per_frame"]) == (2, 3)


def test_each_metric_over_time_names_its_variant_and_only_one_without_units_is_barred_from_gates(
    targets: Tensor,
) -> None:
    masks = tuple(torch.zeros(3, 1, 32, 32, dtype=torch.bool) for _ in range(2))
    for planes in masks:
        planes[:, 0, 4:20, 4:20] = True
    seen = References(targets, masks, targets, {}, {}, {"lpips_random_trunk": build_random_trunk()})
    measurements, _ = over_time([targets], seen)
    by_metric = {entry.metric: entry for entry in measurements}
    barred = [name for name, entry in by_metric.items() if not entry.gateable]
    assert barred == ["temporal_lpips_random_trunk_variance", "lpips_random_trunk_reversed"]
    named = {name: entry.details["variant"] for name, entry in by_metric.items() if "variant" in entry.details}
    assert named == variants(["psnr", "lpips_random_trunk"])
    assert set(by_metric) == {*barred, "frame_consistency", "object_count_accuracy", "object_steadiness"}


def test_a_clip_played_backwards_is_further_from_what_happened_and_a_still_is_not(targets: Tensor) -> None:
    moving = torch.rand(2, 3, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    for clips, further in ((moving, True), (targets, False)):
        found = {entry.metric: entry.values for entry in over_time([clips], known(clips))[0]}
        backwards = found["lpips_random_trunk_reversed"]
        assert backwards is not None
        assert (backwards > 1e-3).all() if further else (backwards < 1e-9).all()
