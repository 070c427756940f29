"""Data sets of plugins that would give a wrong number: each is refused, and what was found is said."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest
import torch
from foresight_harness.contracts.errors import DataError
from foresight_harness.contracts.protocols import Dataset, Sample
from foresight_harness.contracts.specs import DataRequest
from foresight_harness.planning.options import DatasetChoice
from foresight_harness.planning.registry import Registry
from foresight_harness.running.keeper import RunKeeper

pytestmark = pytest.mark.usefixtures("few_pictures")
Change = Callable[[Sample, int, Dataset, str], Sample]


@dataclass
class Spoilt:
    """Another set, each of its samples changed."""

    base: Dataset
    change: Change
    name: str = "spoilt"

    @property
    def split(self) -> str:
        return self.base.split

    @property
    def fingerprint(self) -> str:
        return self.base.fingerprint[::-1]

    def __len__(self) -> int:
        return len(self.base)

    def __getitem__(self, index: int) -> Sample:
        return self.change(self.base[index], index, self.base, self.split)


TRAIN: dict[int, Dataset] = {}


def _of_train(sample: Sample, index: int, split: str, every: int) -> Sample:
    if split == "train" or index % every:
        return sample
    return replace(TRAIN[0][index], id=sample.id, group=sample.group)


def _darker(sample: Sample, index: int, base: Dataset, split: str) -> Sample:
    copied = _of_train(sample, index, split, 1)
    return replace(copied, clip=copied.clip * (0.8 if split == "test" else 1))


def _xywh(sample: Sample, index: int, base: Dataset, split: str) -> Sample:
    return replace(sample, boxes=torch.cat([sample.boxes[..., :2] + 0.5, sample.boxes[..., 2:] / 9], -1).clamp(0, 1))


def _noisy(sample: Sample, index: int, base: Dataset, split: str) -> Sample:
    copied = _of_train(sample, index, split, 1)
    noise = torch.randn(copied.clip.shape, generator=torch.Generator().manual_seed(index)) * 0.01
    return replace(copied, clip=(copied.clip + noise * (split == "test")).clamp(0, 1))


FAULTS: dict[str, tuple[Change, str]] = {
    "train is test": (lambda s, i, b, split: _of_train(s, i, split, 1), "16 of 16 test pictures stand in train too"),
    "half of test in train": (lambda s, i, b, split: _of_train(s, i, split, 2), "8 of 16 test pictures stand in train"),
    "one of test in train": (lambda s, i, b, split: _of_train(s, i, split, 16), "1 of 16 test pictures stand in train"),
    "noisy copies": (_noisy, "test pictures nearly equal a training picture"),
    "darker copies": (_darker, "nearly equal a training picture"),
    "one id": (lambda s, i, b, split: replace(s, id="same"), "samples 0 and 1 have one id"),
    "one group": (lambda s, i, b, split: replace(s, group="video"), "groups stand in train and in test"),
    "boxes in pixels": (lambda s, i, b, split: replace(s, boxes=s.boxes * 128), "not pixels"),
    "boxes xywh": (_xywh, "not xywh"),
    "boxes yx": (lambda s, i, b, split: replace(s, boxes=s.boxes[..., [1, 0, 3, 2]]), "does not lie in its box"),
    "masks mirrored": (lambda s, i, b, split: replace(s, masks=_masks(s).flip(-1)), "does not lie in its box"),
    "masks too few": (lambda s, i, b, split: replace(s, masks=_masks(s)[:, :0]), "bool are wanted"),
    "pixels of 255": (lambda s, i, b, split: replace(s, clip=s.clip * 255), "[0, 1] is wanted"),
    "pixels nan": (lambda s, i, b, split: replace(s, clip=s.clip * float("nan")), "[0, 1] is wanted"),
    "bytes": (lambda s, i, b, split: replace(s, clip=(s.clip * 255).to(torch.uint8)), "is uint8"),
    "rows last": (lambda s, i, b, split: replace(s, clip=s.clip.movedim(1, -1)), "[T, 3, H_px, W_px] is wanted"),
    "labels": (lambda s, i, b, split: replace(s, labels=("a",) * 9), "9 labels for"),
    "no sample": (lambda s, i, b, split: s.clip, "is a Tensor; a Sample is wanted"),  # type: ignore[return-value, arg-type]
}


def _masks(sample: Sample) -> torch.Tensor:
    assert sample.masks is not None
    return sample.masks


@pytest.fixture
def decode(builtins: Registry, make_keeper: Callable[..., RunKeeper]) -> Callable[..., RunKeeper]:
    """A run over ``shapes``, its samples changed, both splits decoded."""
    honest = builtins.dataset("shapes")

    def run(change: Change, **options: Any) -> RunKeeper:
        def build(request: DataRequest) -> Any:
            base = honest.build(request)
            if request.split == "train":
                TRAIN[0] = base
            return Spoilt(base, change)

        registry = replace(builtins, datasets={**builtins.datasets, "shapes": replace(honest, build=build)})
        keeper = make_keeper(registry, **options)
        for split in ("train", "test"):
            keeper.workshop.splits.decoded(DatasetChoice("shapes"), split)  # type: ignore[arg-type]
        return keeper

    return run


@pytest.mark.parametrize("name", FAULTS)
def test_a_wrong_data_set_is_refused_and_said(decode: Callable[..., RunKeeper], name: str) -> None:
    change, said = FAULTS[name]
    with pytest.raises(DataError) as refused:
        decode(change)
    assert said in str(refused.value)
    assert str(refused.value).startswith("data set shapes of plugin 'builtin'")
    assert "\n" not in str(refused.value)


def test_an_honest_data_set_is_taken_without_a_remark(decode: Callable[..., RunKeeper]) -> None:
    assert [split.remarks for split in decode(lambda s, i, b, split: s).workshop.splits.known()] == [(), ()]


def test_equal_pictures_under_two_ids_are_resampled_together_and_counted(decode: Callable[..., RunKeeper]) -> None:
    def twice(sample: Sample, index: int, base: Dataset, split: str) -> Sample:
        return replace(sample, clip=base[index - 1].clip) if index in (3, 7) and split == "test" else sample

    test = decode(twice).workshop.splits.decoded(DatasetChoice("shapes"), "test")
    assert test.remarks[0].startswith("2 pictures stand under two ids")
    assert test.labels.groups[2] == test.labels.groups[3]
    assert test.labels.groups[6] == test.labels.groups[7]
    assert len(set(test.labels.groups)) == 14
