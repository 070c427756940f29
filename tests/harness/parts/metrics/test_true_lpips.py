"""LPIPS against published and measured figures, where its trained trunks are on this machine.

No picture of others is kept here. The package's own example pictures gave 0.721881 and 0.137566 with AlexNet, 0.568613
and 0.421664 with VGG16 (published: 0.722 and 0.138 with AlexNet) when the weights were converted; what is computed anew
is the distance of scikit-image's pictures.
"""

from __future__ import annotations

import numpy as np
import pytest
import torch
from foresight_harness.parts.metrics.perceptual import build_lpips
from foresight_harness.parts.metrics.trunks import METRIC_NAMES, TRUNK_TENSORS, find_trunk, trunk_identity
from foresight_harness.parts.weights.lpips_trunks import Trunk
from PIL import Image
from skimage import data, filters
from torch import Tensor

MEASURED: dict[Trunk, tuple[float, float]] = {"alex": (0.323024, 0.423897), "vgg": (0.243320, 0.656749)}
"""Astronaut against itself blurred, and against chelsea, each 64x64."""


def _picture(array: np.ndarray) -> np.ndarray:
    return np.asarray(Image.fromarray(array).resize((64, 64), Image.Resampling.BILINEAR), np.float32) / 127.5 - 1


def _clip(picture: np.ndarray) -> Tensor:
    """[-1, 1] to [0, 1]. [1, 1, 3, 64, 64]"""
    return torch.from_numpy((picture + 1) / 2).float().permute(2, 0, 1)[None, None].clamp(0, 1)


@pytest.mark.parametrize("trunk", ["alex", "vgg"])
def test_distances_are_those_that_were_measured(trunk: Trunk) -> None:
    if find_trunk(trunk) is None:
        pytest.skip(f"the trunk is not on this machine: foresight-bench weights fetch lpips_{trunk}")
    astronaut, chelsea = _picture(data.astronaut()), _picture(data.chelsea())
    blurred = filters.gaussian(astronaut, sigma=1.5, channel_axis=-1)
    metric = build_lpips(trunk)
    target = _clip(astronaut)
    found = [float(metric(_clip(other), target)) for other in (blurred, chelsea)]
    assert found == pytest.approx(MEASURED[trunk], abs=1e-4)
    assert trunk_identity(trunk) == f"trunk sha256 {TRUNK_TENSORS[trunk][:16]}"


def test_the_two_trunks_have_names_of_their_own() -> None:
    assert METRIC_NAMES == {"alex": "lpips", "vgg": "lpips_vgg"}
