"""Run against run."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
from foresight_reports import captions
from foresight_reports.comparison import Comparison, cluster_interval, compare
from foresight_reports.reading import read_run
from scipy import stats


def comparison(now: Path, before: Path) -> Comparison:
    return compare(read_run(now), read_run(before, 1))


def test_a_shift_within_the_spread_of_samples_is_found_by_pairing(make: Callable[..., Path]) -> None:
    found = comparison(make(suites=("spatial",)), make(suites=("spatial",), shift=-0.01))
    change = next(each for each in found.changes if each.metric == "iou")
    assert change.now.ci_low is not None
    assert change.before.ci_high is not None
    assert change.now.ci_low < change.before.ci_high
    assert change.word == "better"
    assert change.pairs == 12
    assert change.low is not None
    assert change.low > 0


def test_lower_is_better_turns_the_word_around(make: Callable[..., Path]) -> None:
    found = comparison(make(suites=("spatial",), shift=-0.2), make(suites=("spatial",)))
    words = {change.metric: (change.word, (change.delta or 0) > 0) for change in found.changes}
    assert words["iou"] == ("worse", False)
    assert words["centre_error"] == ("worse", True)


def test_equal_runs_are_within_noise(make: Callable[..., Path]) -> None:
    found = comparison(make(suites=("spatial",)), make(suites=("spatial",)))
    assert {change.word for change in found.changes} == {"within noise"}


def test_without_samples_only_intervals_that_are_apart_count(make: Callable[..., Path]) -> None:
    near = comparison(make(suites=("spatial",), sampled=0), make(suites=("spatial",), shift=-0.01, sampled=0))
    far = comparison(make(suites=("spatial",), sampled=0), make(suites=("spatial",), shift=-0.4, sampled=0))
    assert {change.word for change in near.changes} == {"within noise"}
    assert {change.word for change in far.changes} == {"better"}
    assert {change.reason for change in far.changes} == {"the two intervals are apart"}


def test_a_metric_that_is_no_mean_of_its_samples_is_not_paired(make: Callable[..., Path]) -> None:
    now, before = make(suites=("spatial",)), make(suites=("spatial",))
    lines = [json.loads(line) for line in (now / "records.jsonl").read_text().splitlines()]
    for line in lines:
        if line["metric"] == "map50":
            line["value"] += 0.3
    (now / "records.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    change = next(each for each in comparison(now, before).changes if each.metric == "map50")
    assert change.low is None


def test_other_protocols_data_and_machines_are_not_compared(make: Callable[..., Path]) -> None:
    suites = ("spatial", "efficiency")
    found = comparison(make(suites=suites), make(suites=suites, steps=50, hardware="ffff"))
    assert {change.word for change in found.changes} == {"not compared"}
    assert found.compared == []
    assert all(change.delta is None for change in found.changes)
    said = captions.obstacles(found)
    assert any("fit_steps: 200 against 50" in each for each in said)
    assert any("another machine" in each for each in said)


def test_the_caption_counts_what_moved(make: Callable[..., Path]) -> None:
    found = comparison(make(suites=("spatial",), shift=-0.2), make(suites=("spatial",)))
    assert captions.comparison(found) == f"Of {len(found.changes)} numbers in both runs: {len(found.changes)} worse."


def test_the_cluster_interval_agrees_with_an_independent_bootstrap() -> None:
    rng = np.random.default_rng(3)
    values = rng.normal(0.3, 1.0, 200)
    low, high = cluster_interval(values, [str(i) for i in range(200)])
    other = stats.bootstrap((values,), np.mean, method="percentile", n_resamples=4000, rng=1).confidence_interval
    assert abs(low - other.low) < 0.02
    assert abs(high - other.high) < 0.02


def test_samples_of_one_group_do_not_narrow_the_interval() -> None:
    rng = np.random.default_rng(4)
    values = rng.normal(0.0, 1.0, 40)
    alone = cluster_interval(values, [str(i) for i in range(40)])
    copied = cluster_interval(np.repeat(values, 5), [str(i) for i in range(40) for _ in range(5)])
    assert np.allclose(alone, copied)


def test_times_of_two_sessions_are_never_called_better_or_worse(make: Callable[..., Path]) -> None:
    now, before = make(suites=("spatial", "efficiency")), make(suites=("spatial", "efficiency"))
    lines = [json.loads(line) for line in (now / "records.jsonl").read_text().splitlines()]
    for line in lines:
        if line["suite"] == "efficiency" and line["value"] is not None:
            line.update({key: 3 * line[key] for key in ("value", "ci_low", "ci_high") if line[key] is not None})
    (now / "records.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    times = [each for each in comparison(now, before).changes if each.suite == "efficiency"]
    assert times
    assert {each.word for each in times} == {"unclear"}
    assert any("foresight-bench ab" in each.reason for each in times)
