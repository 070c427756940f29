"""Whether a distance tells right answers from wrong ones, on values whose correlation is known."""

from __future__ import annotations

import numpy as np
import pytest
from foresight_harness.judging.evidence.verification import correlation, verification_of
from foresight_harness.running.run_folder.run_data import RunData

NAMES = [str(place) for place in range(2000)]


def drawn(seed: int, n: int, apart: float):
    random = np.random.default_rng(seed)
    shared = random.normal(0, 0.5, n)
    return 1 + shared + random.normal(0, 1, n), 1 + apart + shared + random.normal(0, 1, n)


def test_it_is_the_correlation_with_the_half_that_a_value_is_of() -> None:
    right, wrong = drawn(0, 50, 1.0)
    found = correlation(right, wrong, NAMES[:50])
    halves = np.repeat([0.0, 1.0], 50)
    assert found is not None
    assert found.value == pytest.approx(np.corrcoef(np.concatenate([right, wrong]), halves)[0, 1])
    assert found.low is not None
    assert found.high is not None
    assert found.low < found.value < found.high


def test_the_interval_covers_the_true_correlation() -> None:
    truth = correlation(*drawn(1, 200_000, 1.0), [str(place) for place in range(200_000)])
    assert truth is not None
    hits = 0
    for seed in range(300):
        found = correlation(*drawn(seed + 2, 30, 1.0), NAMES[:30])
        assert found is not None
        assert found.low is not None
        assert found.high is not None
        hits += found.low <= truth.value <= found.high
    assert hits >= 0.92 * 300


def test_clips_of_one_scene_count_once() -> None:
    right, wrong = drawn(5, 40, 1.0)
    alone = correlation(right, wrong, NAMES[:40])
    doubled = correlation(np.repeat(right, 2), np.repeat(wrong, 2), list(np.repeat(NAMES[:40], 2)))
    assert alone is not None
    assert doubled is not None
    assert (doubled.value, doubled.low) == pytest.approx((alone.value, alone.low))
    assert (alone.clusters, doubled.clusters) == (40, 40)


@pytest.mark.parametrize(("right", "wrong"), [([0.1, 0.2], [0.3, 0.4]), ([0.5] * 9, [0.5] * 9)])
def test_too_few_clips_and_values_that_never_vary_say_nothing(right, wrong) -> None:
    assert correlation(np.array(right), np.array(wrong), NAMES[: len(right)]) is None


def test_it_is_read_from_the_distances_of_one_cell(write_run, record) -> None:
    right, wrong = (values.tolist() for values in drawn(7, 30, 2.0))
    lines = [
        record(metric=name, probe=None, unit="distance", direction=direction, range=(0.0, None), suite="reconstruction")
        for name, direction in (("lpips", "lower"), ("lpips_reversed", "none"))
    ]
    path = write_run(lines, {"c0": {"lpips": {0: right}, "lpips_reversed": {0: wrong}}})
    run = RunData.load(path)
    found = verification_of(run, run.select(metric="lpips_reversed")[0])
    expected = correlation(np.array(right), np.array(wrong), NAMES[:30])
    assert found == expected
