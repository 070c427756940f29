"""The metrics that give one value per sample, as specs. Nothing here imports torch."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from foresight_harness.contracts.specs import MetricSpec
from foresight_harness.parts.metrics.trunks import LPIPS, lpips_metric_name

if TYPE_CHECKING:
    from foresight_harness.contracts.protocols import Metric


def metric_specs() -> tuple[MetricSpec, ...]:
    """Every built-in per-sample metric; of the two perceptual ones, the one that this machine has the weights for."""
    return (
        MetricSpec(
            name="iou",
            build=_iou,
            compares="boxes",
            unit="ratio",
            direction="higher",
            range=(0.0, 1.0),
            reference="Hungarian matching by IoU, mean over true objects; COCO's IoU (arXiv 1405.0312)",
        ),
        MetricSpec(
            name="centre_error",
            build=_centre_error,
            compares="boxes",
            unit="picture sides",
            direction="lower",
            range=(0.0, math.sqrt(2.0)),
            reference="distance of matched centres; a missing prediction counts the diagonal",
        ),
        MetricSpec(
            name="size_error",
            build=_size_error,
            compares="boxes",
            unit="ratio",
            direction="lower",
            range=(0.0, 1.0),
            reference="1 - exp(-|log ratio|) of matched widths and heights; a missing prediction counts 1",
        ),
        _perceptual_spec(),
        MetricSpec(
            name="psnr",
            build=_psnr,
            compares="pictures",
            unit="dB",
            direction="higher",
            range=(0.0, 100.0),
            reference="peak 1, mean over frames; capped at 100 dB",
        ),
        MetricSpec(
            name="ssim",
            build=_ssim,
            compares="pictures",
            unit="ratio",
            direction="higher",
            range=(-1.0, 1.0),
            reference="Wang et al. 2004, doi 10.1109/TIP.2003.819861; scikit-image's Gaussian form",
        ),
        MetricSpec(
            name="edge_f1",
            build=_edge_f1,
            compares="pictures",
            unit="ratio",
            direction="higher",
            range=(0.0, 1.0),
            reference="Canny (scikit-image) at fixed thresholds, tolerance 1 px; NaN where the target has no edge",
        ),
        MetricSpec(
            name="decoded_iou",
            build=_object_iou,
            compares="objects",
            unit="ratio",
            direction="higher",
            range=(0.0, 1.0),
            reference="pixels nearer to the target's colours of an object than of what is behind it, IoU with its "
            "mask, mean over objects; NaN without masks",
        ),
    )


def _perceptual_spec() -> MetricSpec:
    name = lpips_metric_name()
    trained = name == LPIPS
    return MetricSpec(
        name=name,
        build=_lpips if trained else _random_trunk,
        compares="pictures",
        unit="distance",
        direction="lower",
        range=(0.0, None),
        reference="Zhang et al., arXiv 1801.03924, alex, v0.1"
        if trained
        else "LPIPS network (arXiv 1801.03924, vgg, v0.1 heads) on a random trunk, seed 0: orders, does not measure",
        gateable=trained,
    )


def _iou() -> Metric:
    from foresight_harness.parts.metrics.boxes import matched_iou

    return matched_iou


def _centre_error() -> Metric:
    from foresight_harness.parts.metrics.boxes import centre_error

    return centre_error


def _size_error() -> Metric:
    from foresight_harness.parts.metrics.boxes import size_error

    return size_error


def _lpips() -> Metric:
    from foresight_harness.parts.metrics.perceptual import build_lpips

    return build_lpips("alex")


def _random_trunk() -> Metric:
    from foresight_harness.parts.metrics.perceptual import build_random_trunk

    return build_random_trunk()


def _psnr() -> Metric:
    from foresight_harness.parts.metrics.pixels import psnr

    return psnr


def _ssim() -> Metric:
    from foresight_harness.parts.metrics.pixels import ssim

    return ssim


def _object_iou() -> Metric:
    from foresight_harness.parts.metrics.segments import object_iou_of_pair

    return object_iou_of_pair


def _edge_f1() -> Metric:
    from foresight_harness.parts.metrics.edges import edge_f1

    return edge_f1
