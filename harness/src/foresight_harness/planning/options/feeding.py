"""What encoders are fed: each its own size, all the same side in pixels, or as many tokens as each other."""

from __future__ import annotations

from typing import NamedTuple

OWN, EQUAL_PIXELS, EQUAL_TOKENS = "own", "equal-pixels", "equal-tokens"
POLICIES = (OWN, EQUAL_PIXELS, EQUAL_TOKENS)
EQUAL_PX = 224
"""Side of ``equal-pixels`` where neither the run nor an encoder of one size says: the usual one of trained encoders."""
EQUAL_CELLS = 16
"""Tokens along a side of ``equal-tokens``, likewise: what ``EQUAL_PX`` is for patches of 14 px."""


class Feeding(NamedTuple):
    """How a run feeds its encoders."""

    policy: str = OWN
    size: int | None = None
    """Of ``own`` and ``equal-pixels`` a side in pixels, None of ``own`` where each encoder says; of ``equal-tokens``
    tokens along a side at the coarsest tap of each encoder."""


AS_EACH_SAYS = Feeding()
"""Every encoder its own side."""
