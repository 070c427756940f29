"""What one model is asked about a picture, in ids, and how its answers are read. No torch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

from foresight_harness import CheckpointError
from foresight_harness.parts.datasets.shape_drawing import COLOURS

from foresight_vlm_kit.consistency.likeness import rouge_l, shared_words, words_of
from foresight_vlm_kit.consistency.prompts import ANSWER, CAPTION, MOST, NANO_MOST, QUESTIONS
from foresight_vlm_kit.nano.words import END, NAMES, colour_word
from foresight_vlm_kit.nano.words import FIRST as FIRST_WORD

TOKENIZER = "tokenizer.json"


@dataclass(frozen=True)
class Question:
    """What is asked after the picture, and the two ids whose scores are compared."""

    words: tuple[int, ...]
    yes: int
    no: int


@dataclass(frozen=True)
class Talk:
    """All that one model is asked."""

    caption: tuple[int, ...]
    """Ids after the picture that ask for a caption."""
    ends: frozenset[int]
    """Ids that end one."""
    most: int
    """Ids of a caption at most."""
    questions: tuple[Question, ...]
    said: Callable[[Sequence[int]], tuple[str, ...]]
    """The words of a caption's ids."""
    likeness: Callable[[Sequence[str], Sequence[str]], float]
    """Of the words of two captions, of 1."""


def nano_talk(after: Sequence[int]) -> Talk:
    """What nano sizes are asked, whose vocabulary holds colours, kinds and places and no question.

    A caption has no prompt. A question is which of two colours the first word of the caption is: ``yes`` is the first.

    Args:
        after: Ids between the picture and the caption.
    """
    before = tuple(after)
    pairs = combinations(map(colour_word, COLOURS), 2)
    questions = tuple(Question(before, one, other) for one, other in pairs)
    return Talk(before, frozenset({END}), NANO_MOST, questions, _nano_words, shared_words)


def text_talk(folder: Path, before: str, after: str, ends: Sequence[int]) -> Talk:
    """What published sizes are asked in words, through the checkpoint's own tokenizer.

    Args:
        folder: Of the checkpoint.
        before: Text between the picture and what is asked.
        after: Text between what is asked and the answer.
        ends: Ids that end an answer.

    Raises:
        CheckpointError: if there is no tokenizer, or if it has no one id for an answer.
    """
    tokenizer = _tokenizer(folder)

    def ids(text: str) -> tuple[int, ...]:
        return tuple(tokenizer.encode(text, add_special_tokens=False).ids)

    def one(answer: str) -> int:
        found = ids(answer)
        if len(found) != 1:
            raise CheckpointError(
                f"{folder}/{TOKENIZER} writes {answer!r} as {len(found)} tokens; the two answers to a question are "
                "compared as one token each"
            )
        return found[0]

    yes, no = one("Yes"), one("No")
    questions = tuple(Question(ids(f"{before}{asked} {ANSWER}{after}"), yes, no) for asked in QUESTIONS)

    def said(words: Sequence[int]) -> tuple[str, ...]:
        return words_of(tokenizer.decode(list(words), skip_special_tokens=True))

    return Talk(ids(f"{before}{CAPTION}{after}"), frozenset(ends), MOST, questions, said, rouge_l)


def _nano_words(ids: Sequence[int]) -> tuple[str, ...]:
    """Names of the vocabulary; an id beside it stands for itself."""
    names = dict(enumerate(NAMES, FIRST_WORD))
    return tuple(names.get(word, f"id:{word}") for word in ids)


def _tokenizer(folder: Path) -> Any:
    from tokenizers import Tokenizer

    path = folder / TOKENIZER
    if not path.is_file():
        raise CheckpointError(f"{path} is missing: questions in words need the checkpoint's own tokenizer beside it")
    try:
        return Tokenizer.from_file(str(path))
    except Exception as error:  # the library raises bare exceptions
        raise CheckpointError(f"{path} is no tokenizer that can be read: {error}") from error
