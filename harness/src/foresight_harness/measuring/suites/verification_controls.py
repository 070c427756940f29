"""What the controls of suite ``verification`` must score: masks tell every answer, nothing tells none, luck is luck."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from foresight_harness.contracts.outcomes import ControlVerdict, Measurement, Outcome
from foresight_harness.measuring.suites.control_scores import Check, sentences_of
from foresight_harness.measuring.suites.verification_numbers import FEATURES
from foresight_harness.parts.metrics.corpus_statistics import corpus_statistic

if TYPE_CHECKING:
    from foresight_harness.measuring.workshop.cell import Cell

CEILING, FLOOR = "oracle@mask", "constant@patch"
LEAST = 0.95
"""AUC of a perfect mask by ``feature_distance``: the mask of the right answer is that of the truth."""
LUCK = 0.01
"""How far from 0.5 the mean over shuffled labels may lie."""
AUC = "_auc"


def judge_cell(cell: Cell, outcomes: Mapping[str, Outcome]) -> ControlVerdict:
    """Compare what the controls scored with what they are known to score, which no data set changes."""
    return judge(outcomes)


def judge(outcomes: Mapping[str, Outcome]) -> ControlVerdict:
    """The same, of outcomes by stream."""
    checks: list[Check] = []
    ceiling: dict[tuple[str, str | None], float] = {}
    if CEILING in outcomes:
        found = next(one for one in outcomes[CEILING].measurements if one.metric == f"{FEATURES}{AUC}")
        value = ceiling[found.metric, None] = _value(found)
        checks.append((value >= LEAST, f"oracle scores {value:.3f} {found.metric}, expected at least {LEAST:.2f}"))
    for found in outcomes[FLOOR].measurements:
        if found.metric.endswith(AUC):
            value = _value(found)
            said = f"constant scores {value:.3f} {found.metric}, expected 0.500: it shows one answer as any other"
            checks.append((abs(value - 0.5) < 1e-6, said))
    for stream, outcome in outcomes.items():
        away = [abs(one.null["mean"] - 0.5) for one in outcome.measurements if one.null and one.metric.endswith(AUC)]
        if away and stream != FLOOR:
            said = (
                f"shuffled labels of {stream.partition('@')[0]} lie within {max(away):.3f} of 0.5, expected {LUCK:.2f}"
            )
            checks.append((max(away) <= LUCK, said))
    return ControlVerdict(floor={}, ceiling=ceiling, ok=all(held for held, _ in checks), sentences=sentences_of(checks))


def _value(found: Measurement) -> float:
    """Mean over seeds of a corpus metric."""
    stats = found.stats or ()
    return float(np.mean([corpus_statistic(seed)(np.ones((1, len(seed))))[0] for seed in stats]))
