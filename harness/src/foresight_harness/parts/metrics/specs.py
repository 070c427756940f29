"""The metrics that give one value per sample, as specs. Nothing here imports torch."""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING

from foresight_harness.contracts.specs import MetricSpec
from foresight_harness.parts.metrics.trunks import LPIPS_RANDOM_TRUNK, METRIC_NAMES, find_trunk, trunk_identity
from foresight_harness.parts.weights.lpips_trunks import Trunk

if TYPE_CHECKING:
    from foresight_harness.contracts.protocols import Metric


def metric_specs() -> tuple[MetricSpec, ...]:
    """Every built-in per-sample metric; of the perceptual ones, those that this machine has the weights for."""
    return (*_box_specs(), *_perceptual_specs(), *_picture_specs())


def _box_specs() -> tuple[MetricSpec, ...]:
    """Metrics that compare boxes."""
    return (
        MetricSpec(
            name="iou",
            plain="overlap of found and true places (1 is perfect)",
            label="IoU",
            family="boxes",
            build=_iou,
            compares="boxes",
            unit="ratio",
            direction="higher",
            range=(0.0, 1.0),
            reference="Hungarian matching by IoU, mean over true objects; COCO's IoU (arXiv 1405.0312)",
        ),
        MetricSpec(
            name="centre_error",
            plain="distance of found from true centres",
            label="Centre error",
            family="boxes",
            build=_centre_error,
            compares="boxes",
            unit="picture sides",
            direction="lower",
            range=(0.0, math.sqrt(2.0)),
            reference="distance of matched centres; a missing prediction counts the diagonal",
        ),
        MetricSpec(
            name="size_error",
            plain="error of found sizes",
            label="Size error",
            family="boxes",
            build=_size_error,
            compares="boxes",
            unit="ratio",
            direction="lower",
            range=(0.0, 1.0),
            reference="1 - exp(-|log ratio|) of matched widths and heights; a missing prediction counts 1",
        ),
    )


def _picture_specs() -> tuple[MetricSpec, ...]:
    """Metrics that compare pictures, or objects in them."""
    return (
        MetricSpec(
            name="psnr",
            plain="likeness of rebuilt pictures, pixel by pixel",
            label="PSNR",
            family="pixels",
            build=_psnr,
            compares="pictures",
            unit="dB",
            direction="higher",
            range=(0.0, 100.0),
            reference="peak 1, mean over frames; capped at 100 dB",
        ),
        MetricSpec(
            name="ssim",
            plain="likeness of rebuilt pictures in structure (1 is perfect)",
            label="SSIM",
            family="pixels",
            build=_ssim,
            compares="pictures",
            unit="ratio",
            direction="higher",
            range=(-1.0, 1.0),
            reference="Wang et al. 2004, doi 10.1109/TIP.2003.819861; scikit-image's Gaussian form",
        ),
        MetricSpec(
            name="edge_f1",
            plain="edges kept in rebuilt pictures (1 is all)",
            label="Edge F1",
            family="pixels",
            build=_edge_f1,
            compares="pictures",
            unit="ratio",
            direction="higher",
            range=(0.0, 1.0),
            reference="Canny (scikit-image) at fixed thresholds, tolerance 1 px; NaN where the target has no edge",
        ),
        MetricSpec(
            name="decoded_iou",
            plain="overlap of objects in rebuilt pictures with the true ones (1 is perfect)",
            label="IoU of decoded objects",
            family="boxes",
            build=_object_iou,
            compares="objects",
            unit="ratio",
            direction="higher",
            range=(0.0, 1.0),
            reference="pixels nearer to the target's colours of an object than of what is behind it, IoU with its "
            "mask, mean over objects; NaN without masks",
        ),
    )


def _perceptual_specs() -> tuple[MetricSpec, ...]:
    """LPIPS by every trunk that is here; its stand-in where none is."""
    trained = tuple(_lpips_spec(trunk) for trunk in METRIC_NAMES if find_trunk(trunk) is not None)
    return trained or (
        MetricSpec(
            name=LPIPS_RANDOM_TRUNK,
            label="LPIPS (random trunk)",
            family="pixels",
            build=_random_trunk,
            compares="pictures",
            unit="distance",
            direction="lower",
            range=(0.0, None),
            reference="LPIPS network (arXiv 1801.03924, vgg, v0.1 heads) on a random trunk, seed 0: not LPIPS, whose "
            "order it need not keep",
            gateable=False,
        ),
    )


def _lpips_spec(trunk: Trunk) -> MetricSpec:
    return MetricSpec(
        name=METRIC_NAMES[trunk],
        plain="difference that an eye sees between rebuilt and true pictures (0 is none)",
        label="LPIPS" if METRIC_NAMES[trunk] == "lpips" else "LPIPS (VGG)",
        family="pixels",
        build=partial(_lpips, trunk),
        compares="pictures",
        unit="distance",
        direction="lower",
        range=(0.0, None),
        reference=f"Zhang et al., arXiv 1801.03924, {trunk}, v0.1",
        identity=partial(trunk_identity, trunk),
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


def _lpips(trunk: Trunk) -> Metric:
    from foresight_harness.parts.metrics.perceptual import build_lpips

    return build_lpips(trunk)


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
