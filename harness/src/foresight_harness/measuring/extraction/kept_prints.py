"""What pictures of a split are recognised by, kept beside its clips: they are read once, not in every run."""

from __future__ import annotations

import torch

from foresight_harness.measuring.cache.arrays import StoredArray
from foresight_harness.measuring.cache.keys import content_key
from foresight_harness.measuring.cache.store import ArrayStore
from foresight_harness.parts.datasets.equal_pictures import Prints, exact_print, small_prints

VERSION = 2
"""Raised when prints are made otherwise."""
AT_ONCE = 64


def kept_prints(store: ArrayStore, fingerprint: str, ids: tuple[str, ...], clips: StoredArray) -> Prints:
    """Prints of the clips with that fingerprint, made now where they are not kept."""
    choices = {"kind": "prints", "version": VERSION, "fingerprint": fingerprint}
    key = content_key(choices)
    found = store.open(key)
    if found is not None:
        return Prints(ids, tuple(found.facts["exact"]), found.take(range(len(found))).numpy())
    exact: list[str] = []
    small = []
    with store.writer(key, choices) as writer:
        for block in clips.batches(AT_ONCE):
            small.append(small_prints(block))
            exact += [exact_print(clip) for clip in block]
            writer.add(small[-1])
        writer.facts = {"exact": exact}
    return Prints(ids, tuple(exact), torch.cat(small).numpy())
