"""Captions and answers of a speaker whose every word is known, and the agreement that is made of them."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from foresight_harness.contracts.errors import DataError
from foresight_vlm_kit.consistency.answerer import Answerer
from foresight_vlm_kit.consistency.likeness import shared_words
from foresight_vlm_kit.consistency.metric import Agreement, caption_agreement, yes_no_agreement
from foresight_vlm_kit.consistency.talk import Question, Talk
from torch import Tensor

END = 9


class Counting:
    """Says 1 as often as a picture is bright in tenths, then ends; scores of 3 and 4 are its brightness and a half."""

    def __init__(self) -> None:
        self.seen: list[int] = []

    def see(self, pictures: Tensor) -> Tensor:
        self.seen.append(len(pictures))
        return pictures.mean((1, 2, 3))

    def scores(self, seen: Tensor, words: Tensor) -> Tensor:
        scores = torch.zeros(len(words), 10)
        told = (words == 1).sum(1)
        scores[:, 1] = (told < (seen * 10).round()).float()
        scores[:, END] = 1 - scores[:, 1]
        if words[0, 0] == 7:
            scores[:, 3], scores[:, 4] = seen, 0.5
        return scores


def answerer(**options: Any) -> Answerer:
    questions = (Question((7,), 3, 4), Question((7,), 4, 3), Question((8, 8), 5, 6))
    talk = Talk((0,), frozenset({END}), 5, questions, lambda ids: tuple(map(str, ids)), shared_words)
    return Answerer(Counting(), talk, **options)


def pictures(*levels: float) -> Tensor:
    return torch.tensor(levels).view(-1, 1, 1, 1).expand(-1, 3, 4, 4).clone()


def test_a_caption_ends_where_its_end_is_likeliest_and_at_the_most_words() -> None:
    assert answerer().captions(pictures(0.0, 0.2, 0.9)) == [(), ("1", "1"), ("1",) * 5]


def test_the_likelier_of_two_answers_is_given_and_a_tie_is_a_no() -> None:
    assert answerer().answers(pictures(0.9, 0.1, 0.5)) == [
        (True, False, False),
        (False, True, False),
        (False, False, False),
    ]


@pytest.mark.parametrize("batch", [1, 2, 5])
def test_answers_do_not_depend_on_how_many_are_asked_about_together(batch: int) -> None:
    shown = pictures(0.0, 0.3, 0.1, 0.9, 0.6)
    assert answerer(batch=batch).captions(shown) == answerer().captions(shown)
    assert answerer(batch=batch).answers(shown) == answerer().answers(shown)


def test_agreement_is_by_hand_and_a_clip_has_the_mean_of_its_frames() -> None:
    output, target = (pictures(*levels).view(2, 2, 3, 4, 4) for levels in ((0.1, 0.2, 0.9, 0.4), (0.3, 0.2, 0.1, 0.4)))
    captions = caption_agreement(answerer())(output, target)
    assert captions.tolist() == pytest.approx([(2 / 4 + 1) / 2, (2 / 6 + 1) / 2])
    assert captions.dtype == torch.float64
    assert yes_no_agreement(answerer())(output, target).tolist() == pytest.approx([1.0, (1 / 3 + 1) / 2])


def test_a_picture_is_asked_about_once_however_often_it_is_compared() -> None:
    asked = answerer()
    metric = yes_no_agreement(asked)
    target, other = pictures(0.1, 0.2, 0.2).unsqueeze(1), pictures(0.3, 0.1, 0.2).unsqueeze(1)
    for _ in range(3):
        assert metric(target, target).tolist() == [1.0] * 3
        metric(other, target)
    assert asked.speaker.seen == [2, 1]  # type: ignore[attr-defined]


def test_no_more_answers_are_remembered_than_is_said() -> None:
    metric = Agreement(lambda shown: [int(one.sum()) for one in shown], lambda one, other: float(one == other), kept=4)
    for level in (0.0, 0.25, 0.5, 0.75, 1.0):
        assert metric(pictures(level).unsqueeze(1), pictures(level).unsqueeze(1)).item() == 1.0
        assert len(metric._known) <= 4


def test_pictures_that_cannot_be_compared_are_refused() -> None:
    metric = caption_agreement(answerer())
    with pytest.raises(DataError, match="differ in shape"):
        metric(pictures(0.1).unsqueeze(1), pictures(0.1, 0.2).unsqueeze(1))
    with pytest.raises(DataError, match="Divide by 255"):
        metric(pictures(200.0).unsqueeze(1), pictures(0.1).unsqueeze(1))
