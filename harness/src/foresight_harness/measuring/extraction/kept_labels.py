"""Labels of a split in the store, beside its clips: what one process has decoded no other decodes again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from foresight_harness.contracts.batches import Labels
from foresight_harness.measuring.cache.keys import content_key
from foresight_harness.measuring.cache.store import ArrayStore

VERSION = 2
"""Raised when what labels are made of a sample changes."""


def _choices(fingerprint: str) -> dict[str, Any]:
    return {"kind": "labels", "version": VERSION, "fingerprint": fingerprint}


def labels_key(fingerprint: str) -> str:
    """Where the labels of the data with that fingerprint are kept."""
    return content_key(_choices(fingerprint))


def kept_labels(store: ArrayStore, fingerprint: str) -> Labels | None:
    """The labels of the data with that fingerprint; None where they are not kept. Masks are read by memory map."""
    found = store.open(content_key(_choices(fingerprint)))
    if found is None:
        return None
    facts = found.facts
    return Labels(
        ids=tuple(facts["ids"]),
        groups=tuple(facts["groups"]),
        boxes=tuple(torch.tensor(rows, dtype=torch.float32).reshape(-1, 4) for rows in facts["boxes"]),
        foreground=found.whole(),
        names=tuple(tuple(names) for names in facts["names"]),
        motion=tuple(_frozen(motion) for motion in facts["motion"]),
        crowds=tuple(torch.tensor(rows, dtype=torch.float32).reshape(-1, 4) for rows in facts["crowds"]),
        crowd_names=tuple(tuple(names) for names in facts["crowd_names"]),
    )


def keep_labels(store: ArrayStore, fingerprint: str, labels: Labels) -> None:
    """Keep labels; those that JSON does not give back as they were are not kept, and are made anew by each process."""
    if any(_frozen(motion) != motion for motion in labels.motion):
        return
    if any(boxes.dtype != torch.float32 for boxes in labels.boxes):
        return
    choices = _choices(fingerprint)
    with store.writer(content_key(choices), choices, whole=True) as writer:
        writer.add(labels.foreground)
        writer.facts = {
            "ids": labels.ids,
            "groups": labels.groups,
            "boxes": [boxes.tolist() for boxes in labels.boxes],
            "names": labels.names,
            "motion": [dict(motion) for motion in labels.motion],
            "crowds": [labels.crowds_of(index).tolist() for index in range(len(labels))],
            "crowd_names": list(labels.crowd_names),
        }


def _frozen(value: Any) -> Any:
    """What comes back of a value that was written as JSON, lists read as tuples; None for what JSON does not hold."""
    if isinstance(value, Mapping):
        return {str(name): _frozen(entry) for name, entry in value.items()}
    if isinstance(value, list | tuple):
        return tuple(_frozen(entry) for entry in value)
    return value if isinstance(value, str | int | float | bool) else None
