"""The painted scene: every part in its own mean colour, and nothing else of the picture."""

from __future__ import annotations

import torch
from foresight_harness.parts.datasets.scenes import painted


def test_each_connected_part_has_its_own_mean_colour_and_the_background_too() -> None:
    clip = torch.zeros(1, 1, 3, 4, 4)
    mask = torch.zeros(1, 1, 4, 4, dtype=torch.bool)
    mask[0, 0, 0, :2] = mask[0, 0, 3, 2:] = True
    clip[0, 0, 0, 0, 0], clip[0, 0, 0, 0, 1] = 0.2, 0.6
    clip[0, 0, 1, 3, 2:] = 0.5
    clip[0, 0, 2, 1] = 0.9
    scene = painted(clip, mask)[0, 0]
    assert torch.equal(scene[0], mask[0, 0].float())
    assert torch.allclose(scene[1, 0, :2], torch.tensor(0.4))
    assert torch.allclose(scene[2, 3, 2:], torch.tensor(0.5))
    assert torch.allclose(scene[3][~mask[0, 0]], torch.tensor(4 * 0.9 / 12))
    assert scene[3][mask[0, 0]].abs().max() == 0


def test_frames_are_painted_one_by_one_and_a_picture_without_objects_is_its_mean() -> None:
    clips = torch.rand(1, 2, 3, 8, 8)
    scene = painted(clips, torch.zeros(1, 2, 8, 8, dtype=torch.bool))
    assert torch.allclose(scene[0, :, 1:].flatten(2), clips[0].mean((-1, -2))[..., None].expand(2, 3, 64), atol=1e-6)
