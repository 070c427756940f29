"""What Grounding DINO is asked for: one fixed text of phrases, in the ids of the checkpoint's own BERT vocabulary.

No tokenizer is run: every word of the text is one token.
"""

from __future__ import annotations

import json
from pathlib import Path

from foresight_harness import CheckpointError

WORDS = ("object", "thing", "shape", "person", "animal", "vehicle")
TEXT = " ".join(f"{word}." for word in WORDS)
START, END, STOP = 101, 102, 1012
"""Ids of [CLS], [SEP] and the full stop. The library knows them too: it parts phrases by them."""
FILES = ("vocab.txt", "tokenizer.json")


def text_ids(folder: Path | None) -> list[int]:
    """Ids of ``TEXT``.

    Args:
        folder: Checkpoint whose vocabulary is read; None for random weights, which know no words and get the first ids.

    Returns:
        One for each word and each full stop, between start and end.

    Raises:
        CheckpointError: if there is no vocabulary, or it is not that of an uncased BERT.
    """
    known = {word: place for place, word in enumerate(WORDS, 1)} if folder is None else _vocabulary(folder)
    return [START, *(number for word in WORDS for number in (known[word], STOP)), END]


def _vocabulary(folder: Path) -> dict[str, int]:
    """Ids of the words. Raises: CheckpointError."""
    path = next((folder / name for name in FILES if (folder / name).is_file()), None)
    if path is None:
        raise CheckpointError(
            f"{folder} has no {' or '.join(FILES)}, which the text of Grounding DINO needs; download it"
        )
    try:
        content = path.read_text(encoding="utf-8")
        if path.name == "vocab.txt":
            found = {line: number for number, line in enumerate(content.splitlines())}
        else:
            found = dict(json.loads(content)["model"]["vocab"])
    except (ValueError, TypeError, KeyError) as error:
        raise CheckpointError(f"{path} holds no vocabulary ({type(error).__name__}: {error})") from error
    for word, number in {"[CLS]": START, "[SEP]": END, ".": STOP}.items():
        if found.get(word) != number:
            raise CheckpointError(
                f"{path}: {word} has id {found.get(word)}, the text encoder of Grounding DINO takes {number}. "
                "Is it the tokenizer of another model?"
            )
    absent = [word for word in WORDS if word not in found]
    if absent:
        raise CheckpointError(f"{path} has no word {absent[0]!r}; is it the tokenizer of another model?")
    return {word: int(found[word]) for word in WORDS}
