"""What a comparison could have seen: "no regression" means little where the pictures are too few to show one."""

from __future__ import annotations

from collections.abc import Sequence

from foresight_harness.judging.comparison.comparing import NOISE, Compared
from foresight_harness.judging.comparison.sentinels import Sentinels
from foresight_harness.parts.statistics.power import samples_to_detect


def reach(found: Sequence[Compared]) -> list[str]:
    """One sentence a metric: the difference that its least able sentinel finds in four of five cases."""
    tested: dict[str, list[Compared]] = {}
    for one in found:
        if one.sentinel and one.detectable is not None:
            tested.setdefault(one.key[3], []).append(one)
    said = []
    for metric, group in tested.items():
        worst = max(group, key=lambda one: one.detectable or 0.0)
        assert worst.paired is not None
        said.append(
            f"Found in four of five cases: a difference of {metric} from {worst.detectable:.2g} on "
            f"({worst.paired.n} pictures; {len(group)} tested)."
        )
    return said


def blind(found: Sequence[Compared], sentinels: Sentinels) -> list[str]:
    """A sentence for each sentinel within noise that finds what ``[must_find]`` asks for too rarely."""
    said = []
    for one in found:
        wanted = sentinels.wanted(one.key[3])
        if (
            not one.sentinel
            or one.verdict != NOISE
            or wanted is None
            or one.detectable is None
            or one.detectable <= wanted
        ):
            continue
        paired = one.paired
        assert paired is not None
        assert paired.interval is not None
        candidate, suite, dataset, metric, _ = one.key
        needed = samples_to_detect(paired.interval, wanted, one.tolerance, tests=one.tests)
        if needed is None:
            cure = f"its tolerance of {one.tolerance:g} hides it"
        elif paired.interval.method.startswith("seeds"):
            cure = "it takes more seeds or pictures"
        else:
            cure = f"it takes about {needed} pictures"
        said.append(
            f"{metric} of {candidate} in {suite} on {dataset}: a difference of {wanted:g} must be found, and "
            f"{paired.n} pictures find {one.detectable:.2g}; {cure}"
        )
    return said
