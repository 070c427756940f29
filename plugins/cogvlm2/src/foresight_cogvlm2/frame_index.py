"""The text behind each frame of a clip: its index, in the ids of the checkpoint's own tokenizer."""

from __future__ import annotations

from pathlib import Path

from foresight_harness.contracts.errors import CheckpointError

STAND_IN_START = 100
"""Random weights know no words: the index of frame ``t`` is the one id ``STAND_IN_START + t``. One id is the length
that the published tokenizer, that of Llama 3, gives to every index up to 999."""


def index_ids(folder: Path | None, frames: int) -> list[tuple[int, ...]]:
    """Ids of the decimal index of each frame, counted from 0.

    Args:
        folder: The checkpoint; None for random weights, which get stand-in ids.
        frames: Of the clip.

    Raises:
        CheckpointError: if the tokenizer is absent, unreadable, or writes an index as nothing.
    """
    if folder is None:
        return [(STAND_IN_START + frame,) for frame in range(frames)]
    path = folder / "tokenizer.json"
    if not path.is_file():
        raise CheckpointError(f"{folder} has no tokenizer.json, which writes the index behind each frame; download it")
    from tokenizers import Tokenizer

    try:
        tokenizer = Tokenizer.from_file(str(path))
        ids = [tuple(tokenizer.encode(str(frame), add_special_tokens=False).ids) for frame in range(frames)]
    except Exception as error:  # the library raises nothing narrower
        raise CheckpointError(f"{path} is not a tokenizer ({error}); download it again") from error
    if not all(ids):
        raise CheckpointError(f"{path} has no id for the index of frame {ids.index(())}; download it again")
    return ids
