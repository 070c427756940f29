"""The shipped photographs: found on disk, never shared between splits, never downloaded."""

from __future__ import annotations

import socket
from collections import Counter
from importlib.metadata import files
from pathlib import Path

import numpy as np
import pytest
import torch
from foresight_harness.contracts.errors import DataError
from foresight_harness.contracts.specs import DataRequest
from foresight_harness.parts.datasets.photos import PHOTOGRAPHS, Photos
from foresight_harness.parts.datasets.shipped import shipped_path, shipped_picture

NAMED = [file for split in PHOTOGRAPHS.values() for file in split]
DISTRIBUTIONS = {"skimage": "scikit-image", "sklearn": "scikit-learn"}


def test_every_photograph_is_part_of_its_wheel_and_needs_no_download() -> None:
    for package, file in NAMED:
        recorded = {Path(str(entry)).name for entry in files(DISTRIBUTIONS[package]) or ()}
        assert file in recorded


def test_opening_the_set_touches_no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: object) -> None:
        raise AssertionError("a connection was opened")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    shipped_picture.cache_clear()
    assert len(Photos(DataRequest("train", count=12, canvas_px=32))) == 12


def test_no_photograph_is_in_both_splits() -> None:
    assert not set(PHOTOGRAPHS["train"]) & set(PHOTOGRAPHS["test"])
    groups = [
        {dataset[index].group for index in range(12)}
        for dataset in (Photos(DataRequest(split, count=12, canvas_px=32)) for split in ("train", "test"))
    ]
    assert not groups[0] & groups[1]


def test_photographs_take_turns_and_name_the_group() -> None:
    dataset = Photos(DataRequest("test", count=12, canvas_px=32))
    counts = Counter(dataset[index].group for index in range(12))
    assert counts == Counter({file.partition(".")[0]: 2 for _, file in PHOTOGRAPHS["test"]})


def test_crops_of_one_photograph_differ_and_repeat_exactly() -> None:
    dataset = Photos(DataRequest("test", count=12, canvas_px=32))
    assert dataset[0].group == dataset[6].group
    assert not torch.equal(dataset[0].clip, dataset[6].clip)
    again = Photos(DataRequest("test", count=24, canvas_px=32))
    assert torch.equal(dataset[6].clip, again[6].clip)


def test_grey_photographs_have_three_equal_channels() -> None:
    picture = shipped_picture("skimage", "camera.png")
    assert picture.shape[2] == 3
    np.testing.assert_array_equal(picture[:, :, 0], picture[:, :, 2])


def test_crops_are_pictures_not_noise_or_blanks() -> None:
    dataset = Photos(DataRequest("train", count=12, canvas_px=64))
    for index in range(12):
        clip = dataset[index].clip
        assert float(clip.std()) > 0.02
        assert float((clip[..., 1:] - clip[..., :-1]).abs().mean()) < float(clip.std())


def test_a_photograph_that_a_wheel_lacks_is_named() -> None:
    with pytest.raises(DataError, match=r"skimage/data/unicorn.png is not there"):
        shipped_path("skimage", "unicorn.png")
