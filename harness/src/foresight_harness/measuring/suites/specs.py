"""The built-in suites as specs: everything that is known about each. Nothing here imports torch."""

from __future__ import annotations

from foresight_harness.contracts.specs import MetricFacts, SuiteSpec
from foresight_harness.measuring.suites.scored_later import ABOVE_ZERO, SHARE, protocol_in, score_in
from foresight_harness.measuring.suites.specs_of_predictions import specs_of_predictions

SEEN = "difference that an eye sees between rebuilt and true pictures (0 is none)"


def suite_specs() -> tuple[SuiteSpec, ...]:
    """Every built-in suite, in the order of a report."""
    described = (_structure(), _efficiency(), _audit())
    return (_spatial(), _reconstruction(), _alignment(), _temporal(), *specs_of_predictions(), *described)


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
        protocol=protocol_in("spatial"),
        score=score_in("spatial"),
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
        protocol=protocol_in("reconstruction"),
        score=score_in("reconstruction"),
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
        protocol=protocol_in("alignment"),
        score=score_in("alignment"),
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
            MetricFacts(
                *("action_accuracy", "ratio", "higher", SHARE, "Action accuracy", "motion"),
                plain="clips whose action is told right",
            ),
            MetricFacts(
                *("action_balanced_accuracy", "ratio", "higher", SHARE, "Balanced action accuracy", "motion"),
                plain="clips whose action is told right, each action counting alike",
            ),
        ),
        read_by=("direction_accuracy",),
        ranked_by=("direction_accuracy", "ordering_accuracy"),
        # A perfect mask, the same with where or when destroyed, and nothing at all; without masks there is no ceiling.
        controls=("oracle@mask", "constant@patch", "shuffled:oracle@mask", "time_shuffled:oracle@mask"),
        controls_without_masks=("constant@patch", "shuffled@patch", "time_shuffled@patch"),
        working_mib=768,
        protocol=protocol_in("temporal"),
        score=score_in("temporal"),
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
        protocol=protocol_in("structure"),
        score=score_in("structure"),
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
        protocol=protocol_in("efficiency"),
        score=score_in("efficiency"),
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
        protocol=protocol_in("audit"),
        score=score_in("audit"),
    )
