"""Rankings that admit ties: who cannot be told from the best?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

import numpy as np

from foresight_harness.parts.statistics.interval import Floats
from foresight_harness.parts.statistics.multiple import holm
from foresight_harness.parts.statistics.paired import ALPHA, paired_differences


class TieGroup(NamedTuple):
    """Candidates that the samples cannot tell from the best one among them."""

    members: tuple[str, ...]
    """Best mean first; the first is the head that the others were compared with."""
    p_values: tuple[float | None, ...]
    """Holm-adjusted, of each member against the head; None for the head and for candidates identical to it."""


def tie_groups(
    values: Mapping[str, Floats],
    groups: Sequence[str],
    direction: Literal["higher", "lower"],
    *,
    alpha: float = ALPHA,
    seed: int = 0,
) -> list[TieGroup]:
    """Rank candidates in groups.

    The best mean heads the first group; every candidate whose paired difference to the head is not significant (sign
    flips, Holm over all that remain) belongs to it. The rest is ranked in the same way. Being in one group does not
    prove that two are equal: it says that these samples do not decide.

    Args:
        values: One value a sample, in one sample order, by candidate. [n] each
        groups: Cluster of each sample. [n]
        direction: Which way is better.
        alpha: Level of each group's family of tests.
        seed: Of the sign flips.

    Returns:
        Best group first. Candidates without any value are left out.
    """
    sign = 1.0 if direction == "higher" else -1.0
    means = {name: sign * float(np.nanmean(column)) for name, column in values.items() if not np.isnan(column).all()}
    remaining = sorted(means, key=lambda name: (-means[name], name))
    ranking = []
    while remaining:
        head, others = remaining[0], remaining[1:]
        if not others:
            ranking.append(TieGroup((head,), (None,)))
            break
        columns = np.stack([np.asarray(values[name], dtype=np.float64) for name in others], axis=1)
        reference = np.asarray(values[head], dtype=np.float64)[:, None]
        found = paired_differences(columns, reference, groups, alpha=alpha, seed=seed)
        adjusted = holm([one.p_value for one in found])
        tied = [index for index, p_value in enumerate(adjusted) if not p_value <= alpha]
        p_values = [None if np.isnan(adjusted[index]) else float(adjusted[index]) for index in tied]
        ranking.append(TieGroup((head, *(others[index] for index in tied)), (None, *p_values)))
        remaining = [name for index, name in enumerate(others) if index not in tied]
    return ranking
