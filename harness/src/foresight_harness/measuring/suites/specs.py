"""The built-in suites as specs: everything that is known about each. Nothing here imports torch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

from foresight_harness.contracts.specs import MetricFacts, SuiteSpec
from foresight_harness.contracts.specs.suites import Bounds

if TYPE_CHECKING:
    from foresight_harness.contracts.outcomes import Outcome

SHARE: Bounds = (0.0, 1.0)
ABOVE_ZERO: Bounds = (0.0, None)
SEEN = "difference that an eye sees between rebuilt and true pictures (0 is none)"


def suite_specs() -> tuple[SuiteSpec, ...]:
    """Every built-in suite, in the order of a report."""
    described = (_structure(), _efficiency(), _audit())
    return (_spatial(), _reconstruction(), _alignment(), _temporal(), *_of_predictions(), *described)


def _spatial() -> SuiteSpec:
    by_count = tuple(MetricFacts(f"iou_{count}", "ratio", "higher", SHARE, family="boxes") for count in (1, 2, 3, 5))
    return SuiteSpec(
        name="spatial",
        title="where objects are: IoU, AP, centre and size error",
        order=10,
        labels=frozenset({"boxes"}),
        compares=("boxes",),
        metrics=(
            MetricFacts("map50", "ratio", "higher", SHARE, "mAP@0.5", "boxes", plain="objects found (1 is all)"),
            MetricFacts(
                "map75", "ratio", "higher", SHARE, "mAP@0.75", "boxes", plain="objects found closely (1 is all)"
            ),
            *by_count,
            MetricFacts("r2", "ratio", "higher", (None, 1.0), "R\N{SUPERSCRIPT TWO}", "features"),
        ),
        read_by=("iou",),
        then_by=("map50",),
        ranked_by=("iou",),
        probed=True,
        controls=("oracle@mask", "pixels@patch", "shuffled@patch", "constant@patch"),
        guess_s=1.5,
        working_mib=256,
        protocol=_protocol("spatial"),
        score=_score("spatial"),
    )


def _reconstruction() -> SuiteSpec:
    return SuiteSpec(
        name="reconstruction",
        title="pictures decoded from conditioning: LPIPS, PSNR, SSIM",
        order=20,
        compares=("pictures", "objects", "distributions"),
        shares=True,
        metrics=(
            # Of these two a machine offers the one that it has the weights for; gates may name either.
            MetricFacts("lpips", "distance", "lower", ABOVE_ZERO, "LPIPS", "pixels", plain=SEEN),
            MetricFacts("lpips_vgg", "distance", "lower", ABOVE_ZERO, "LPIPS (VGG)", "pixels", plain=SEEN),
            MetricFacts("lpips_random_trunk", "distance", "lower", ABOVE_ZERO, "LPIPS (random trunk)", "pixels"),
            MetricFacts("temporal_lpips_variance", "distance^2", "lower", ABOVE_ZERO, plain="flicker (0 is none)"),
            MetricFacts("lpips_reversed", "distance", "none", ABOVE_ZERO),
            MetricFacts("error_at_edges", "ratio", "none", SHARE, "Error at edges of objects", "pixels"),
            MetricFacts("error_at_border", "ratio", "none", SHARE, "Error at the border", "pixels"),
            MetricFacts("frame_consistency", "ratio", "higher", (-1.0, 1.0), plain="likeness of neighbouring frames"),
            MetricFacts(
                *("object_count_accuracy", "ratio", "higher", SHARE, "Object count accuracy", "boxes"),
                plain="frames in which every object is still there",
            ),
            MetricFacts(
                *("object_steadiness", "ratio", "higher", (-1.0, 1.0), "Object steadiness", "motion"),
                plain="objects stay where they belong over time (1 is perfect)",
            ),
        ),
        read_by=("lpips", "lpips_vgg", "lpips_random_trunk"),
        then_by=("psnr", "ssim"),
        ranked_by=("lpips", "lpips_vgg", "lpips_random_trunk", "psnr", "decoded_iou"),
        uses_decoder=True,
        working_mib=384,
        protocol=_protocol("reconstruction"),
        score=_score("reconstruction"),
    )


def _alignment() -> SuiteSpec:
    return SuiteSpec(
        name="alignment",
        title="similarity of conditioning and decoder latents: debiased CKA with its null",
        order=30,
        metrics=(
            MetricFacts(
                *("cka", "ratio", "higher", (None, 1.0), "CKA", "features"),
                plain="likeness of the model's features to the video decoder's (1 is equal)",
            ),
            MetricFacts("rbf_cka", "ratio", "higher", (None, 1.0), "CKA (RBF)", "features"),
            MetricFacts("mutual_knn", "ratio", "higher", SHARE, "Mutual k-NN", "features"),
        ),
        read_by=("cka",),
        ranked_by=("mutual_knn",),
        uses_decoder=True,
        first_seed_only=True,
        guess_s=0.7,
        working_mib=1024,
        protocol=_protocol("alignment"),
        score=_score("alignment"),
    )


def _temporal() -> SuiteSpec:
    return SuiteSpec(
        name="temporal",
        title="what moves where, and in which order: direction and ordering accuracy",
        order=40,
        labels=frozenset({"motion"}),
        own_dataset="moving_shapes",
        metrics=(
            MetricFacts(
                *("direction_accuracy", "ratio", "higher", SHARE, "Direction accuracy", "motion"),
                plain="clips whose direction of motion is told right",
            ),
            MetricFacts(
                *("ordering_accuracy", "ratio", "higher", SHARE, "Ordering accuracy", "motion"),
                plain="clips whose frames are put in order",
            ),
        ),
        read_by=("direction_accuracy",),
        ranked_by=("direction_accuracy", "ordering_accuracy"),
        # A perfect mask, the same with where or when destroyed, and nothing at all; without masks there is no ceiling.
        controls=("oracle@mask", "constant@patch", "shuffled:oracle@mask", "time_shuffled:oracle@mask"),
        controls_without_masks=("constant@patch", "shuffled@patch", "time_shuffled@patch"),
        working_mib=768,
        protocol=_protocol("temporal"),
        score=_score("temporal"),
    )


def _of_predictions() -> tuple[SuiteSpec, SuiteSpec]:
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
        protocol=_protocol("verification"),
        score=_score("verification"),
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
        protocol=_protocol("prediction"),
        score=_score("prediction"),
    )


def _structure() -> SuiteSpec:
    separations = ("position", "frame", "class")
    return SuiteSpec(
        name="structure",
        title="token space without labels: local order, effective rank, separation of places, frames and classes",
        order=50,
        metrics=(
            MetricFacts("local_distant", "cosine", "higher", (-2.0, 2.0)),
            *(MetricFacts(f"silhouette_{of}", "ratio", "none", (-1.0, 1.0)) for of in separations),
            MetricFacts("effective_rank", "directions", "none", (1.0, None), "Effective rank", "features"),
        ),
        gateable=False,
        default=False,
        protocol=_protocol("structure"),
        score=_score("structure"),
    )


def _efficiency() -> SuiteSpec:
    latency = (
        MetricFacts(
            *(f"latency_p{percent}_ms", "ms", "lower", ABOVE_ZERO, f"Latency p{percent}", "cost"),
            plain="time for one input through the whole pipeline",
        )
        for percent in (50, 90, 99)
    )
    return SuiteSpec(
        name="efficiency",
        title="latency, throughput, memory, parameters",
        order=60,
        metrics=(
            *latency,
            MetricFacts("throughput_per_s", "pictures/s", "higher", ABOVE_ZERO, family="cost"),
            MetricFacts(
                *("peak_mib", "MiB", "lower", ABOVE_ZERO, "Peak memory", "cost"),
                exact=True,
                plain="memory at its peak",
            ),
            MetricFacts(
                *("resident_mib", "MiB", "none", ABOVE_ZERO, "Resident weights", "cost"),
                exact=True,
                gate_direction="lower",
            ),
            MetricFacts(
                "params", "parameters", "none", ABOVE_ZERO, "Parameters", "cost", exact=True, gate_direction="lower"
            ),
            MetricFacts(
                *("params_built", "parameters", "none", ABOVE_ZERO, "Parameters built", "cost"),
                exact=True,
                gate_direction="lower",
            ),
        ),
        read_by=("latency_p50_ms",),
        timed=True,
        seeded=False,
        live_encoder=True,
        uses_decoder=True,
        only_first_dataset=True,
        protocol=_protocol("efficiency"),
        score=_score("efficiency"),
    )


def _audit() -> SuiteSpec:
    return SuiteSpec(
        name="audit",
        title="do probes measure what they claim? The documents' and ours on the same features",
        order=70,
        labels=frozenset({"boxes"}),
        compares=("boxes",),
        metrics=(
            MetricFacts("map50", "ratio", "higher", SHARE, "mAP@0.5", "boxes"),
            MetricFacts("r2", "ratio", "higher", (None, 1.0), "R\N{SUPERSCRIPT TWO}", "features"),
        ),
        read_by=("iou",),
        then_by=("map50",),
        gateable=False,
        probed=True,
        default=False,
        protocol=_protocol("audit"),
        score=_score("audit"),
    )


def _protocol(module: str) -> Callable[[Any], Mapping[str, Any]]:
    """``protocol`` of a module beside this one, which is imported when a cell is scored."""

    def protocol(cell: Any) -> Mapping[str, Any]:
        choices: Mapping[str, Any] = import_module(f"{__package__}.{module}").protocol(cell)
        return choices

    return protocol


def _score(module: str) -> Callable[[Any], Outcome]:
    """The same of ``score``."""

    def score(cell: Any) -> Outcome:
        outcome: Outcome = import_module(f"{__package__}.{module}").score(cell)
        return outcome

    return score
