"""Agreement of what a model says of a reconstruction with what it says of the original, as a metric of pictures."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

import torch
from foresight_harness.parts.metrics.guards import require_pair
from torch import Tensor

from foresight_vlm_kit.consistency.answerer import Answerer

Said = TypeVar("Said")
REMEMBERED = 100_000
"""Pictures whose answers are kept: a run compares many candidates with one set of originals."""


class Agreement(Generic[Said]):
    """Frames are asked about one by one, as pictures; a clip's value is the mean of its frames'."""

    def __init__(
        self,
        ask: Callable[[Tensor], Sequence[Said]],
        likeness: Callable[[Said, Said], float],
        *,
        kept: int = REMEMBERED,
    ) -> None:
        """Args:
        ask: What is said of pictures [N, 3, H_px, W_px], one by one.
        likeness: Of two things said, of 1.
        kept: Pictures at most whose answers are remembered, by content.
        """
        self._ask, self._likeness, self._most = ask, likeness, kept
        self._known: dict[bytes, Said] = {}

    def __call__(self, output: Tensor, target: Tensor) -> Tensor:
        """[B, T, 3, H_px, W_px] in [0, 1], twice -> [B] float64

        Raises:
            DataError: if the clips differ in shape or leave [0, 1].
        """
        output, target = require_pair(output, target)
        shape = output.shape[:2]
        pairs = zip(self._said(output.flatten(0, 1)), self._said(target.flatten(0, 1)), strict=True)
        values = [self._likeness(one, other) for one, other in pairs]
        return torch.tensor(values, dtype=torch.float64).view(shape).mean(dim=1)

    def _said(self, pictures: Tensor) -> list[Said]:
        keys = [_content(picture) for picture in pictures]
        if len(self._known) + len(keys) > self._most:
            self._known.clear()
        new = list({key: index for index, key in enumerate(keys) if key not in self._known}.values())
        if new:
            said = self._ask(pictures[new].clamp(0, 1))
            self._known.update((keys[index], one) for index, one in zip(new, said, strict=True))
        return [self._known[key] for key in keys]


def caption_agreement(answerer: Answerer) -> Agreement[tuple[str, ...]]:
    """Likeness of captions, as the model's ``Talk`` measures it."""
    return Agreement(answerer.captions, answerer.talk.likeness)


def yes_no_agreement(answerer: Answerer) -> Agreement[tuple[bool, ...]]:
    """Share of questions with the same answer."""
    return Agreement(answerer.answers, share_equal)


def share_equal(one: Sequence[bool], other: Sequence[bool]) -> float:
    """Share of answers that are the same, question by question."""
    return sum(a == b for a, b in zip(one, other, strict=True)) / len(one)


def _content(picture: Tensor) -> bytes:
    """Of pixels and size."""
    pixels = picture.detach().cpu().contiguous().numpy()
    return hashlib.sha256(repr(pixels.shape).encode() + pixels.tobytes()).digest()
