"""How metrics are called, ordered and written. Names that are not listed are written as they are."""

from __future__ import annotations

import re

LABELS = {
    "iou": "IoU",
    "map50": "mAP@0.5",
    "map75": "mAP@0.75",
    "centre_error": "Centre error",
    "size_error": "Size error",
    "lpips": "LPIPS",
    "lpips_random_trunk": "LPIPS (random trunk)",
    "psnr": "PSNR",
    "ssim": "SSIM",
    "edge_f1": "Edge F1",
    "decoded_iou": "IoU of decoded objects",
    "r2": "R²",
    "cka": "CKA",
    "cka_debiased": "CKA (debiased)",
    "rbf_cka": "CKA (RBF)",
    "mutual_knn": "Mutual k-NN",
    "latency_p50_ms": "Latency p50",
    "latency_p90_ms": "Latency p90",
    "latency_p99_ms": "Latency p99",
    "peak_mib": "Peak memory",
    "params": "Parameters",
    "flops": "FLOPs",
    "effective_rank": "Effective rank",
    "direction_accuracy": "Direction accuracy",
    "ordering_accuracy": "Ordering accuracy",
}

IDS = re.compile(rf"(?<![\w@/.:-])({'|'.join(sorted(LABELS, key=len, reverse=True))})(?![\w@/:=-]|\.\w)")
"""A metric's id as a word of its own: not a part of another name, of a candidate or of an option."""

PRIMARY = (
    "iou",
    "lpips",
    "lpips_random_trunk",
    "cka",
    "cka_debiased",
    "direction_accuracy",
    "accuracy",
    "latency_p50_ms",
    "map50",
    "psnr",
    "ssim",
)
"""Metrics that a suite is read by, the strongest first: a board is ordered by the first one that it has."""

FAMILIES = {
    "boxes": ("iou", "map50", "map75", "centre_error", "size_error", "box_iou", "decoded_iou"),
    "pixels": ("lpips", "lpips_random_trunk", "psnr", "ssim", "edge_f1"),
    "features": ("cka", "cka_debiased", "rbf_cka", "mutual_knn", "r2", "effective_rank"),
    "motion": ("direction_accuracy", "ordering_accuracy"),
    "cost": ("latency", "peak", "throughput", "params", "flops"),
}
"""What columns tell about, across suites: a metric belongs to the family that has it or the beginning of its name."""

LATENCY = ("latency_p50_ms", "latency_ms", "latency_p90_ms")
"""Metrics that may be the cost axis, the preferred first."""

COUNTS = ("parameters", "params", "count", "flop", "flops", "FLOP")
"""Units that are written as a number with a prefix and nothing behind it."""

PLAIN = ("", "1", "ratio", "none", "fraction", "score", "distance")
"""Units that add nothing to the name of the metric."""

LONGEST_UNIT = 10
"""Characters; a longer unit is a description and stands in the heading's hint."""

MARKS = {"higher": "\N{UPWARDS ARROW}", "lower": "\N{DOWNWARDS ARROW}"}
WORDS = {"higher": "higher is better", "lower": "lower is better"}


def label(metric: str) -> str:
    """What a reader calls the metric, without its unit."""
    if metric in LABELS:
        return LABELS[metric]
    if metric.endswith("_share"):
        return f"{label(metric.removesuffix('_share'))}, share"
    stem, _, objects = metric.rpartition("_")
    if stem in LABELS and objects.isdigit():
        return f"{LABELS[stem]}, {objects} {'object' if objects == '1' else 'objects'}"
    plain = metric
    for suffix in ("_ms", "_mib", "_gib", "_px", "_s"):
        plain = plain.removesuffix(suffix)
    words = plain.replace("_", " ").strip() or metric
    return words[0].upper() + words[1:]


def family(metric: str) -> str:
    """What a metric tells about, empty for one that is not known.

    >>> family("iou_2"), family("latency_p50_ms"), family("lpips_random_trunk_share"), family("mine")
    ('boxes', 'cost', 'pixels', '')
    """
    for name, members in FAMILIES.items():
        if any(metric == member or metric.startswith(f"{member}_") for member in members):
            return name
    return ""


def named(text: str) -> str:
    """A sentence of the harness with metrics called as in the tables.

    >>> named("cka for decoded_iou on coins")
    'CKA for IoU of decoded objects on coins'
    """
    return IDS.sub(lambda found: LABELS[found[0]], text)


def rank_of(metric: str) -> tuple[int, str]:
    """Sort key of a metric: the primary ones first, then by name."""
    return (PRIMARY.index(metric) if metric in PRIMARY else len(PRIMARY), metric)


def pretty_unit(unit: str) -> str:
    """The unit as written beside a heading; plain ratios have none."""
    return "" if unit in (*PLAIN, *COUNTS) or len(unit) > LONGEST_UNIT else unit


def write(value: float | None, unit: str = "") -> str:
    """A number as the page writes it: three decimals for ratios, three digits for measures, counts with a prefix.

    >>> write(0.41234), write(12.345, "ms"), write(86_600_000, "parameters"), write(None)
    ('0.412', '12.3', '86.6 M', '—')
    """
    if value is None:
        return "\N{EM DASH}"
    size = abs(value)
    if unit in COUNTS:
        return _prefixed(value)
    if unit == "dB":
        return _minus(f"{value:.2f}")
    if size >= 100_000:
        return _prefixed(value)
    if size >= 100 or (value == int(value) == value and size >= 10):
        return _minus(f"{value:,.0f}")
    if pretty_unit(unit) and size >= 10:
        return _minus(f"{value:.1f}")
    if size >= 10:
        return _minus(f"{value:.2f}")
    if pretty_unit(unit) and size >= 1:
        return _minus(f"{value:.2f}")
    if 0 < size < 0.001:
        return _minus(f"{value:.1e}")
    return _minus(f"{value:.3f}")


def span(low: float | None, high: float | None, unit: str = "") -> str:
    """An interval: a dash between positive ends, a word where a minus sign would stand beside it."""
    if low is None or high is None:
        return ""
    between = " to " if low < 0 or high < 0 else "\N{EN DASH}"
    return f"{write(low, unit)}{between}{write(high, unit)}"


def _minus(written: str) -> str:
    return written.replace("-", "\N{MINUS SIGN}")


def _prefixed(value: float) -> str:
    for prefix, factor in (("T", 1e12), ("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if abs(value) >= factor:
            scaled = value / factor
            return _minus(f"{scaled:.0f}" if abs(scaled) >= 100 else f"{scaled:#.3g}") + f" {prefix}"
    return _minus(f"{value:,.0f}")


def better(direction: str, left: float, right: float) -> bool:
    """Whether ``left`` is better than ``right``; a fact without direction is never better."""
    if direction == "higher":
        return left > right
    return direction == "lower" and left < right
