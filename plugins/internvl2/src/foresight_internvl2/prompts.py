"""The published conversation up to a picture or a video, as ids. No torch.

Source: templates ``internlm2-chat`` and ``Hermes-2`` of OpenGVLab/InternVL (``conversation.py``), which say the same in
all published sizes on offer; the words before frames are those of the model cards' video example.
"""

from __future__ import annotations

import re
from pathlib import Path

from foresight_harness import CheckpointError

from foresight_internvl2.architecture import Architecture

SYSTEM = "你是由上海人工智能实验室联合商汤科技开发的书生多模态大模型，英文名叫InternVL, 是一个有用无害的人工智能助手。"
CHAT = f"<|im_start|>system\n{SYSTEM}<|im_end|><|im_start|>user\n"
"""System message and start of the user's turn."""

PICTURE = "<IMG_CONTEXT>"
"""Stands for all tokens of a picture."""

_STAND_IN = {"<|im_start|>": 2, "<|im_end|>": 3, "<img>": 4, "</img>": 5}
_FIRST_STAND_IN, _STAND_INS = 6, 230


def chat_text() -> str:
    """The conversation up to the end of one picture."""
    return f"{CHAT}<img>{PICTURE}"


def video_text(frames: int) -> str:
    """The conversation up to the end of the last frame, counted from 1."""
    return CHAT + "</img>\n".join(f"Frame{index}: <img>{PICTURE}" for index in range(1, frames + 1))


def ids_before_pictures(text: str, architecture: Architecture, folder: Path | None) -> list[tuple[int, ...]]:
    """Ids of the words before each ``PICTURE`` of a text that ends with one.

    Args:
        text: Of ``chat_text`` or ``video_text``.
        architecture: Gives the start-of-text ids and the id of ``<img>``.
        folder: The checkpoint, whose own tokenizer is used; None for random weights, which get stand-in ids: one a
            special word and one a character, the same in every run.

    Raises:
        CheckpointError: if the tokenizer is absent, unreadable, or does not know the words around a picture.
    """
    words = text.split(PICTURE)[:-1]
    if folder is None:
        pieces = [_stand_in(piece, architecture) for piece in words]
    else:
        pieces = _tokenized(text, len(words), architecture, folder)
    return [(*architecture.start_ids, *pieces[0]), *pieces[1:]]


def _stand_in(text: str, architecture: Architecture) -> tuple[int, ...]:
    known = dict(_STAND_IN)
    if architecture.image_start_id is not None:
        known["<img>"] = architecture.image_start_id
    found = re.findall(r"<\|?/?\w+\|?>|.", text, re.DOTALL)
    return tuple(known[word] if word in known else _FIRST_STAND_IN + ord(word) % _STAND_INS for word in found)


def _tokenized(text: str, pictures: int, architecture: Architecture, folder: Path) -> list[tuple[int, ...]]:
    path = folder / "tokenizer.json"
    if not path.is_file():
        raise CheckpointError(
            f"{folder} has no tokenizer.json, which the conversation before a picture needs; save one there with the "
            "tokenizers library, or read the encoder without :chat, :tiles or :video"
        )
    from tokenizers import Tokenizer

    try:
        tokenizer = Tokenizer.from_file(str(path))
        ids = tokenizer.encode(text, add_special_tokens=False).ids
    except Exception as error:  # the library raises nothing narrower
        raise CheckpointError(f"{path} is not a tokenizer ({error}); download it again") from error
    picture, start = tokenizer.token_to_id(PICTURE), tokenizer.token_to_id("<img>")
    ends = [place for place, token in enumerate(ids) if token == picture]
    pieces = [tuple(ids[first + 1 : end]) for first, end in zip([-1, *ends], ends, strict=False)]
    if len(pieces) != pictures or any(piece[-1:] != (start,) for piece in pieces):
        raise CheckpointError(f"{path} does not write <img> and {PICTURE} as one id each; is it InternVL2's?")
    if architecture.image_start_id not in (None, start):
        raise CheckpointError(
            f"{path} writes <img> as id {start}, not {architecture.image_start_id}; download it again"
        )
    return pieces
