"""What several people said of one candidate, as ``foresight-bench people read`` writes it into a file of answers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from foresight_harness.contracts.errors import UsageError
from foresight_harness.judging.gates.gate import Rule

LEAST_ALPHA = 0.667
"""Least lower end of the interval of Krippendorff's alpha with which people's answers count: what he calls the lowest
at which even tentative conclusions are drawn (Content Analysis, 2004, section 11.4)."""
TEXTS = ("run", "candidate", "dataset")
KEYS = {*TEXTS, "low", "high", "agreement"}


@dataclass(frozen=True)
class Panel:
    """Of one candidate on one data set of one run."""

    run: str
    candidate: str
    dataset: str
    low: float
    high: float
    """Ends of the interval of the value, in its unit, choosing the best of several candidates paid for."""
    agreement: tuple[float, float, float]
    """Krippendorff's alpha with the ends of its interval."""


def panel_of(where: str, entry: Mapping[str, Any], rule: Rule) -> Panel | None:
    """What an answer says of its panel; None where it has none.

    Raises:
        UsageError: where only a part is there, where the rule does not ask panels, or where they agree too little.
    """
    given = KEYS & set(entry)
    if not given:
        return None
    if absent := sorted(KEYS - given):
        raise UsageError(f"{where}: no {absent[0]!r}; answers of several people say {', '.join(sorted(KEYS))}")
    if not rule.people:
        raise UsageError(f"{where}: {rule.id} is not asked by pages of pairs; leave out {', '.join(sorted(given))}")
    for name in TEXTS:
        if not isinstance(entry[name], str) or not entry[name].strip():
            raise UsageError(f"{where}: {name} {entry[name]!r:.40}: a text is wanted")
    low, high, value = (_number(where, name, entry[name]) for name in ("low", "high", "value"))
    least, greatest = rule.fact.range
    if not low <= value <= high or (least is not None and low < least) or (greatest is not None and high > greatest):
        raise UsageError(f"{where}: low {low:g}, value {value:g}, high {high:g} of {rule.id}: no interval in its range")
    ends = entry["agreement"]
    if not isinstance(ends, list) or len(ends) != 3:
        raise UsageError(f"{where}: agreement {ends!r:.40}: alpha and the ends of its interval are wanted")
    alpha, alpha_low, alpha_high = (_number(where, "agreement", one) for one in ends)
    if not alpha_low <= alpha_high or max(alpha, alpha_high) > 1:
        raise UsageError(f"{where}: agreement {ends!r:.60}: alpha and the ends of its interval are wanted")
    if alpha_low < LEAST_ALPHA:
        raise UsageError(
            f"{where}: Krippendorff's alpha {alpha:.2f} [{alpha_low:.2f}, {alpha_high:.2f}]: its lower end must be "
            f"{LEAST_ALPHA} at least for a gate; ask more people or about more scenes"
        )
    return Panel(entry["run"], entry["candidate"], entry["dataset"], low, high, (alpha, alpha_low, alpha_high))


def _number(where: str, name: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise UsageError(f"{where}: {name} {value!r:.40}: a number is wanted")
    return float(value)
