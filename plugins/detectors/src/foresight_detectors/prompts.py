"""What OWL-ViT is asked for: a fixed list of prompts, with their ids in the vocabulary of its CLIP tokenizer.

No tokenizer is fetched or run. A checkpoint folder that holds a vocabulary is held to these ids.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from foresight_harness import CheckpointError

PROMPTS = (
    "a photo of an object",
    "a photo of a thing",
    "a photo of a shape",
    "a photo of a person",
    "a photo of an animal",
    "a photo of a vehicle",
)
START, END = "<|startoftext|>", "<|endoftext|>"
VOCABULARY: Mapping[str, int] = {
    "a</w>": 320,
    "an</w>": 550,
    "photo</w>": 1125,
    "of</w>": 539,
    "object</w>": 14115,
    "thing</w>": 946,
    "shape</w>": 6448,
    "person</w>": 2533,
    "animal</w>": 4668,
    "vehicle</w>": 5299,
    START: 49406,
    END: 49407,
}
"""Every word of the prompts is one token of CLIP's byte-pair vocabulary of 49,408."""


def prompt_ids(vocabulary_size: int) -> list[list[int]]:
    """Ids of the prompts, all of one length.

    Args:
        vocabulary_size: Of the text tower. One that is smaller than CLIP's belongs to a tiny preset: its ids are the
            ranks of CLIP's among those in use, so that the end still has the largest, by which the tower finds it.

    Returns:
        [prompts, tokens]
    """
    known = dict(VOCABULARY)
    if vocabulary_size <= max(known.values()):
        known = {word: rank for rank, word in enumerate(sorted(known, key=lambda word: known[word]), 1)}
    return [[known[START], *(known[f"{word}</w>"] for word in text.split()), known[END]] for text in PROMPTS]


def require_vocabulary(folder: Path) -> None:
    """Refuse a checkpoint whose own tokenizer gives the words of the prompts other ids.

    Args:
        folder: May hold ``vocab.json`` or ``tokenizer.json``; without either the published ids are taken.

    Raises:
        CheckpointError: naming the first word that differs.
    """
    for file, path in (("vocab.json", ()), ("tokenizer.json", ("model", "vocab"))):
        found = _object(folder / file, path)
        for word, number in VOCABULARY.items() if found is not None else ():
            if found.get(word) != number and not (file == "tokenizer.json" and word in (START, END)):
                raise CheckpointError(
                    f"{folder / file}: {word} has id {found.get(word)}, the prompts of OWL-ViT take {number}. "
                    "Is it the tokenizer of another model?"
                )


def _object(path: Path, inside: Sequence[str]) -> Any:
    """A JSON object, or a part of it; None where there is no such file."""
    if not path.is_file():
        return None
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        for name in inside:
            content = content[name]
        return dict(content)
    except (ValueError, TypeError, KeyError) as error:
        raise CheckpointError(f"{path} holds no vocabulary ({type(error).__name__}: {error})") from error
