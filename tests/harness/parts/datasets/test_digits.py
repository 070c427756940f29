"""Handwritten digits, still and moving: real scans, shared by no two splits, labelled by their class."""

from __future__ import annotations

import numpy as np
import pytest
import sklearn.datasets
import torch
from foresight_harness.contracts.errors import DataError
from foresight_harness.contracts.specs import DataRequest
from foresight_harness.parts.datasets.digits import Digits, enlarged, scans, scans_of
from foresight_harness.parts.datasets.motion import heading_of
from foresight_harness.parts.datasets.moving_digits import MovingDigits


def test_no_scan_is_in_both_splits_and_none_is_lost() -> None:
    train, test = set(scans_of("train").tolist()), set(scans_of("test").tolist())
    assert not train & test
    assert len(train | test) == 1797


def test_the_label_is_the_class_of_the_scan_that_is_shown() -> None:
    dataset = Digits(DataRequest("test", count=20, canvas_px=64))
    held = sklearn.datasets.load_digits()
    for sample in (dataset[index] for index in range(20)):
        number = int(sample.group.rsplit("-", 1)[1])
        assert sample.labels == (str(held.target[number]),)
        left, top, right, bottom = (round(float(side) * 64) for side in sample.boxes[0, 0])
        shown = sample.clip[0, 0, top:bottom, left:right]
        assert float(shown.mean()) > 0.2
        assert float(sample.clip[0, 0].sum()) == pytest.approx(float(shown.sum()), rel=0.35)


def test_enlarging_keeps_ink_where_it_was() -> None:
    scan = scans()[0][0]
    coarse = enlarged(scan, 32).reshape(8, 4, 8, 4).mean(axis=(1, 3))
    assert np.corrcoef(coarse.ravel(), scan.ravel())[0, 1] > 0.97


def test_a_moving_digit_goes_where_its_label_says() -> None:
    dataset = MovingDigits(DataRequest("train", count=16, canvas_px=64))
    for sample in (dataset[index] for index in range(16)):
        box = sample.boxes[:, 0]
        way = ((box[-1, :2] + box[-1, 2:]) - (box[0, :2] + box[0, 2:])).numpy() / 2
        wanted = heading_of(sample.motion["direction"]) * sample.motion["speed"] * 8
        assert np.abs(way - wanted).max() < 2.5 / 64
        assert torch.equal(sample.clip[:, 0], sample.clip[:, 2])


def test_a_wheel_without_the_scans_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def absent() -> None:
        raise OSError("digits.csv.gz")

    monkeypatch.setattr(sklearn.datasets, "load_digits", absent)
    scans.cache_clear()
    with pytest.raises(DataError, match="load_digits cannot be read"):
        Digits(DataRequest("train", count=1))
    scans.cache_clear()
