"""What the controls of suite ``prediction`` must score: masks in colours beat both baselines, lost order beats none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from foresight_harness.contracts.outcomes import ControlVerdict, Outcome
from foresight_harness.measuring.suites.control_scores import Check, noise_of, sentences_of, values_of

if TYPE_CHECKING:
    from foresight_harness.measuring.workshop.cell import Cell

CEILING = "oracle@scene"
BASELINES = ("over_copy", "over_velocity")


def judge_cell(cell: Cell, outcomes: Mapping[str, Outcome]) -> ControlVerdict:
    """Compare what the controls scored with what they are known to score, which no data set changes."""
    return judge(outcomes)


def judge(outcomes: Mapping[str, Outcome]) -> ControlVerdict:
    """The same, of outcomes by stream: sampling noise is granted to either side."""
    checks: list[Check] = []
    for stream, outcome in outcomes.items():
        horizons = [one.metric.removeprefix("over_copy_") for one in outcome.measurements if "over_copy_" in one.metric]
        for horizon in horizons:
            above, least, most = _weaker(outcome, horizon)
            family = stream.partition("@")[0].partition(":")[0]
            said = f"{family} scores {above:+.3f} above the better baseline {horizon} frames ahead, expected "
            if stream == CEILING:
                checks.append((most > 0, f"{said}more than 0"))
            else:
                checks.append((least <= 0, f"{said}no more than 0 within sampling noise"))
    return ControlVerdict(floor={}, ceiling={}, ok=all(held for held, _ in checks), sentences=sentences_of(checks))


def _weaker(outcome: Outcome, horizon: str) -> tuple[float, float, float]:
    """Of the two differences at a horizon the smaller one: its mean, and that less and plus its noise."""
    found = []
    for baseline in BASELINES:
        values = values_of(outcome, f"{baseline}_{horizon}")
        mean, noise = float(np.nanmean(values)), noise_of(values)
        found.append((mean, mean - noise, mean + noise))
    return min(found)
