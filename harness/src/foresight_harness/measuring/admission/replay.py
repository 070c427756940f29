"""Cached features against the encoder once more: pictures of the run's own data, a few values moved by 1 of 255.

What was cached while thousands of pictures went by must be what the encoder gives to nearly the same picture alone. It
finds pictures off by one, features that depend on the batch, and features that were looked up.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from foresight_harness.measuring.admission import encoder_checks
from foresight_harness.measuring.admission.examining import Subject
from foresight_harness.measuring.admission.painting import barely_changed
from foresight_harness.measuring.cache.grids import CachedGrids
from foresight_harness.measuring.extraction.splits import DecodedSplit

LARGE = 1
SMALL = 4
"""Pictures that are encoded again."""
MOST_SCANNED = 4096
"""Samples whose features are looked at."""
PLAIN = 0.02
"""Standard deviation of a picture below which its tokens may be alike."""


def replayed(
    subject: Subject, grids: Mapping[str, CachedGrids], split: DecodedSplit
) -> tuple[dict[str, tuple[str, ...]], int]:
    """What is wrong with cached features, and the pictures that were encoded to know.

    Args:
        subject: The encoder.
        grids: Cached features by tap.
        split: The pictures that they were made of.

    Raises:
        ForesightError: what the encoder itself says to the user.
    """
    few = subject.large or any(grid.shape.frames > 1 for grid in grids.values())
    chosen = _chosen(split, LARGE if few else SMALL)
    order = list(reversed(chosen))
    clips = torch.stack([barely_changed(clip) for clip in split.take(order)])
    again = subject.run(clips, list(grids))
    found = {}
    for tap, grid in grids.items():
        kept, tokens = grid.take(order), again[tap].tokens.cpu().float()
        faults = [dead_samples(grid, split), _other_fault(tokens, kept, subject, [split.ids[index] for index in order])]
        found[tap] = tuple(f"{tap}: {fault}" for fault in faults if fault is not None)
    return found, len(clips)


def _other_fault(tokens: Tensor, kept: Tensor, subject: Subject, ids: Sequence[str]) -> str | None:
    limit = encoder_checks.limits_of(subject.dtype, subject.device).barely
    off = [
        encoder_checks.root_mean_square_difference(tokens[row : row + 1], kept[row : row + 1])
        for row in range(len(ids))
    ]
    worst = max(off)
    if worst <= limit:
        return None
    return (
        f"features of {ids[off.index(worst)]!r:.60} differ by {worst:.2g} root mean squares from those of the same "
        f"picture with a few values moved by 1 of 255 (limit {limit:g}): encode each picture by itself, from what "
        "is seen"
    )


def dead_samples(grids: CachedGrids, split: DecodedSplit) -> str | None:
    """Samples whose tokens are alike in all places although their pictures are not of one colour."""
    if grids.shape.cells < 2:
        return None
    suspects: list[int] = []
    seen = 0
    for block in grids:
        flat = block.flatten(1, 3)
        spread = (flat - flat[:, :1]).abs().amax((1, 2))
        suspects += [seen + int(index) for index in (spread == 0).nonzero().flatten()]
        seen += len(block)
        if seen >= MOST_SCANNED:
            break
    dead = [index for index in suspects if float(split.take([index]).std()) > PLAIN]
    if not dead:
        return None
    return (
        f"features of {len(dead)} of {seen} pictures are alike in every place (first: {split.ids[dead[0]]!r:.60}, "
        f"number {dead[0]}), and the pictures are not: read every picture, wherever it stands"
    )


def _chosen(split: DecodedSplit, count: int) -> list[int]:
    """Samples anywhere in the split, the same in every run."""
    random = np.random.default_rng(int(split.fingerprint[:8], 16) if _is_hex(split.fingerprint[:8]) else 0)
    found: Sequence[int] = random.choice(len(split), min(count, len(split)), replace=False).tolist()
    return sorted(found)


def _is_hex(text: str) -> bool:
    return bool(text) and set(text) <= set("0123456789abcdef")
