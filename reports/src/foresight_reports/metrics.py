"""How numbers are written, and which of two is better."""

from __future__ import annotations

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
