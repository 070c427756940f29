"""Suites ``verification`` (C4) and ``prediction`` (C3, Q5) as specs. Nothing here imports torch."""

from __future__ import annotations

from foresight_harness.contracts.specs import MetricFacts, SuiteSpec
from foresight_harness.measuring.suites.scored_later import ABOVE_ZERO, SHARE, protocol_in, score_in


def specs_of_predictions() -> tuple[SuiteSpec, SuiteSpec]:
    """C4 and C3: both are scored where matrix or command names them."""
    return _verification(), _prediction()


def _verification() -> SuiteSpec:
    trunks = ("lpips", "lpips_vgg", "lpips_random_trunk")
    called = {
        "lpips": "LPIPS",
        "lpips_vgg": "LPIPS (VGG)",
        "lpips_random_trunk": "LPIPS (random trunk)",
        "psnr": "PSNR",
        "decoded_iou": "IoU of decoded objects",
        "feature_distance": "Feature distance",
    }
    rows = []
    for name, label in called.items():
        told = f"right predictions that {label} puts before wrong ones (0.5 is chance)"
        rows += [
            MetricFacts(f"{name}_auc", "ratio", "higher", SHARE, f"{label}: AUC", "verification", plain=told),
            MetricFacts(f"{name}_rank", "ratio", "higher", (-1.0, 1.0), f"{label}: rank correlation", "verification"),
        ]
    return SuiteSpec(
        name="verification",
        title="is a prediction right? Planted answers by LPIPS, PSNR, IoU of decoded objects, distance of features",
        order=44,
        labels=frozenset({"motion"}),
        own_dataset="moving_shapes",
        metrics=tuple(rows),
        read_by=tuple(f"{name}_auc" for name in trunks),
        then_by=("decoded_iou_auc", "psnr_auc", "feature_distance_auc"),
        ranked_by=("lpips_auc", "lpips_vgg_auc", "psnr_auc", "decoded_iou_auc", "feature_distance_auc"),
        uses_decoder=True,
        default=False,
        # A perfect mask tells every answer, a constant none; of pixels the labels are shuffled, too.
        controls=("oracle@mask", "pixels@patch", "constant@patch"),
        controls_without_masks=("pixels@patch", "constant@patch"),
        guess_s=20.0,
        working_mib=768,
        protocol=protocol_in("verification"),
        score=score_in("verification"),
    )


def _prediction() -> SuiteSpec:
    rows = []
    for horizon in (1, 2, 4, 8):
        ahead = f"{horizon} frames ahead" if horizon > 1 else "1 frame ahead"
        above = (
            MetricFacts(f"over_copy_{horizon}", "ratio", "higher", (-1.0, 1.0), f"Above copying, {ahead}", "future"),
            MetricFacts(
                *(f"over_velocity_{horizon}", "ratio", "higher", (-1.0, 1.0)),
                *(f"Above constant velocity, {ahead}", "future"),
            ),
        )
        rows += [
            MetricFacts(f"future_iou_{horizon}", "ratio", "higher", SHARE, f"IoU {ahead}", "future"),
            *above,
            MetricFacts(
                f"latent_error_{horizon}", "latent^2", "none", ABOVE_ZERO, f"Error of latents {ahead}", "future"
            ),
        ]
    whole = MetricFacts(
        *("future_iou", "ratio", "higher", SHARE, "IoU of what comes", "future"),
        plain="overlap of moving objects in predicted frames with where they went (1 is perfect)",
    )
    return SuiteSpec(
        name="prediction",
        title="what comes next: IoU of moving objects 1 to 8 frames ahead, against copying and constant velocity",
        order=46,
        labels=frozenset({"masks", "motion"}),
        own_dataset="moving_shapes_17",
        metrics=(whole, *rows),
        read_by=("future_iou",),
        then_by=("future_iou_8", "over_copy_4", "over_velocity_4"),
        ranked_by=("future_iou", *(f"future_iou_{horizon}" for horizon in (1, 2, 4, 8))),
        uses_decoder=True,
        default=False,
        # True masks in true colours, the same with the order of what was seen destroyed, and nothing at all.
        controls=("oracle@scene", "time_shuffled:oracle@scene", "constant@patch"),
        guess_s=10.0,
        working_mib=768,
        protocol=protocol_in("prediction"),
        score=score_in("prediction"),
    )
