"""Closed-form linear readouts: no learning rate, no seed, no schedule."""

from __future__ import annotations

from foresight_harness.parts.closed_form.ridge import (
    LAMBDAS,
    DualRidgeFit,
    RidgeFit,
    RidgeSums,
    ridge_dual,
    ridge_unwritten,
)

__all__ = ["LAMBDAS", "DualRidgeFit", "RidgeFit", "RidgeSums", "ridge_dual", "ridge_unwritten"]
