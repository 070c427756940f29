"""The words before the picture, in the ids of the checkpoint's own tokenizer."""

from __future__ import annotations

from pathlib import Path

from foresight_harness.contracts.errors import CheckpointError

from foresight_llava_next.presets import STAND_IN_PROMPT

PICTURE, VIDEO = "<image>", "<video>"
"""Words that stand for what is seen."""


def prompt_ids(folder: Path | None, text: str, token: int, placeholder: str = PICTURE) -> tuple[int, ...]:
    """Ids of ``text``, as they stand before a picture or a video.

    Args:
        folder: The checkpoint; None for random weights, which get stand-in ids.
        text: The prompt up to there.
        token: Id of the placeholder in the configuration.
        placeholder: Its word.

    Raises:
        CheckpointError: if the tokenizer is absent, unreadable, or does not know the placeholder by that id.
    """
    if folder is None:
        return STAND_IN_PROMPT
    path = folder / "tokenizer.json"
    if not path.is_file():
        raise CheckpointError(f"{folder} has no tokenizer.json, which taps of the language model need; download it")
    from tokenizers import Tokenizer

    try:
        ids = Tokenizer.from_file(str(path)).encode(text + placeholder).ids
    except Exception as error:  # the library raises nothing narrower
        raise CheckpointError(f"{path} is not a tokenizer ({error}); download it again") from error
    if ids.count(token) != 1:
        raise CheckpointError(f"{path} does not write {placeholder} as id {token}, which config.json names")
    return tuple(ids[: ids.index(token)])
