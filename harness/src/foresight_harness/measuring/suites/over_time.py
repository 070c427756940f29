"""What the reconstruction suite adds for clips: steadiness over time, and perceptual distance frame by frame."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from torch import Tensor

from foresight_harness.contracts.outcomes import Measurement
from foresight_harness.measuring.workshop.reference_rows import References
from foresight_harness.parts.metrics.objects_over_time import COUNT_VARIANT, STEADINESS_VARIANT, objects_kept
from foresight_harness.parts.metrics.perceptual import PerceptualDistance
from foresight_harness.parts.metrics.temporal import frame_consistency, temporal_variance
from foresight_harness.parts.metrics.trunks import LPIPS_RANDOM_TRUNK

CONSISTENCY_VARIANT = "SSIM of neighbouring frames of the decoded clip, mean over frames"
VARIANCE_VARIANT = "variance over frames of {name} against the true frame, by T - 1"


def variants(metrics: Sequence[str]) -> dict[str, str]:
    """Which of several definitions each of the metrics here is, for the protocol of clips.

    Args:
        metrics: Of pictures, that the run measures.
    """
    name = next((metric for metric in metrics if metric.startswith("lpips")), "")
    found = {
        "frame_consistency": CONSISTENCY_VARIANT,
        "object_count_accuracy": COUNT_VARIANT,
        "object_steadiness": STEADINESS_VARIANT,
    }
    return found | ({f"temporal_{name}_variance": VARIANCE_VARIANT.format(name=name)} if name else {})


def over_time(outputs: Sequence[Tensor], known: References) -> tuple[list[Measurement], dict[str, Any]]:
    """Frame-to-frame SSIM, and curve and variance over frames of the perceptual distance that the run has.

    Args:
        outputs: Decoded clips, one tensor a seed. S x [n, T, 3, H_px, W_px]
        known: Targets and the decoder's own round trip.

    Returns:
        Measurements over the decoded samples [S, n], and details: the curve of every sample under the first seed.
    """
    found = [
        Measurement(
            metric="frame_consistency",
            unit="ratio",
            direction="higher",
            range=(-1.0, 1.0),
            values=np.stack([frame_consistency(output).numpy() for output in outputs]),
            ceiling=float(frame_consistency(known.round_trip).nanmean()),
            ceiling_by="round_trip",
            details={"target": float(frame_consistency(known.targets).nanmean()), "variant": CONSISTENCY_VARIANT},
        ),
        *_objects(outputs, known),
    ]
    details: dict[str, Any] = {}
    name, metric = next(((name, built) for name, built in known.built.items() if name.startswith("lpips")), ("", None))
    if isinstance(metric, PerceptualDistance):
        curves = [metric.per_frame(output, known.targets) for output in outputs]
        best = metric.per_frame(known.round_trip, known.targets)
        found.append(
            Measurement(
                metric=f"temporal_{name}_variance",
                unit="distance^2",
                direction="lower",
                range=(0.0, None),
                values=np.stack([temporal_variance(curve).numpy() for curve in curves]),
                ceiling=float(temporal_variance(best).nanmean()),
                ceiling_by="round_trip",
                gateable=name != LPIPS_RANDOM_TRUNK,
                details={"variant": VARIANCE_VARIANT.format(name=name)},
            )
        )
        found.append(_played_backwards(name, metric, outputs, known))
        details[f"{name}_per_frame"] = _rows(curves[0])
        details[f"{name}_per_frame_round_trip"] = _rows(best)
    return found, details


def _played_backwards(
    name: str, metric: PerceptualDistance, outputs: Sequence[Tensor], known: References
) -> Measurement:
    """Perceptual distance of an answer that is known to be wrong: the decoded clip played backwards.

    The same scene and the same decoder, and another event: whether the distance tells right from wrong is read from
    this one beside the distance of the clip as it is.
    """
    wrong = [metric.per_frame(output.flip(1), known.targets).mean(dim=1) for output in outputs]
    return Measurement(
        metric=f"{name}_reversed",
        unit="distance",
        direction="none",
        range=(0.0, None),
        values=np.stack([values.numpy() for values in wrong]),
        gateable=name != LPIPS_RANDOM_TRUNK,
    )


def _objects(outputs: Sequence[Tensor], known: References) -> list[Measurement]:
    """Count and steadiness of objects, where the data set has their masks."""
    if not any(planes.shape[1] for planes in known.masks):
        return []
    kept = [objects_kept(output, known.targets, known.masks) for output in outputs]
    best = objects_kept(known.round_trip, known.targets, known.masks)
    target = objects_kept(known.targets, known.targets, known.masks)
    shared: dict[str, Any] = {"unit": "ratio", "direction": "higher", "ceiling_by": "round_trip"}
    return [
        Measurement(
            metric="object_count_accuracy",
            range=(0.0, 1.0),
            values=np.stack([one.complete.numpy() for one in kept]),
            ceiling=_mean(best.complete),
            details={"target": _mean(target.complete), "variant": COUNT_VARIANT},
            **shared,
        ),
        Measurement(
            metric="object_steadiness",
            range=(-1.0, 1.0),
            values=np.stack([one.steadiness.numpy() for one in kept]),
            ceiling=_mean(best.steadiness),
            details={"target": _mean(target.steadiness), "variant": STEADINESS_VARIANT},
            **shared,
        ),
    ]


def _mean(values: Tensor) -> float | None:
    found = float(values.nanmean())
    return found if np.isfinite(found) else None


def _rows(curves: Tensor) -> list[list[float]]:
    """[n, T] as JSON, to four digits."""
    return [[float(f"{value:.4g}") for value in row] for row in curves.tolist()]
