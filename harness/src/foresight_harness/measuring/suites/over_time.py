"""What the reconstruction suite adds for clips: steadiness over time, and perceptual distance frame by frame."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from torch import Tensor

from foresight_harness.contracts.outcomes import Measurement
from foresight_harness.measuring.suites.references import References
from foresight_harness.parts.metrics.perceptual import PerceptualDistance
from foresight_harness.parts.metrics.temporal import frame_consistency, temporal_variance


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
            gateable=False,
            details={"target": float(frame_consistency(known.targets).nanmean())},
        )
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
                gateable=False,
            )
        )
        details[f"{name}_per_frame"] = _rows(curves[0])
        details[f"{name}_per_frame_round_trip"] = _rows(best)
    return found, details


def _rows(curves: Tensor) -> list[list[float]]:
    """[n, T] as JSON, to four digits."""
    return [[float(f"{value:.4g}") for value in row] for row in curves.tolist()]
