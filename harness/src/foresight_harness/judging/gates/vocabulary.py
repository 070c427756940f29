"""What can be gated on: metrics by suite with unit, direction and range, and units that can be converted."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from foresight_harness.contracts.specs import MetricSpec

Bounds = tuple[float | None, float | None]

SHARE = "share of the way from mean picture to round trip"


@dataclass(frozen=True)
class Fact:
    """What a metric's numbers are."""

    unit: str
    direction: str
    range: Bounds = (None, None)
    exact: bool = False
    """A count, or a number that sampling does not move: it needs no interval to be decided on."""


def _ratio(direction: str = "higher") -> Fact:
    return Fact("ratio", direction, (0.0, 1.0))


_LATENCY = Fact("ms", "lower", (0.0, None))

PARAMS = "trained_params"
"""Parameters of the trained parts of a candidate; stands in every record, so it is a metric of every suite."""

VOCABULARY: Mapping[str, Mapping[str, Fact]] = {
    "spatial": {
        **{name: _ratio() for name in ("iou", "iou_1", "iou_2", "iou_3", "iou_5", "map50", "map75")},
        "centre_error": Fact("picture sides", "lower", (0.0, math.sqrt(2.0))),
        "size_error": _ratio("lower"),
    },
    "reconstruction": {
        "lpips": Fact("distance", "lower", (0.0, None)),
        "lpips_random_trunk": Fact("distance", "lower", (0.0, None)),
        "psnr": Fact("dB", "higher", (0.0, 100.0)),
        "ssim": Fact("ratio", "higher", (-1.0, 1.0)),
        "edge_f1": _ratio(),
        "decoded_iou": _ratio(),
        "temporal_lpips_variance": Fact("distance^2", "lower", (0.0, None)),
        "frame_consistency": Fact("ratio", "higher", (-1.0, 1.0)),
    },
    "temporal": {"direction_accuracy": _ratio(), "ordering_accuracy": _ratio()},
    "alignment": {
        **{name: Fact("ratio", "higher", (None, 1.0)) for name in ("cka", "rbf_cka")},
        "mutual_knn": _ratio(),
    },
    "efficiency": {
        **{f"latency_p{percent}_ms": _LATENCY for percent in (50, 90, 99)},
        "throughput_per_s": Fact("pictures/s", "higher", (0.0, None)),
        "peak_mib": Fact("MiB", "lower", (0.0, None), exact=True),
        "params": Fact("parameters", "lower", (0.0, None), exact=True),
    },
}
"""The harness's own metrics; tests hold it to what suites record."""

CONVERSIONS: Mapping[tuple[str, str], float] = {
    ("s", "ms"): 1000.0,
    ("GiB", "MiB"): 1024.0,
    ("GB", "MiB"): 1e9 / 2**20,
    ("%", "ratio"): 0.01,
    ("million parameters", "parameters"): 1e6,
}
"""Units that documents use, and the factor to a metric's own."""


def metrics_of(suite: str, plugin_metrics: Iterable[MetricSpec] = ()) -> dict[str, Fact]:
    """Metrics that a suite records, those of plugins and shares of the way to the round trip among them."""
    known = dict(VOCABULARY[suite])
    compared = {"spatial": ("boxes",), "reconstruction": ("pictures", "objects", "distributions")}.get(suite, ())
    for spec in plugin_metrics:
        if spec.compares in compared:
            known.setdefault(spec.name, Fact(spec.unit, spec.direction, spec.range))
    if suite == "reconstruction":
        known.update({f"{name}_share": Fact(SHARE, "higher", (None, None)) for name in list(known)})
    known[PARAMS] = Fact("parameters", "lower", (0.0, None), exact=True)
    return known


def units() -> set[str]:
    """Every unit that a rule may be written in."""
    own = {fact.unit for metrics in VOCABULARY.values() for fact in metrics.values()}
    return own | {SHARE, "times"} | {unit for unit, _ in CONVERSIONS}
