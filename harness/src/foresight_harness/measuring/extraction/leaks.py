"""Splits held against each other and against what was kept of them: nothing tested was trained on, nothing changed."""

from __future__ import annotations

from dataclasses import replace

from foresight_harness.contracts.batches import Labels
from foresight_harness.contracts.errors import DataError
from foresight_harness.parts.datasets.equal_pictures import Prints, equal_pairs, joined_groups, near_pairs

MOST_NEAR = 0.05
"""Share of test pictures that may nearly equal a training picture: above, the set is refused."""
LOOKED_AT = 3
"""Samples that are decoded again to see that a fingerprint still stands for the same pictures."""


def together(labels: Labels, prints: Prints) -> tuple[Labels, tuple[str, ...]]:
    """Labels in which equal pictures of one split are one group, and a sentence that counts them."""
    first: dict[str, int] = {}
    pairs = []
    for place, digest in enumerate(prints.exact):
        own = first.setdefault(digest, place) if digest else place
        if own != place and labels.groups[own] != labels.groups[place]:
            pairs.append((own, place))
    if not pairs:
        return labels, ()
    one, two = pairs[0]
    said = (
        f"{len(pairs)} pictures stand under two ids (first: {labels.ids[one]!r:.40} and {labels.ids[two]!r:.40}); they "
        "are resampled together"
    )
    return replace(labels, groups=joined_groups(labels.groups, pairs)), (said,)


def require_apart(who: str, train: tuple[Labels, Prints], test: tuple[Labels, Prints]) -> tuple[str, ...]:
    """Refuse a data set that tests on what it trains on; a sentence where single pictures are nearly alike.

    Args:
        who: The data set, with its plugin.
        train: Labels and prints of that split.
        test: The same of the other.

    Raises:
        DataError: counting the pictures, and naming the first pair.
    """
    (seen, ours), (asked, theirs) = train, test
    equal = equal_pairs(ours, theirs)
    if equal:
        pair = f"{seen.ids[equal[0][0]]!r:.40} of train is {asked.ids[equal[0][1]]!r:.40} of test"
        raise DataError(
            f"{who}: {len(equal)} of {len(asked)} test pictures stand in train too ({pair}): split by source picture"
        )
    shared = sorted(set(seen.groups) & set(asked.groups))
    if shared:
        raise DataError(
            f"{who}: {len(shared)} groups stand in train and in test (first: {shared[0]!r:.60}): a group is one source "
            "picture or video, and belongs to one split"
        )
    near = near_pairs(ours, theirs)
    if not near:
        return ()
    pair = f"{seen.ids[near[0][0]]!r:.40} of train and {asked.ids[near[0][1]]!r:.40} of test"
    said = f"{len(near)} of {len(asked)} test pictures nearly equal a training picture ({pair})"
    if len(near) > max(1, MOST_NEAR * len(asked)):
        raise DataError(f"{who}: {said}: split by source picture, copies of it included")
    return (said,)
