"""What the reconstruction suite says of where its pictures are wrong: at edges of objects, at the picture's border."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from torch import Tensor

from foresight_harness.contracts.outcomes import Measurement
from foresight_harness.measuring.workshop.reference_rows import References
from foresight_harness.parts.metrics.borders import FRAME, NEAR, Parted, error_at_border, error_at_edges

EDGES_VARIANT = (
    f"mean absolute error within 1/{round(1 / NEAR)} side of an object's edge, over that and the error elsewhere"
)
BORDER_VARIANT = (
    f"mean absolute error within 1/{round(1 / FRAME)} of the sides of the picture's border, over that and the error "
    "elsewhere"
)


def error_places(outputs: Sequence[Tensor], known: References) -> list[Measurement]:
    """Where errors lie, a fact of each picture that ranks nobody: a picture that is wrong everywhere is even.

    Args:
        outputs: Decoded clips, one tensor a seed. S x [n, T, 3, H_px, W_px]
        known: Targets, masks and the decoder's own round trip.

    Returns:
        Measurements over the decoded samples [S, n]; ``details`` hold both errors and what the round trip shows.
    """
    found = [_measured("error_at_border", BORDER_VARIANT, outputs, known, error_at_border)]
    if any(planes.shape[1] for planes in known.masks):
        masks = known.masks
        found.append(
            _measured(
                "error_at_edges", EDGES_VARIANT, outputs, known, lambda out, true: error_at_edges(out, true, masks)
            )
        )
    return found


def _measured(
    name: str,
    variant: str,
    outputs: Sequence[Tensor],
    known: References,
    parted: Callable[[Tensor, Tensor], Parted],
) -> Measurement:
    seeds = [parted(output, known.targets) for output in outputs]
    best = parted(known.round_trip, known.targets)
    details: dict[str, Any] = {
        "variant": variant,
        "error_there": _mean([one.there for one in seeds]),
        "error_elsewhere": _mean([one.elsewhere for one in seeds]),
        "round_trip": _mean([best.lean]),
    }
    return Measurement(
        metric=name,
        unit="ratio",
        direction="none",
        range=(0.0, 1.0),
        values=np.stack([one.lean.numpy() for one in seeds]),
        details=details,
    )


def _mean(values: Sequence[Tensor]) -> float | None:
    """Over seeds and samples, to four digits; None where none is defined."""
    everything = np.stack([one.numpy() for one in values])
    known = everything[~np.isnan(everything)]
    return float(f"{known.mean():.4g}") if len(known) else None
