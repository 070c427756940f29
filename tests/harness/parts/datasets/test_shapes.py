"""The drawn pictures: exact, repeatable, and not solvable by a constant."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Callable

import numpy as np
import pytest
import torch
from foresight_harness.contracts.specs import DataRequest
from foresight_harness.parts.datasets.identity import stream
from foresight_harness.parts.datasets.shape_drawing import COLOURS, KINDS, coverage, sides
from foresight_harness.parts.datasets.shapes import GAP, SIZES, Figure, OneShape, Shapes, compose
from foresight_harness.protocols import Sample
from scipy import ndimage
from sklearn.metrics import roc_auc_score
from torch.nn import functional as F
from torchvision.ops import box_iou, masks_to_boxes

SAMPLES = 120
CANVAS_PX = 128

torch.set_num_threads(1)


def opened(split: str = "train", count: int = SAMPLES, seed: int = 0, canvas_px: int = CANVAS_PX) -> Shapes:
    return Shapes(DataRequest(split, count=count, seed=seed, canvas_px=canvas_px))  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def samples() -> list[Sample]:
    dataset = opened()
    return [dataset[index] for index in range(SAMPLES)]


def test_figures_tell_kind_colour_and_place_of_what_is_drawn(samples: list[Sample]) -> None:
    dataset = opened()
    for index, sample in enumerate(samples[:20]):
        figures = dataset.figures(index)
        assert tuple(figure.kind for figure in figures) == sample.labels
        assert {figure.colour for figure in figures} <= set(COLOURS)
        middles = (sample.boxes[0, :, :2] + sample.boxes[0, :, 2:]) / 2
        told = torch.tensor([(figure.x, figure.y) for figure in figures])
        assert (middles - told).abs().max() < 0.02
    with pytest.raises(IndexError):
        dataset.figures(SAMPLES)


def test_every_box_is_the_tight_bound_of_its_mask(samples: list[Sample]) -> None:
    for sample in samples:
        assert sample.masks is not None
        corners = masks_to_boxes(sample.masks[0])
        corners[:, 2:] += 1
        torch.testing.assert_close(sample.boxes[0] * CANVAS_PX, corners)


def test_masks_do_not_overlap_and_number_as_many_as_labels(samples: list[Sample]) -> None:
    for sample in samples:
        assert sample.masks is not None
        assert len(sample.labels) == sample.masks.shape[1] == sample.boxes.shape[1]
        assert int(sample.masks[0].sum(dim=0).max()) == 1


def test_half_of_the_pictures_show_one_object_and_the_rest_two_to_five() -> None:
    shown = Counter(len(compose(stream("count", index))) for index in range(1500))
    assert set(shown) == {1, 2, 3, 4, 5}
    assert shown[1] / 1500 == pytest.approx(0.5, abs=0.05)
    for count in (2, 3, 4, 5):
        assert shown[count] / 1500 == pytest.approx(0.125, abs=0.03)


def test_all_kinds_and_colours_appear() -> None:
    figures = [figure for index in range(100) for figure in compose(stream("kind", index))]
    assert {figure.kind for figure in figures} == set(KINDS)
    assert {figure.colour for figure in figures} == set(COLOURS)
    assert (len(KINDS), len(COLOURS)) == (6, 8)


def test_single_objects_are_log_uniform_in_size() -> None:
    scenes = [compose(stream("size", index)) for index in range(1500)]
    sizes = np.array([scene[0].size for scene in scenes if len(scene) == 1])
    assert SIZES[0] <= sizes.min() < sizes.max() <= SIZES[1]
    middle = math.sqrt(SIZES[0] * SIZES[1])
    assert (sizes < middle).mean() == pytest.approx(0.5, abs=0.06)


def test_boxes_stay_apart_by_the_gap(samples: list[Sample]) -> None:
    for sample in samples:
        low, high = sample.boxes[0, :, :2], sample.boxes[0, :, 2:]
        apart = torch.maximum(low[:, None] - high[None], low[None] - high[:, None]).amax(dim=2)
        apart.fill_diagonal_(1)
        assert float(apart.min()) >= GAP - 1e-6


def test_half_covered_cells_of_a_16x16_grid_join_no_two_objects(samples: list[Sample]) -> None:
    for sample in samples:
        assert sample.masks is not None
        cells = F.adaptive_avg_pool2d(sample.masks[0].float(), (16, 16)) >= 0.5
        _, joined = ndimage.label(cells.any(dim=0).numpy(), structure=np.ones((3, 3)))
        each = sum(ndimage.label(one.numpy(), structure=np.ones((3, 3)))[1] for one in cells)
        assert joined == each


def test_the_best_constant_box_scores_under_a_tenth() -> None:
    scenes = [compose(stream("constant", index)) for index in range(1500)]
    places = [torch.tensor([_box(figure) for figure in scene]) for scene in scenes]
    singles = torch.cat([boxes for boxes in places if len(boxes) == 1])
    steps = torch.arange(0.1, 1.0, 0.1)
    middles_and_sides = torch.cartesian_prod(steps, steps, steps)
    half = middles_and_sides[:, 2:] / 2
    constants = torch.cat([middles_and_sides[:, :2] - half, middles_and_sides[:, :2] + half], dim=1)
    assert 0.05 < float(box_iou(constants, singles).mean(dim=1).max()) < 0.1
    assert float(box_iou(constants, torch.cat(places)).mean(dim=1).max()) < 0.1


def _box(figure: Figure) -> list[float]:
    width, height = (figure.size * side for side in sides(figure.kind, figure.angle))
    return [figure.x - width / 2, figure.y - height / 2, figure.x + width / 2, figure.y + height / 2]


def test_the_colour_of_a_single_pixel_does_not_give_objects_away(samples: list[Sample]) -> None:
    pixels, truth = [], []
    for sample in samples:
        assert sample.masks is not None
        pixels.append(F.avg_pool2d(sample.clip, 4)[0].flatten(1).T)
        truth.append(F.avg_pool2d(sample.masks[0].any(dim=0)[None, None].float(), 4).flatten() > 0.5)
    colour, foreground = torch.cat(pixels).double(), torch.cat(truth)
    spread = (colour.amax(dim=1) - colour.amin(dim=1)).unsqueeze(1)
    pairs = (colour[:, :, None] * colour[:, None, :]).flatten(1)
    features = torch.cat([torch.ones_like(spread), colour, pairs, spread, spread**2], dim=1)
    weights = torch.linalg.lstsq(features, foreground.double().unsqueeze(1), driver="gelsd").solution
    for score in (features @ weights, spread, colour.sum(dim=1, keepdim=True)):
        assert 0.35 < roc_auc_score(foreground, score.squeeze(1)) < 0.85


def test_most_objects_stand_out_from_what_surrounds_them(samples: list[Sample]) -> None:
    contrasts = []
    for sample in samples:
        assert sample.masks is not None
        picture = sample.clip[0]
        for mask in sample.masks[0]:
            around = F.max_pool2d(mask[None].float(), 9, 1, 4)[0].bool() & ~sample.masks[0].any(dim=0)
            contrasts.append(float((picture[:, mask].mean(dim=1) - picture[:, around].mean(dim=1)).norm()))
    assert np.quantile(contrasts, 0.1) > 0.15


def test_a_sample_depends_on_its_index_alone_not_on_count_or_order() -> None:
    few, many = opened(count=3, canvas_px=64), opened(count=30, canvas_px=64)
    later = many[20]
    assert torch.equal(few[2].clip, many[2].clip)
    assert torch.equal(many[20].clip, later.clip)
    assert few[2].id == many[2].id


def test_seed_and_split_give_other_pictures() -> None:
    pictures = [
        opened(split, count=1, seed=seed, canvas_px=64)[0] for split in ("train", "test") for seed in (0, 1, -1)
    ]
    for index, one in enumerate(pictures):
        for other in pictures[index + 1 :]:
            assert not torch.equal(one.clip, other.clip)
            assert one.id != other.id


def test_train_and_test_share_no_picture() -> None:
    seen = {opened("train", 60, canvas_px=32)[index].clip.numpy().tobytes() for index in range(60)}
    assert len(seen) == 60
    assert not any(opened("test", 60, canvas_px=32)[index].clip.numpy().tobytes() in seen for index in range(60))


def test_five_objects_that_do_not_fit_are_shrunk_until_they_do() -> None:
    crowded = [scene for index in range(400) if len(scene := compose(stream("crowd", index), gap=0.2)) == 5]
    assert len(crowded) > 20
    roomy = [scene for index in range(400) if len(scene := compose(stream("crowd", index), gap=0.0)) == 5]
    total = [sum(figure.size for scene in scenes for figure in scene) for scenes in (crowded, roomy)]
    assert total[0] < total[1]
    assert min(figure.size for scene in crowded for figure in scene) >= SIZES[0]


def test_a_disc_and_a_square_cover_their_area() -> None:
    steps = (np.arange(400) + 0.5) / 400 - 0.5
    share = {kind: coverage(kind, math.pi / 4, steps, steps).mean() for kind in KINDS}
    assert share["disc"] == pytest.approx(math.pi / 4, abs=0.005)
    assert share["ring"] == pytest.approx(math.pi / 4 * 0.75, abs=0.005)
    assert share["square"] == pytest.approx(1.0, abs=0.01)
    assert 0.3 < share["star"] < share["cross"] < share["disc"]


def test_an_upright_triangle_points_up() -> None:
    steps = (np.arange(100) + 0.5) / 100 - 0.5
    rows = coverage("triangle", 0.0, steps, steps).sum(axis=1)
    assert rows[20] < rows[50] < rows[80]


def test_drawing_takes_a_few_milliseconds_a_picture(least_seconds: Callable[..., float]) -> None:
    dataset = opened(count=60)

    def usual() -> float:
        times = []
        for index in range(60):
            start = time.process_time()
            dataset[index]
            times.append(time.process_time() - start)
        return sorted(times)[30]

    assert least_seconds(usual, 0.02) < 0.02


def test_one_shape_shows_one_object_in_every_picture_and_is_another_data_set() -> None:
    one = OneShape(DataRequest("train", count=30, canvas_px=64))
    assert [len(one[index].labels) for index in range(30)] == [1] * 30
    assert one[0].id == "one_shape-0-train-000000"
    assert one.fingerprint != opened(count=30, canvas_px=64).fingerprint
