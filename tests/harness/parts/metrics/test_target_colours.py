"""What is remembered of targets: the same numbers, changes noticed, a budget kept, pictures in use preferred."""

from __future__ import annotations

import pytest
import torch
from foresight_harness import DataRequest
from foresight_harness.parts.datasets.shapes import Shapes
from foresight_harness.parts.metrics import target_colours
from foresight_harness.parts.metrics.segments import object_iou
from foresight_harness.parts.metrics.target_colours import Memory, TargetColours, colours_of
from torch import Tensor


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Pictures that were gathered anew, with an empty memory."""
    found: list[object] = []
    gathered = target_colours._gathered

    def counted(*given: object) -> TargetColours:
        found.append(given)
        return gathered(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(target_colours, "_gathered", counted)
    monkeypatch.setattr(target_colours, "_memory", Memory(target_colours.REMEMBERED_BYTES))
    return found


def scenes(count: int) -> tuple[Tensor, list[Tensor]]:
    held = Shapes(DataRequest("test", count, 0, canvas_px=64))
    samples = [held[index] for index in range(count)]
    return torch.stack([sample.clip for sample in samples]), [sample.masks for sample in samples]  # type: ignore[misc]


def test_a_second_output_is_compared_without_gathering_again_and_scores_the_same(made: list[object]) -> None:
    target, masks = scenes(4)
    output = (0.7 * target + 0.3 * target.roll(3, -1)).clamp(0, 1)
    first = object_iou(output, target, masks)
    assert len(made) == 4
    assert torch.equal(object_iou(output, target, masks), first)
    assert len(made) == 4


def test_a_change_of_picture_or_mask_is_noticed(made: list[object]) -> None:
    target, masks = scenes(1)
    before = object_iou(target, target, masks)
    target[0, 0, :, :8] = 0.25
    colours_of(target[0, 0], masks[0][0])
    assert len(made) == 2
    shifted = object_iou(target, target, [masks[0].roll(9, -1)])
    assert len(made) == 3
    assert float(shifted) < float(before)


def test_a_picture_without_objects_is_no_place_to_look(made: list[object]) -> None:
    target, masks = scenes(1)
    assert object_iou(target, target, [masks[0][:, :0]]).isnan().all()
    assert not made


def test_pictures_in_use_stay_and_those_done_with_make_room() -> None:
    picture, planes = scenes(1)
    one = colours_of(picture[0, 0], planes[0][0])
    memory = Memory(2 * one.nbytes)
    for turn in range(3):  # three pictures in turns, room for two: two stay, turn for turn
        known = [memory.get(key) is not None for key in (b"a", b"b", b"c")]
        assert known == [turn > 0, turn > 0, False]
        for key, there in zip((b"a", b"b", b"c"), known, strict=True):
            if not there:
                memory.keep(key, one)
    for _ in range(8):
        memory.get(b"d")
    memory.keep(b"d", one)
    assert memory.get(b"d") is one
    assert memory.get(b"a") is None


def test_what_is_larger_than_the_budget_is_not_remembered() -> None:
    picture, planes = scenes(1)
    one = colours_of(picture[0, 0], planes[0][0])
    memory = Memory(one.nbytes - 1)
    memory.keep(b"a", one)
    assert memory.get(b"a") is None
