"""How well a measure tells right answers from wrong ones: area under the ROC curve, rank correlation. No torch here."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from foresight_harness.contracts.errors import DataError

Floats = NDArray[np.float64]
Statistic = Literal["auc", "rank"]
STATISTICS: tuple[Statistic, ...] = ("auc", "rank")
ENDINGS = tuple(f"_{statistic}" for statistic in STATISTICS)
"""Of metrics that are one of the two of a measure: ``lpips_auc``."""
PERMUTATIONS = 200
"""Shuffles of the labels of each question's answers: the middle 95 % of them end at the 5th value from either side."""


@dataclass(frozen=True)
class QuestionAnswers:
    """What a measure says of the answers to one question: the more, the more like the truth."""

    right: tuple[float, ...]
    wrong: tuple[float, ...]

    def as_json(self, of: Statistic) -> dict[str, Any]:
        """Mapping of strict JSON values, with the statistic that it is kept for."""
        return {"of": of, "right": list(self.right), "wrong": list(self.wrong)}

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> QuestionAnswers:
        """Inverse of ``as_json``. Raises: DataError if a field is absent or no list of finite numbers."""
        found = []
        for name in ("right", "wrong"):
            values = content.get(name)
            sound = isinstance(values, list) and all(type(value) in (int, float) for value in values)
            if not sound or not all(map(math.isfinite, values or ())):
                raise DataError(f"answers: {name} is a list of finite numbers, got {values!r:.80}")
            found.append(tuple(map(float, values or ())))
        return cls(*found)

    def shuffled(self, random: np.random.Generator) -> QuestionAnswers:
        """The same answers, labels exchanged at random."""
        mixed = random.permutation([*self.right, *self.wrong])
        return QuestionAnswers(tuple(mixed[: len(self.right)]), tuple(mixed[len(self.right) :]))


@dataclass(frozen=True)
class Answers:
    """The answers to all questions, prepared so that a bootstrap can weigh questions anew."""

    question: NDArray[np.intp]
    """Question of each answer, by rising likeness. [A]"""
    right: NDArray[np.bool_]
    """Whether it is a right one. [A]"""
    starts: NDArray[np.intp]
    """Where another likeness than the one before begins. [ties]"""
    won: Floats
    """Pairs of a right answer to the one question and a wrong one to the other where the right one is the more like
    the truth; a tie counts half. [Q, Q]"""
    counts: Floats
    """Right and wrong answers of each question. [2, Q]"""

    @classmethod
    def of(cls, questions: Sequence[QuestionAnswers]) -> Answers:
        """Sort once."""
        values = np.array([value for one in questions for value in (*one.right, *one.wrong)], dtype=np.float64)
        question = np.repeat(np.arange(len(questions)), [len(one.right) + len(one.wrong) for one in questions])
        right = np.array([flag for one in questions for flag in (True,) * len(one.right) + (False,) * len(one.wrong)])
        won = np.zeros((len(questions), len(questions)))
        ours, theirs = np.flatnonzero(right), np.flatnonzero(~right.astype(bool))
        apart = np.sign(values[ours][:, None] - values[theirs][None, :])
        np.add.at(won, (question[ours][:, None], question[theirs][None, :]), (apart + 1) / 2)
        order = np.argsort(values, kind="stable")
        ordered = values[order]
        starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]]) if len(values) else np.zeros(0, dtype=np.intp)
        counts = np.array([[len(one.right) for one in questions], [len(one.wrong) for one in questions]], dtype=float)
        return cls(question[order], right.astype(bool)[order], starts, won, counts)

    def auc(self, weights: Floats) -> Floats:
        """Share of pairs of a right and a wrong answer, whatever their questions, that the measure orders rightly.

        The area under the ROC curve of one threshold for all questions; 0.5 is chance.

        Args:
            weights: How often each question counts. [R, Q]

        Returns:
            [R]; NaN where there is no pair.
        """
        pairs = (weights @ self.counts[0]) * (weights @ self.counts[1])
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(((weights @ self.won) * weights).sum(axis=1) / pairs, dtype=np.float64)

    def rank(self, weights: Floats) -> Floats:
        """Spearman's correlation of the measure with correctness, 1 or 0; ties share their mean rank.

        With few right ones among many it cannot reach 1: at one of six its most is 0.65. A question that counts twice
        is one like it, not a tie with itself, so that resampling makes no correlation higher.

        Args:
            weights: How often each question counts. [R, Q]

        Returns:
            [R]; NaN where one side does not vary.
        """
        if not len(self.question):
            return np.full(len(weights), np.nan)
        heavy = np.asarray(weights, dtype=np.float64)[:, self.question]
        sizes = np.diff(np.r_[self.starts, len(self.question)])
        tied = np.add.reduceat(heavy, self.starts, axis=1)
        middle = np.cumsum(tied, axis=1) - (tied - 1) / 2
        ranks = np.repeat(middle, sizes, axis=1)
        total = heavy.sum(axis=1, keepdims=True)
        with np.errstate(invalid="ignore", divide="ignore"):
            ranks -= (heavy * ranks).sum(axis=1, keepdims=True) / total
            label = self.right - (heavy * self.right).sum(axis=1, keepdims=True) / total
            alone = np.repeat(sizes == 1, sizes)
            copies = ((heavy**3 - heavy) * alone).sum(axis=1) / 12
            size = np.sqrt(((heavy * ranks**2).sum(axis=1) + copies) * (heavy * label**2).sum(axis=1))
            return np.asarray(np.where(size > 0, (heavy * ranks * label).sum(axis=1) / size, np.nan), dtype=np.float64)

    def statistic(self, weights: Floats, of: Statistic) -> Floats:
        """One of the two by name."""
        return self.auc(weights) if of == "auc" else self.rank(weights)


def shuffled_labels(questions: Sequence[QuestionAnswers], of: Statistic, seed: int = 0) -> Floats:
    """The statistic with labels exchanged within questions, which keeps what clips have of their own.

    Returns:
        One value a shuffle. [PERMUTATIONS]
    """
    random = np.random.default_rng(seed)
    alike = np.ones((1, len(questions)))
    drawn = (Answers.of([one.shuffled(random) for one in questions]) for _ in range(PERMUTATIONS))
    return np.array([answers.statistic(alike, of)[0] for answers in drawn])
