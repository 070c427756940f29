from __future__ import annotations

import pytest
import torch
from foresight_dinov2.preprocessing import preprocess, resized_sides
from foresight_dinov2.presets import MEAN, STD


@pytest.mark.parametrize(
    ("picture", "expected"),
    [
        ((224, 224), (224, 224)),
        ((480, 640), (224, 294)),  # 298.7 px is 21.3 patches
        ((640, 480), (294, 224)),
        ((100, 1000), (224, 2240)),
        ((1, 1), (224, 224)),
    ],
)
def test_the_shorter_side_is_set_and_both_are_multiples_of_the_patch(
    picture: tuple[int, int], expected: tuple[int, int]
) -> None:
    assert resized_sides(*picture, 224) == expected


def test_a_side_that_is_no_multiple_of_the_patch_is_rounded_to_one() -> None:
    assert resized_sides(300, 300, 230) == (224, 224)


def test_nothing_is_cropped() -> None:
    picture = torch.zeros(1, 3, 96, 160)
    picture[..., -12:] = 1.0
    resized = preprocess(picture, 224, torch.float32)
    white = (1 - torch.tensor(MEAN)) / torch.tensor(STD)
    assert torch.allclose(resized[0, :, :, -1], white[:, None].expand(3, 224), atol=1e-3)


def test_a_picture_of_the_right_size_is_only_normalised() -> None:
    picture = torch.rand(1, 3, 224, 238, generator=torch.Generator().manual_seed(0))
    expected = (picture - torch.tensor(MEAN).view(3, 1, 1)) / torch.tensor(STD).view(3, 1, 1)
    assert torch.allclose(preprocess(picture, 224, torch.float32), expected, atol=1e-6)


def test_shrinking_is_antialiased() -> None:
    lines = torch.zeros(1, 3, 896, 896)
    lines[..., ::2] = 1.0
    shrunk = preprocess(lines, 224, torch.float32)
    grey = (0.5 - torch.tensor(MEAN)) / torch.tensor(STD)
    inside = shrunk[0, :, 20:-20, 20:-20]
    assert torch.allclose(inside, grey.view(3, 1, 1).expand_as(inside), atol=0.02)


def test_the_result_has_the_dtype_asked_for() -> None:
    assert preprocess(torch.rand(1, 3, 28, 28), 28, torch.bfloat16).dtype == torch.bfloat16
