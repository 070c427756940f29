"""How a conformance check speaks: one line with what was declared and what was found."""

from __future__ import annotations

from torch import Tensor


class ConformanceError(AssertionError):
    """A plugin does not keep a contract. An ``AssertionError``, so that pytest reports a failed test."""


def require(holds: bool, message: str) -> None:
    """Raise: ConformanceError with ``message`` unless ``holds``."""
    if not holds:
        raise ConformanceError(message)


def relative_difference(found: Tensor, expected: Tensor) -> float:
    """Largest difference in units of the expected values' root mean square; infinite where shapes differ."""
    if found.shape != expected.shape:
        return float("inf")
    if found.numel() == 0:
        return 0.0
    found, expected = found.detach(), expected.detach()
    scale = float(expected.double().square().mean().sqrt())
    return float((found.double() - expected.double()).abs().max()) / max(scale, 1e-12)


def require_same(found: Tensor, expected: Tensor, what: str, *, tolerance: float = 1e-3, advice: str = "") -> None:
    """Raise: ConformanceError where two tensors differ by more than ``tolerance`` root mean squares."""
    require(
        found.shape == expected.shape,
        f"{what}: shape {tuple(found.shape)} against {tuple(expected.shape)}",
    )
    difference = relative_difference(found, expected)
    require(
        difference <= tolerance,
        f"{what}: values differ by {difference:.2g} root mean squares (limit {tolerance:g})"
        f"{f': {advice}' if advice else ''}",
    )


def require_other(found: Tensor, expected: Tensor, what: str) -> None:
    """Raise: ConformanceError where two tensors are the same although they must not be."""
    require(relative_difference(found, expected) > 1e-6, f"{what}: values are the same, and must not be")
