"""Fitting what lies between frozen encoder and frozen decoder, from fixed recipes."""

from __future__ import annotations

from foresight_harness.fit.recipe import Recipe
from foresight_harness.fit.trainer import Convergence, train

__all__ = ["Convergence", "Recipe", "train"]
