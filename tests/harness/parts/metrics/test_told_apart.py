from __future__ import annotations

import numpy as np
import pytest
from foresight_harness.contracts.errors import DataError
from foresight_harness.parts.metrics.told_apart import Answers, QuestionAnswers, shuffled_labels
from scipy.stats import spearmanr
from sklearn.metrics import roc_auc_score


def drawn(seed: int, *, ties: bool) -> list[QuestionAnswers]:
    random = np.random.default_rng(seed)
    found = []
    for _ in range(12):
        values = random.normal(0, 1, 6) + np.array([0.8, 0, 0, 0, 0, 0])
        values = np.round(values, 0 if ties else 9)
        found.append(QuestionAnswers((float(values[0]),), tuple(values[1:].tolist())))
    return found


def flat(questions: list[QuestionAnswers], times: np.ndarray) -> tuple[list[float], list[int]]:
    """Likenesses and labels, each question as often as it counts."""
    values, labels = [], []
    for one, count in zip(questions, times, strict=True):
        for _ in range(int(count)):
            values += [*one.right, *one.wrong]
            labels += [1] * len(one.right) + [0] * len(one.wrong)
    return values, labels


@pytest.mark.parametrize("ties", [False, True])
def test_auc_is_scikit_learns_under_any_weights(ties: bool) -> None:
    questions = drawn(1, ties=ties)
    weights = np.random.default_rng(2).integers(0, 4, (20, len(questions))).astype(float)
    weights[0] = 1
    expected = [roc_auc_score(labels, values) for values, labels in (flat(questions, row) for row in weights)]
    assert np.allclose(Answers.of(questions).auc(weights), expected, atol=1e-12)


@pytest.mark.parametrize("ties", [False, True])
def test_rank_correlation_is_scipys(ties: bool) -> None:
    questions = drawn(3, ties=ties)
    values, labels = flat(questions, np.ones(len(questions)))
    found = Answers.of(questions).rank(np.ones((1, len(questions))))[0]
    assert found == pytest.approx(spearmanr(values, labels).statistic, abs=1e-12)


def test_questions_that_count_twice_are_others_like_them_and_no_ties() -> None:
    questions = drawn(4, ties=False)
    weights = np.random.default_rng(5).integers(0, 4, (10, len(questions))).astype(float)
    found = Answers.of(questions).rank(weights)
    for row, value in zip(weights, found, strict=True):
        values, labels = flat(questions, row)
        near = [spearmanr(np.array(values) + jitter, labels).statistic for jitter in jitters(len(values))]
        assert value == pytest.approx(np.mean(near), abs=0.003)


def jitters(count: int) -> np.ndarray:
    """Differences too small to exchange two answers, large enough to part copies of one."""
    return np.random.default_rng(6).normal(0, 1e-9, (200, count))


def test_a_measure_that_tells_every_answer_has_one_value_on_every_resample() -> None:
    questions = [QuestionAnswers((0.0,), (-1.0 - n, -2.5 - n)) for n in range(8)]
    weights = np.random.default_rng(7).multinomial(8, np.full(8, 1 / 8), 50).astype(float)
    answers = Answers.of(questions)
    assert np.ptp(answers.auc(weights)) < 1e-12
    assert np.ptp(answers.rank(weights)) < 1e-12


def test_by_hand() -> None:
    questions = [QuestionAnswers((3.0,), (1.0, 3.0)), QuestionAnswers((2.0,), (0.0,))]
    answers = Answers.of(questions)
    # 3 against 1, 3, 0: 1 + 1/2 + 1; 2 against 1, 3, 0: 1 + 0 + 1; of six pairs.
    assert answers.auc(np.ones((1, 2)))[0] == pytest.approx(4.5 / 6)
    # The first question alone: 3 against 1 and 3.
    assert answers.auc(np.array([[1.0, 0.0]]))[0] == pytest.approx(0.75)


def test_nothing_asked_and_nothing_told_have_no_value() -> None:
    nothing = Answers.of([QuestionAnswers((), ())])
    assert np.isnan(nothing.auc(np.ones((1, 1)))).all()
    assert np.isnan(nothing.rank(np.ones((1, 1)))).all()
    alike = Answers.of([QuestionAnswers((1.0,), (1.0, 1.0))])
    assert alike.auc(np.ones((1, 1)))[0] == 0.5
    assert np.isnan(alike.rank(np.ones((1, 1)))[0])


def test_shuffled_labels_lie_at_chance_where_the_true_ones_do_not() -> None:
    questions = [QuestionAnswers((5.0 + n,), tuple(float(n) + k / 10 for k in range(5))) for n in range(20)]
    assert Answers.of(questions).auc(np.ones((1, 20)))[0] > 0.7
    shuffled = shuffled_labels(questions, "auc")
    assert abs(shuffled.mean() - 0.5) < 0.01
    assert np.quantile(shuffled, 0.025) < 0.5 < np.quantile(shuffled, 0.975)
    assert abs(shuffled_labels(questions, "rank").mean()) < 0.02


def test_what_is_kept_comes_back_and_damage_is_refused() -> None:
    one = QuestionAnswers((0.5,), (0.25, -1.0))
    kept = one.as_json("auc")
    assert kept["of"] == "auc"
    assert QuestionAnswers.from_json(kept) == one
    for damaged in ({"right": [1.0]}, {"right": [1.0], "wrong": ["x"]}, {"right": [float("nan")], "wrong": []}):
        with pytest.raises(DataError, match="list of finite numbers"):
            QuestionAnswers.from_json(damaged)
