"""What judges of controls have in common: a control's values, their noise, and how a check is said."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np

from foresight_harness.contracts.outcomes import Outcome

Check = tuple[bool | None, str]
"""Whether a control scored what it is known to score, None where too few pictures tell; and what says so."""
SAID = {True: "as known", False: "OUT OF RANGE", None: "too few pictures to tell"}


def noise_of(values: np.ndarray) -> float:
    """Two standard errors of the mean: what sampling alone may move it by."""
    return 2 * float(np.nanstd(values)) / math.sqrt(max(1, int(np.isfinite(values).sum())))


def values_of(outcome: Outcome, metric: str, probe: str | None = None) -> np.ndarray:
    """Per-sample values, mean over seeds; the first probe's, the suite's own, where none is named."""
    fitting = (entry for entry in outcome.measurements if entry.metric == metric and probe in (None, entry.probe))
    found = next(fitting)
    assert found.values is not None
    return np.asarray(found.values.mean(axis=0))


def together(checks: Iterable[Check]) -> bool | None:
    """Whether all hold; None where none is out of range and of some too few pictures tell."""
    held = [one for one, _ in checks]
    return False if False in held else None if None in held else True


def sentences_of(checks: Iterable[Check]) -> tuple[str, ...]:
    """One a control, as records and the page give them."""
    return tuple(f"{SAID[held]}: {text}" for held, text in checks)
