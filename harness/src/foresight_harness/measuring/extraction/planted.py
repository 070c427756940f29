"""Splits of planted answers: what would be right and what wrong after each clip of a split, made once and kept."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from foresight_harness.contracts.errors import DataError
from foresight_harness.contracts.protocols import Dataset
from foresight_harness.measuring.cache.keys import content_key
from foresight_harness.measuring.cache.store import ArrayStore
from foresight_harness.measuring.extraction.kept_labels import keep_labels, kept_labels
from foresight_harness.measuring.extraction.splits import DecodedSplit
from foresight_harness.parts.datasets.identity import stream
from foresight_harness.parts.datasets.planted_answers import ANSWERS, FRAMES_ALONE, frames_of

GAINS = (0.85, 1.15)
NOISE = (0.02, 0.05)
"""Of the light on answers made of a clip's own frames, and of the noise in them: those of ``moving_shapes``."""


def kinds_of(dataset: Dataset) -> tuple[str, ...]:
    """Wrong answers that a data set can show; those that only choose other frames can be made of any clip."""
    return tuple(getattr(dataset, "plants", FRAMES_ALONE))


def planted_split(store: ArrayStore, dataset: Dataset, split: DecodedSplit, wrong: str | None) -> DecodedSplit:
    """One answer to each clip of a split, in its order.

    Args:
        store: Where decoded clips are kept.
        dataset: That the split is of.
        split: Clips as they really went on.
        wrong: One of ``kinds_of(dataset)``; None is the right answer.

    Raises:
        DataError: of clips of a single frame, or where an answer has another shape than its clip.
    """
    if split.clips.shape[0] < 2:
        raise DataError(f"data set {split.dataset}: pictures have no wrong order; answers are planted in clips")
    mark = hashlib.sha256(f"{split.fingerprint}:{ANSWERS}:{wrong}".encode()).hexdigest()
    choices = {"kind": "clips", "fingerprint": mark}
    key = content_key(choices)
    clips, labels = store.open(key), kept_labels(store, mark)
    if clips is None or labels is None:
        with store.lock(key):
            clips, labels = store.open(key), kept_labels(store, mark)
            if clips is None or labels is None:
                store.discard(key)
                covered = []
                with store.writer(key, choices) as writer:
                    for index in range(len(split)):
                        clip, foreground = _answer(dataset, split, index, wrong)
                        if tuple(clip.shape) != split.clips.shape:
                            asked = f"{split.dataset}: answer {wrong or 'right'} to {split.labels.ids[index]}"
                            raise DataError(f"{asked} has shape {tuple(clip.shape)}, its clip {split.clips.shape}")
                        writer.add((clip.unsqueeze(0) * 255).round().to(torch.uint8))
                        covered.append(foreground)
                unknown: dict[str, Any] = {"boxes": (torch.zeros(0, 4),) * len(split), "names": ((),) * len(split)}
                unknown |= {"motion": ({},) * len(split), "crowds": (), "crowd_names": ()}
                labels = replace(split.labels, foreground=torch.stack(covered), **unknown)
                keep_labels(store, mark, labels)
                clips = store.open(key)
    assert clips is not None
    return replace(split, fingerprint=mark, labels=labels, clips=clips)


def _answer(dataset: Any, split: DecodedSplit, index: int, wrong: str | None) -> tuple[Tensor, Tensor]:
    """Pixels in [0, 1] [T, 3, H_px, W_px] and what objects cover [T, H_px, W_px] bool."""
    if hasattr(dataset, "plants"):
        sample = dataset.planted(index, wrong)
        if sample.masks is None:
            return sample.clip, torch.zeros(sample.clip[:, 0].shape, dtype=torch.bool)
        return sample.clip, sample.masks.any(dim=1)
    shown = frames_of(wrong, split.clips.shape[0])
    random = stream(ANSWERS, split.fingerprint, split.labels.ids[index], wrong)
    clip = split.take([index])[0][shown] * random.uniform(*GAINS)
    noise = torch.from_numpy(random.standard_normal(tuple(clip.shape), dtype="float32")) * random.uniform(*NOISE)
    return (clip + noise).clamp(0, 1), split.labels.foreground[index][shown]
