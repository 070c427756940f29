"""Boards and intervals of metrics of a whole corpus."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
from foresight_harness.parts.metrics.average_precision import PictureMatches, SortedMatches
from foresight_harness.parts.statistics import bootstrap_corpus, resamples
from foresight_harness.parts.statistics.board import judge_board
from foresight_harness.parts.statistics.corpus_evidence import corpus_evidence, corpus_interval
from foresight_harness.parts.statistics.mean_interval import mean_interval


def names(count: int) -> list[str]:
    return [str(index) for index in range(count)]


def mean_of(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    return weights @ values / weights.sum(axis=1)


def variance_of(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Too small by 1 / n on average: a bias that is known."""
    return mean_of(values**2, weights) - mean_of(values, weights) ** 2


def pictures(random: np.random.Generator, count: int, skill: float, lead: float = 0.3) -> SortedMatches:
    """Six detections a picture and one to five objects, found in some pictures only; their scores are higher there."""
    found = []
    for _ in range(count):
        objects, seen = int(random.integers(1, 6)), random.random() < skill
        hits = np.arange(6) < (random.binomial(objects, 0.8) if seen else 0)
        scores = random.random(6) + lead * seen
        order = np.argsort(-scores)
        found.append(PictureMatches(tuple(scores[order].tolist()), tuple(hits[order].tolist()), objects))
    return SortedMatches.of(found)


def test_a_mean_given_as_a_corpus_metric_has_the_interval_of_a_mean() -> None:
    values = np.random.default_rng(0).random(80)
    found = corpus_interval([partial(mean_of, values)], resamples(names(80), count=4000))
    expected = mean_interval(values, names(80), (0.0, 1.0))
    assert found.value == pytest.approx(expected.value, abs=0.003)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), abs=0.008)
    assert found.method == "corpus-gaffke-beta-95"


@pytest.mark.parametrize("count", [8, 30])
def test_a_bias_that_is_known_is_removed(count: int) -> None:
    values = np.random.default_rng(1).random(count)
    evidence = corpus_evidence([[partial(variance_of, values)]], resamples(names(count)))
    blocks = min(count, 16)
    assert evidence.plain[0] == pytest.approx(values.var())
    assert evidence.means[0] == pytest.approx(values.var(ddof=1), rel=1e-9 if blocks == count else 0.1)


def test_average_precision_of_eight_pictures_is_freed_of_most_of_its_bias() -> None:
    random = np.random.default_rng(2)
    truth = float(pictures(random, 4000, 0.2, 0.0).average_precision(np.ones((1, 4000)))[0])
    plain, freed = [], []
    for _ in range(250):
        evidence = corpus_evidence([[pictures(random, 8, 0.2, 0.0).average_precision]], resamples(names(8), count=20))
        plain.append(evidence.plain[0])
        freed.append(evidence.means[0])
    assert np.mean(plain) - truth > 0.01
    assert abs(np.mean(freed) - truth) < 0.5 * (np.mean(plain) - truth)


def test_no_hit_at_all_leaves_an_interval_with_a_width() -> None:
    found = corpus_interval([pictures(np.random.default_rng(3), 8, 0.0).average_precision], resamples(names(8)))
    assert (found.value, found.low) == (0.0, 0.0)
    assert found.high == pytest.approx(0.369, abs=0.001)  # as of no hit in eight tries


def test_intervals_of_few_pictures_cover_where_plain_resampling_does_not() -> None:
    random = np.random.default_rng(4)
    truth = float(pictures(random, 4000, 0.1).average_precision(np.ones((1, 4000)))[0])
    kept, old, tries = 0, 0, 100
    for _ in range(tries):
        statistic, drawn = pictures(random, 8, 0.1).average_precision, resamples(names(8), count=200)
        found, plain = corpus_interval([statistic], drawn), bootstrap_corpus(statistic, drawn).interval
        kept += found.low <= truth <= found.high
        old += plain.low <= truth <= plain.high
    assert kept >= 0.93 * tries
    assert old <= 0.8 * tries


def test_boards_rank_a_corpus_metric_with_the_same_words() -> None:
    random = np.random.default_rng(5)
    statistics = [[pictures(random, 200, skill).average_precision] for skill in (0.2, 0.8, 0.78)]
    board = judge_board(corpus_evidence(statistics, resamples(names(200), count=500)), "higher", (0.0, 1.0))
    assert set(board.best) == {1, 2}
    assert board.letters[0] == ("b",)
    assert board.pair(1, 0).separated
    assert not board.pair(1, 2).separated
    assert board.leader_interval.method.endswith("chosen of 3")


def test_seeds_of_a_corpus_metric_count() -> None:
    random = np.random.default_rng(6)
    base = random.random(200)
    seeded = [[partial(mean_of, base + shift) for shift in shifts] for shifts in random.normal(0, 0.05, (2, 3))]
    single = [[partial(mean_of, base + 0.02)], [partial(mean_of, base - 0.02)]]
    drawn = resamples(names(200), count=300)
    bounds = (-1.0, 2.0)
    assert not judge_board(corpus_evidence(seeded, drawn), "higher", bounds).pair(0, 1).separated
    unknown = judge_board(corpus_evidence(single, drawn, trained=[True, True]), "higher", bounds).pair(0, 1)
    assert unknown.seeds_unknown
    assert not unknown.separated


def test_candidates_that_agree_on_every_resample_are_identical() -> None:
    values = np.random.default_rng(7).random(40)
    evidence = corpus_evidence([[partial(mean_of, values)]] * 2, resamples(names(40), count=100))
    assert judge_board(evidence, "higher", (0.0, 1.0)).pair(0, 1).identical


def test_a_metric_that_is_undefined_is_refused() -> None:
    def nothing(weights: np.ndarray) -> np.ndarray:
        return np.full(len(weights), np.nan)

    with pytest.raises(ValueError, match="undefined on these samples"):
        corpus_evidence([[nothing]], resamples(names(8)))
    with pytest.raises(ValueError, match="candidate 0 has no seed"):
        corpus_evidence([[]], resamples(names(8)))
