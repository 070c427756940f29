"""What clips add to the reconstruction suite, on clips whose answers are known."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from foresight_harness.measuring.suites.over_time import over_time
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
