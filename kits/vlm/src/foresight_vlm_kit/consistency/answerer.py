"""A whole model's captions of pictures, and its answers to questions: greedy, without sampling."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, TypeVar

import torch
from torch import Tensor

from foresight_vlm_kit.consistency.talk import Talk

BATCH = 16
"""Pictures that are asked about together."""
Seen = TypeVar("Seen")


class Speaker(Protocol[Seen]):
    """A whole vision-language model, language head included."""

    def see(self, pictures: Tensor) -> Seen:
        """What the vision side makes of pictures, once for all that is asked. [B, 3, H_px, W_px] in [0, 1]"""
        ...

    def scores(self, seen: Seen, words: Tensor) -> Tensor:
        """Scores of the next word after the model's prompt, the pictures and these words. [B, L] -> [B, V] float32"""
        ...


class Answerer:
    """Asks one model what ``Talk`` says."""

    def __init__(self, speaker: Speaker[Seen], talk: Talk, *, batch: int = BATCH) -> None:
        """``batch`` pictures at a time; answers do not depend on it, near ties of scores apart."""
        self.speaker: Speaker = speaker  # type: ignore[type-arg]
        self.talk, self.batch = talk, batch

    @torch.inference_mode()
    def captions(self, pictures: Tensor) -> list[tuple[str, ...]]:
        """Words that the model says of each picture. [N, 3, H_px, W_px] in [0, 1] -> N captions"""
        return [self.talk.said(row) for part in torch.split(pictures, self.batch) for row in self._told(part)]

    @torch.inference_mode()
    def answers(self, pictures: Tensor) -> list[tuple[bool, ...]]:
        """Whether ``yes`` is likelier than ``no``, for each question. [N, 3, H_px, W_px] in [0, 1] -> N x Q

        Both scores stand under one normaliser, so comparing them compares log-probabilities. A tie is a no.
        """
        return [row for part in torch.split(pictures, self.batch) for row in self._answered(part)]

    def _told(self, pictures: Tensor) -> list[list[int]]:
        """Ids of captions, without what ends them. All rows grow together, so that none is padded."""
        seen = self.speaker.see(pictures)
        words = _rows(self.talk.caption, len(pictures))
        rows: list[list[int]] = [[] for _ in pictures]
        going = set(range(len(rows)))
        for _ in range(self.talk.most):
            told = self.speaker.scores(seen, words).argmax(-1).cpu()
            going -= {index for index in going if int(told[index]) in self.talk.ends}
            if not going:
                break
            for index in going:
                rows[index].append(int(told[index]))
            words = torch.cat([words, told.unsqueeze(1)], dim=1)
        return rows

    def _answered(self, pictures: Tensor) -> list[tuple[bool, ...]]:
        seen = self.speaker.see(pictures)
        scores: dict[tuple[int, ...], Tensor] = {}
        columns = []
        for question in self.talk.questions:
            if question.words not in scores:
                scores[question.words] = self.speaker.scores(seen, _rows(question.words, len(pictures))).cpu()
            found = scores[question.words]
            columns.append(found[:, question.yes] > found[:, question.no])
        return [tuple(map(bool, row)) for row in torch.stack(columns, dim=1)]


def _rows(words: Sequence[int], count: int) -> Tensor:
    """The same words for every picture. [count, L] int64"""
    return torch.tensor(words, dtype=torch.int64).expand(count, -1)
