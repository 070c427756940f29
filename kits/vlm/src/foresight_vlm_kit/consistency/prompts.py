"""What is asked of a picture, in words: prompts of one version. Imports nothing."""

from __future__ import annotations

VERSION = "v1"
"""Of prompts, lengths and likeness together: with another wording the metric has another name."""
CAPTION = "Describe this picture in one sentence. Name its objects, their colours and where they are."
QUESTIONS = (
    "Is there more than one object in this picture?",
    "Is there a person in this picture?",
    "Is there an animal in this picture?",
    "Is there a round object in this picture?",
    "Is there a red object in this picture?",
    "Is there a blue object in this picture?",
    "Is the largest object in the left half of this picture?",
    "Is the largest object in the upper half of this picture?",
)
ANSWER = "Answer with yes or no."
MOST = 32
"""Tokens of a caption of a published size."""
NANO_MOST = 20
"""The same of nano sizes: five objects of four words."""


def nano_text(kind: str) -> str:
    """What nano sizes are asked, in words, for the protocol; ``talk.nano_talk`` asks it."""
    if kind == "caption":
        return f"caption by the highest word of all, at most {NANO_MOST}; words of both captions, Dice's coefficient"
    return "'is the first thing A rather than B?' for each two A, B of the eight colours; share of equal answers"


def text_of(kind: str) -> str:
    """What published sizes are asked, for the protocol; ``talk.text_talk`` asks it."""
    if kind == "caption":
        return f"{CAPTION!r}, greedy, at most {MOST} tokens; F1 of ROUGE-L over lower-cased words"
    asked = "; ".join(map(repr, QUESTIONS))
    return f"{asked}, each with {ANSWER!r}, the likelier of 'Yes' and 'No'; share of equal answers"
