from __future__ import annotations

import numpy as np
import pytest
from foresight_harness.contracts.errors import DataError
from foresight_harness.parts.metrics.corpus_statistics import corpus_statistic
from foresight_harness.parts.metrics.matches import PictureMatches
from foresight_harness.parts.metrics.told_apart import QuestionAnswers

ANSWERS = [QuestionAnswers((1.0,), (0.0, 2.0)), QuestionAnswers((3.0,), (0.5,))]
MATCHES = [PictureMatches((0.9, 0.2), (True, False), 1), PictureMatches((0.5,), (False,), 1)]


def test_samples_say_of_which_statistic_they_are() -> None:
    ones = np.ones((1, 2))
    assert corpus_statistic([one.as_json("auc") for one in ANSWERS])(ones)[0] == pytest.approx(5 / 6)
    ranked = corpus_statistic([one.as_json("rank") for one in ANSWERS])(ones)[0]
    assert ranked == pytest.approx(0.5773502691896257)  # ranks 3 and 5 against 1, 4 and 2
    assert corpus_statistic([one.as_json() for one in MATCHES])(ones)[0] == pytest.approx(51 / 101)


def test_samples_of_two_statistics_are_refused() -> None:
    with pytest.raises(DataError, match="one of auc, rank"):
        corpus_statistic([ANSWERS[0].as_json("auc"), ANSWERS[1].as_json("rank")])
    with pytest.raises(DataError, match="one of auc, rank"):
        corpus_statistic([{"of": "luck"}])
