"""Closed-form linear readouts: no learning rate, no seed, no schedule."""

from __future__ import annotations

from foresight_harness.parts.closed_form.ridge import LAMBDAS, RidgeFit, RidgeSums, ridge_dual

__all__ = ["LAMBDAS", "RidgeFit", "RidgeSums", "ridge_dual"]
