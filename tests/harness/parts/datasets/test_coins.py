"""The coins: all 24 found, halves disjoint, nothing unlabelled."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
import torch
from foresight_harness.contracts.errors import DataError
from foresight_harness.contracts.specs import DataRequest
from foresight_harness.parts.datasets import coin_scene as scenes
from foresight_harness.parts.datasets.coin_scene import HALVES, CoinScene, coin_scene, segment_coins
from foresight_harness.parts.datasets.coins import LEAST_VISIBLE, Coins, Window, choose_window, cut
from foresight_harness.parts.datasets.identity import stream
from foresight_harness.parts.datasets.shipped import shipped_picture
from foresight_harness.protocols import Sample
from scipy import ndimage
from torchvision.ops import masks_to_boxes

CANVAS_PX = 96


@pytest.fixture(scope="module")
def samples() -> list[Sample]:
    datasets = [Coins(DataRequest(split, count=40, canvas_px=CANVAS_PX)) for split in ("train", "test")]
    return [dataset[index] for dataset in datasets for index in range(40)]


def test_the_photograph_shows_24_coins_twelve_a_half() -> None:
    assert [int(coin_scene(split).coin_of.max()) for split in ("train", "test")] == [12, 12]


@pytest.mark.parametrize("split", ["train", "test"])
def test_every_coin_is_one_round_piece_of_a_coins_size(split: str) -> None:
    numbered = coin_scene(split).coin_of  # type: ignore[arg-type]
    for number in range(1, 13):
        mask = numbered == number
        rows, cols = np.nonzero(mask)
        height, width = np.ptp(rows) + 1, np.ptp(cols) + 1
        assert ndimage.label(mask)[1] == 1
        assert 34 <= min(height, width) <= max(height, width) <= 70
        assert mask.sum() / (height * width) == pytest.approx(np.pi / 4, abs=0.1)


def test_no_coin_touches_the_line_between_the_halves() -> None:
    assert not coin_scene("train").coin_of[-1].any()
    assert not coin_scene("test").coin_of[0].any()


def test_the_halves_are_disjoint_rows_of_the_photograph() -> None:
    assert HALVES["train"].stop == HALVES["test"].start
    assert HALVES["test"].stop == shipped_picture("skimage", "coins.png").shape[0]


@pytest.mark.parametrize(("split", "other"), [("train", "test"), ("test", "train")])
def test_no_sample_depends_on_a_pixel_of_the_other_half(
    split: str, other: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = DataRequest(split, count=8, canvas_px=64)  # type: ignore[arg-type]
    before = [Coins(request)[index] for index in range(8)]
    spoiled = shipped_picture("skimage", "coins.png").copy()
    spoiled[HALVES[other]] = 255 - spoiled[HALVES[other]]
    monkeypatch.setattr(scenes, "shipped_picture", lambda package, file: spoiled)
    monkeypatch.setattr("foresight_harness.parts.datasets.coins.coin_scene", coin_scene.__wrapped__)
    after = [Coins(request)[index] for index in range(8)]
    for one, two in zip(before, after, strict=True):
        assert torch.equal(one.clip, two.clip)
        assert torch.equal(one.boxes, two.boxes)


def test_every_crop_labels_one_to_five_coins_all_counts_occurring(samples: list[Sample]) -> None:
    assert set(Counter(len(sample.labels) for sample in samples)) == {1, 2, 3, 4, 5}


def test_boxes_are_tight_on_the_visible_part(samples: list[Sample]) -> None:
    for sample in samples:
        assert sample.masks is not None
        corners = masks_to_boxes(sample.masks[0])
        corners[:, 2:] += 1
        torch.testing.assert_close(sample.boxes[0] * CANVAS_PX, corners)


@pytest.mark.parametrize("split", ["train", "test"])
def test_every_coin_in_a_crop_is_labelled_and_none_is_a_sliver(split: str) -> None:
    scene = coin_scene(split)  # type: ignore[arg-type]
    ys, xs = (places.astype(float) for places in np.nonzero(scene.coin_of))
    owner = scene.coin_of[scene.coin_of > 0]
    whole = np.bincount(owner)[1:]
    dataset = Coins(DataRequest(split, count=25, canvas_px=CANVAS_PX))  # type: ignore[arg-type]
    for index in range(25):
        window = choose_window(stream("coins/1", 0, split, index), scene)
        share = np.bincount(owner[window.inside(xs, ys)], minlength=13)[1:] / whole
        shown = share[share > 0]
        assert len(shown) == len(dataset[index].labels)
        assert shown.min() > LEAST_VISIBLE - 0.02
        assert shown.max() == 1


def test_windows_lie_inside_the_half_at_any_angle() -> None:
    scene = coin_scene("train")
    height, width = scene.coin_of.shape
    windows = [choose_window(stream("inside", index), scene) for index in range(40)]
    for window in windows:
        rows, cols = window.places(32)
        assert 0 <= rows.min() <= rows.max() <= height - 1
        assert 0 <= cols.min() <= cols.max() <= width - 1
    quarter = [window.angle % (np.pi / 2) for window in windows]
    assert max(quarter) - min(quarter) > 1
    assert {window.mirrored for window in windows} == {True, False}


def test_an_upright_window_is_a_plain_crop_and_a_mirrored_one_its_mirror_image() -> None:
    scene = coin_scene("test")
    upright, coin_of = cut(scene, Window(x=99.5, y=69.5, side=100, angle=0, mirrored=False), 100)
    np.testing.assert_array_equal(upright, scene.picture[20:120, 50:150])
    np.testing.assert_array_equal(coin_of, scene.coin_of[20:120, 50:150])
    mirrored, _ = cut(scene, Window(x=99.5, y=69.5, side=100, angle=0, mirrored=True), 100)
    np.testing.assert_array_equal(mirrored, upright[:, ::-1])


def test_groups_name_the_coin_in_the_middle(samples: list[Sample]) -> None:
    groups = {sample.group for sample in samples}
    assert len(groups) > 8
    assert all(group.startswith(("coins-train-coin-", "coins-test-coin-")) for group in groups)


def test_uneven_light_does_not_pass_for_a_coin() -> None:
    grey = shipped_picture("skimage", "coins.png")[HALVES["train"]][:, :, 0]
    slope = np.linspace(40, 0, grey.shape[0])[:, None]
    assert int(segment_coins(np.clip(grey + slope, 0, 255).astype(np.uint8)).max()) == 12


def test_another_photograph_in_its_place_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    other = np.zeros((303, 384, 3), dtype=np.uint8)
    other[40:90, 40:90] = 200
    monkeypatch.setattr(scenes, "shipped_picture", lambda package, file: other)
    with pytest.raises(DataError, match=r"coins.png of scikit-image: 1 coins segmented in its train half, not 12"):
        coin_scene.__wrapped__("train")


def test_a_scene_without_fitting_crops_is_refused_not_searched_for_ever() -> None:
    coin_of = np.zeros((150, 384), dtype=np.uint8)
    coin_of[:, ::2] = 1
    scene = CoinScene(np.zeros((150, 384, 3), dtype=np.uint8), coin_of)
    with pytest.raises(DataError, match="is it another photograph"):
        choose_window(stream("none"), scene)
