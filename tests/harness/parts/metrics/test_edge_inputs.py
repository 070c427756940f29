"""Every metric on the inputs where numbers go wrong unseen, and beside a second computation where others have none."""

from __future__ import annotations

import math
from itertools import permutations
from typing import Any

import numpy as np
import pytest
import torch
from foresight_harness.contracts.errors import ForesightError
from foresight_harness.contracts.specs import MetricSpec
from foresight_harness.parts.checks.metric_checks import SAMPLES, damaged, target_of
from foresight_harness.parts.metrics.boxes import centre_error, matched_iou, size_error
from foresight_harness.parts.metrics.cka import linear_cka
from foresight_harness.parts.metrics.edges import edge_f1, edge_map
from foresight_harness.parts.metrics.kernels import mutual_knn, rbf_cka
from foresight_harness.parts.metrics.pixels import psnr
from foresight_harness.parts.metrics.specs import metric_specs
from foresight_harness.parts.metrics.structure import effective_rank, local_distant_similarity
from foresight_harness.parts.metrics.temporal import frame_consistency, temporal_variance
from foresight_harness.protocols import Metric
from scipy.ndimage import distance_transform_cdt
from skimage.metrics import structural_similarity
from torch import Tensor
from torchmetrics.functional.image import peak_signal_noise_ratio
from torchvision.ops import box_iou

SPECS = {spec.name: spec for spec in metric_specs()}
BEST = {"iou": 1.0, "centre_error": 0.0, "size_error": 0.0, "psnr": 100.0, "ssim": 1.0, "edge_f1": 1.0}
"""Of a target against itself; perceptual distances score 0, and ``decoded_iou`` loses a blur's width at borders."""


@pytest.fixture(scope="module", params=list(SPECS))
def case(request: pytest.FixtureRequest) -> tuple[MetricSpec, Metric]:
    """Every per-sample metric on offer, built once."""
    spec = SPECS[request.param]
    return spec, spec.build()


def one_of(spec: MetricSpec, target: Any) -> Any:
    return (target[0][1:2], target[1][1:2]) if spec.compares == "objects" else target[1:2]


def spoiled(given: Any, value: float) -> Any:
    """The same with one value replaced: in a box, or in a pixel."""
    if isinstance(given, tuple):
        return spoiled(given[0], value), given[1]
    if isinstance(given, list):
        return [*given[:-1], spoiled(given[-1], value)]
    changed = given.clone()
    changed.view(-1)[0] = value
    return changed


def test_a_target_has_the_best_value_against_itself(case: tuple[MetricSpec, Metric]) -> None:
    spec, metric = case
    target = target_of(spec.compares)
    values = metric(damaged(spec.compares, target, 0.0), target)
    if spec.name == "decoded_iou":
        assert float(values.min()) > 0.9
        return
    assert values.tolist() == pytest.approx([BEST.get(spec.name, 0.0)] * SAMPLES, abs=1e-6)


def test_one_sample_has_the_value_it_has_among_others(case: tuple[MetricSpec, Metric]) -> None:
    spec, metric = case
    target = target_of(spec.compares)
    output = damaged(spec.compares, target, 0.1)
    alone = metric(output[1:2], one_of(spec, target))
    assert alone.dtype == torch.float64
    assert alone.tolist() == pytest.approx([float(metric(output, target)[1])], abs=1e-6)


@pytest.mark.parametrize("value", [math.nan, math.inf, 37.0], ids=["nan", "infinite", "out-of-range"])
@pytest.mark.parametrize("side", ["output", "target"])
def test_a_single_unusable_value_is_refused_in_one_line(
    case: tuple[MetricSpec, Metric], side: str, value: float
) -> None:
    spec, metric = case
    target = target_of(spec.compares)
    output = damaged(spec.compares, target, 0.0)
    pair = (spoiled(output, value), target) if side == "output" else (output, spoiled(target, value))
    with pytest.raises(ForesightError) as refused:
        metric(*pair)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("value", [math.nan, math.inf])
@pytest.mark.parametrize(
    "measure",
    [
        lambda bad, good: linear_cka(bad, good),
        lambda bad, good: linear_cka(good, bad),
        lambda bad, good: rbf_cka(bad, good, torch.Generator().manual_seed(0)),
        lambda bad, good: rbf_cka(good, bad, torch.Generator().manual_seed(0)),
        lambda bad, good: mutual_knn(bad, good, 3),
        lambda bad, good: mutual_knn(good, bad, 3),
        lambda bad, good: effective_rank(bad),
        lambda bad, good: local_distant_similarity(bad.reshape(1, 4, 5, 6)),
        lambda bad, good: temporal_variance(bad),
        lambda bad, good: frame_consistency(bad.reshape(1, 1, 3, 40, 1)),
    ],
    ids=["cka-x", "cka-y", "rbf-x", "rbf-y", "knn-x", "knn-y", "rank", "local", "variance", "consistency"],
)
def test_features_that_are_not_finite_are_refused_in_one_line(
    measure: Any, value: float, generator: torch.Generator
) -> None:
    good = torch.rand(20, 6, generator=generator)
    with pytest.raises(ForesightError) as refused:
        measure(spoiled(good, value), good)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("metric", [matched_iou, centre_error, size_error])
def test_no_detection_scores_the_worst_and_no_object_scores_nothing(metric: Metric) -> None:
    none, some = torch.zeros(0, 4), torch.tensor([[0.1, 0.2, 0.4, 0.6]])
    spec = next(spec for spec in SPECS.values() if spec.build() is metric)
    worst = spec.range[0] if spec.direction == "higher" else spec.range[1]
    values = metric([none, some, none], [some, none, none])
    assert float(values[0]) == worst
    assert values[1:].isnan().all()
    assert metric([], []).shape == (0,)


def boxes_of(count: int, generator: torch.Generator) -> Tensor:
    return torch.rand(count, 2, 2, generator=generator, dtype=torch.float64).sort(dim=1).values.reshape(count, 4)


def test_matched_iou_equals_the_best_of_all_pairings_of_torchvisions_overlaps(generator: torch.Generator) -> None:
    for _ in range(20):
        predicted, true = boxes_of(3, generator), boxes_of(3, generator)
        overlap = box_iou(predicted, true)
        best = max(sum(float(overlap[row, col]) for col, row in enumerate(order)) for order in permutations(range(3)))
        assert float(matched_iou([predicted], [true])[0]) == pytest.approx(best / 3, abs=1e-3)


def test_box_errors_equal_plain_arithmetic(generator: torch.Generator) -> None:
    predicted, true = boxes_of(1, generator), boxes_of(1, generator)
    (left, top, right, bottom), (x1, y1, x2, y2) = predicted[0].tolist(), true[0].tolist()
    off = math.hypot((left + right - x1 - x2) / 2, (top + bottom - y1 - y2) / 2)
    assert float(centre_error([predicted], [true])[0]) == pytest.approx(off, abs=1e-12)
    ratios = [math.log((right - left) / (x2 - x1)), math.log((bottom - top) / (y2 - y1))]
    size = sum(1 - math.exp(-abs(ratio)) for ratio in ratios) / 2
    assert float(size_error([predicted], [true])[0]) == pytest.approx(size, abs=1e-12)


def test_psnr_of_each_frame_equals_torchmetrics(clips: Tensor, noisy: Tensor) -> None:
    frames = [
        [float(peak_signal_noise_ratio(noisy[b, t], clips[b, t], data_range=1.0)) for t in range(2)] for b in range(3)
    ]
    assert psnr(noisy, clips).tolist() == pytest.approx(np.mean(frames, axis=1).tolist(), abs=1e-4)


def test_edge_f1_equals_distances_to_the_nearest_edge(clips: Tensor, noisy: Tensor) -> None:
    expected = []
    for sample in range(3):
        frames = []
        for frame in range(2):
            found, true = edge_map(noisy[sample, frame]), edge_map(clips[sample, frame])
            to_true, to_found = (distance_transform_cdt(~edges, metric="chessboard") for edges in (true, found))
            right = sum(1 for place in np.argwhere(found) if to_true[tuple(place)] <= 1)
            seen = sum(1 for place in np.argwhere(true) if to_found[tuple(place)] <= 1)
            precision, recall = right / found.sum(), seen / true.sum()
            frames.append(2 / (1 / precision + 1 / recall))
        expected.append(sum(frames) / 2)
    assert edge_f1(noisy, clips).tolist() == pytest.approx(expected, abs=1e-12)


def test_temporal_metrics_equal_numpy_and_scikit_image(clips: Tensor) -> None:
    values = torch.rand(3, 5, generator=torch.Generator().manual_seed(1))
    assert temporal_variance(values).tolist() == pytest.approx(np.var(values.double().numpy(), axis=1, ddof=1).tolist())
    expected = [
        structural_similarity(
            *clips[sample].double().numpy(),
            channel_axis=0,
            data_range=1.0,
            gaussian_weights=True,
            sigma=1.5,
            use_sample_covariance=False,
        )
        for sample in range(3)
    ]
    assert frame_consistency(clips).tolist() == pytest.approx(expected, abs=1e-5)
