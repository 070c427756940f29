"""Actions of clips that name them, told by suite ``temporal`` beside directions: pooled, in order, out of order."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from foresight_harness.contracts.outcomes import Measurement
from foresight_harness.parts.probes.action import SHUFFLED, VIEWS, ActionProbe, balanced, right_answers

if TYPE_CHECKING:
    from foresight_harness.measuring.conditioning import Conditioning
    from foresight_harness.measuring.workshop.cell import Cell


def action_measurements(cell: Cell, read: Callable[[int, Any], Conditioning]) -> list[Measurement]:
    """Accuracy and balanced accuracy of each view; nothing where a split names fewer than two actions.

    Args:
        cell: With clips.
        read: Conditioning of a split by seed.

    Raises:
        GridError: for token sets.
    """
    train, test = cell.split("train").labels, cell.split("test").labels
    taught, wanted = ([motion.get("action") for motion in split.motion] for split in (train, test))
    named = {one for one in wanted if one is not None}
    if min(len(named), len({one for one in taught if one is not None})) < 2:
        return []
    commonest = max(wanted.count(one) for one in named) / sum(one is not None for one in wanted)
    details = {"actions": len(named), "not_taught": sorted(named - set(taught))}
    found = []
    for name in VIEWS:
        rows = []
        for seed in cell.seeds:
            probe = ActionProbe(name)
            probe.fit(read(seed, "train"), train.ids, taught)
            rows.append(right_answers(probe.predict(read(seed, "test"), test.ids), wanted))
        right = np.stack(rows)
        for metric, values, floor in (
            ("action_accuracy", right, commonest),
            ("action_balanced_accuracy", balanced(right, wanted), 1 / len(named)),
        ):
            found.append(
                Measurement(
                    metric,
                    "ratio",
                    "higher",
                    (0.0, 1.0),
                    values=values,
                    probe=name,
                    probe_choices=ActionProbe(name).choices(),
                    seeds=cell.seeds,
                    floor=floor,
                    floor_by="chance",
                    gateable=name != SHUFFLED,
                    details=details,
                )
            )
    return found
