from __future__ import annotations

import pytest
import torch
from foresight_timm.preprocessing import preprocess
from foresight_timm.presets import CLIP, HALF, IMAGENET


@pytest.mark.parametrize("colours", [HALF, IMAGENET, CLIP])
def test_a_square_of_the_right_size_is_only_normalised(colours: tuple[tuple[float, ...], tuple[float, ...]]) -> None:
    picture = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    mean, std = (torch.tensor(values).view(3, 1, 1) for values in colours)
    found = preprocess(picture, 32, colours, "bicubic", torch.float32)  # type: ignore[arg-type]
    assert torch.allclose(found, (picture - mean) / std, atol=1e-6)


@pytest.mark.parametrize("interpolation", ["bicubic", "bilinear", "nearest"])
def test_the_whole_picture_is_squashed(interpolation: str) -> None:
    picture = torch.zeros(1, 3, 40, 120)
    picture[..., :30] = 1.0
    found = preprocess(picture, 32, HALF, interpolation, torch.float32)
    assert found.shape == (1, 3, 32, 32)
    assert torch.allclose(found[..., :6], torch.tensor(1.0), atol=0.02)
    assert torch.allclose(found[..., 10:], torch.tensor(-1.0), atol=0.02)


def test_interpolation_is_the_one_asked_for() -> None:
    picture = torch.rand(1, 3, 20, 20, generator=torch.Generator().manual_seed(1))
    found = [preprocess(picture, 32, HALF, mode, torch.float32) for mode in ("bicubic", "bilinear", "nearest")]
    assert not torch.allclose(found[0], found[1], atol=1e-3)
    assert not torch.allclose(found[1], found[2], atol=1e-3)
    assert set(found[2].flatten().tolist()) <= set(((picture - 0.5) / 0.5).flatten().tolist())
