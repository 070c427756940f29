"""The planner with planted scores: who stays, who goes, what is said of it, and when it ends."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest
from foresight_harness.contracts.errors import UsageError
from foresight_harness.planning.search.budget import RungCost
from foresight_harness.planning.search.planner import Out, Result, Score, Search, Step, next_step, replay
from foresight_harness.planning.search.race import RaceValues, levels, race
from foresight_harness.planning.search.rungs import Keep, Rung

RUNGS = (
    Rung("closed_form", Keep(count=2)),
    Rung("steps", Keep(count=3), steps=25),
    Rung("race", pictures=0.25),
    Rung("race"),
)
STREAMS = {f"{stream}/{enhancer}": stream for stream in "abcd" for enhancer in ("x", "y")}
SEARCH = Search(RUNGS, STREAMS, "higher")


def scores(values: Mapping[str, float | None]) -> dict[str, Score]:
    return {name: Score(value, error="" if value is not None else "it diverged") for name, value in values.items()}


def streams_rung(**values: float | None) -> Result:
    return Result(0, tuple(STREAMS), 2, scores(values))


def test_the_best_streams_stay_and_each_candidate_of_the_others_is_told_why() -> None:
    found = replay(SEARCH, [streams_rung(a=0.5, b=0.1, c=0.4, d=0.2)])
    assert found.survivors == ("a/x", "a/y", "c/x", "c/y")
    gone = {one.candidate: one for one in found.eliminated}
    assert gone["b/x"].reason == "its stream b is number 4 of 4 in closed form"
    assert gone["b/x"].rule == "the best 2 streams"
    assert gone["d/y"].score == Score(0.2)


def test_what_ties_with_the_last_that_is_kept_is_kept_too() -> None:
    found = replay(SEARCH, [streams_rung(a=0.5, b=0.4, c=0.4, d=0.2)])
    assert {STREAMS[name] for name in found.survivors} == {"a", "b", "c"}


def test_a_stream_that_cannot_be_judged_without_training_stays() -> None:
    found = replay(SEARCH, [streams_rung(a=0.5, b=0.4, c=0.3)])
    assert {STREAMS[name] for name in found.survivors} == {"a", "b", "d"}


def test_a_candidate_that_could_not_be_scored_goes_with_its_error_as_the_reason() -> None:
    found = replay(SEARCH, [streams_rung(a=0.5, b=None, c=0.3, d=0.4)])
    reasons = {one.candidate: one.reason for one in found.eliminated}
    assert reasons["b/x"] == "its stream b could not be scored: it diverged"


def test_where_nobody_could_be_scored_the_search_ends_in_one_line() -> None:
    with pytest.raises(
        UsageError, match="nobody could be scored on rung streams in closed form; the first: it diverged"
    ):
        replay(SEARCH, [streams_rung(a=None, b=None, c=None, d=None)])


def test_where_lower_is_better_the_lowest_stay() -> None:
    found = replay(Search(RUNGS, STREAMS, "lower"), [streams_rung(a=0.5, b=0.1, c=0.4, d=0.2)])
    assert {STREAMS[name] for name in found.survivors} == {"b", "d"}


def test_rungs_follow_each_other_and_one_that_would_keep_everybody_is_passed_over() -> None:
    first = next_step(SEARCH, [])
    assert first == Step(0, tuple(STREAMS), 2)
    second = next_step(SEARCH, [streams_rung(a=0.5, b=0.1, c=0.4, d=0.2)])
    assert second == Step(1, ("a/x", "a/y", "c/x", "c/y"), 3)
    wide = Search((Rung("closed_form", Keep(count=9)), *RUNGS[1:]), STREAMS, "higher")
    assert next_step(wide, []) == Step(1, tuple(STREAMS), 3)


def test_the_true_best_survives_scores_that_show_it() -> None:
    results = [streams_rung(a=0.5, b=0.1, c=0.4, d=0.2)]
    results.append(Result(1, ("a/x", "a/y", "c/x", "c/y"), 3, scores({"a/x": 0.3, "a/y": 0.6, "c/x": 0.4, "c/y": 0.5})))
    assert replay(SEARCH, results).survivors == ("a/y", "c/x", "c/y")


def test_a_budget_shortens_rungs_and_one_that_is_spent_ends_the_search() -> None:
    costs = [RungCost(0, 1), RungCost(0, 2), RungCost(0, 10), RungCost(0, 10)]
    full = 4 + 4 * 2 + 3 * 10 + 3 * 10
    assert next_step(SEARCH, [], costs, full) == Step(0, tuple(STREAMS), 2)
    results = [streams_rung(a=0.5, b=0.1, c=0.4, d=0.2)]
    short = next_step(SEARCH, results, costs, 4 * 2 + 2 * 20)
    assert isinstance(short, Step)
    assert (short.keep, bool(short.shortened)) == (2, True)
    assert isinstance(next_step(SEARCH, results, costs, 20), Out)


def values_of(means: Mapping[str, float], seed: int, n: int = 200, spread: float = 0.22) -> RaceValues:
    """Values of candidates on the same pictures, three seeds each, as alike as two trained pipelines are."""
    random = np.random.default_rng(seed)
    shared = random.normal(0, spread, n)
    rows = [
        mean + 0.7 * shared + random.normal(0, 0.7 * spread, n) + random.normal(0, 0.014, (3, 1))
        for mean in means.values()
    ]
    groups = tuple(f"p{number}" for number in range(n))
    return RaceValues(tuple(means), tuple(rows), groups, (True,) * len(means), "higher")


def test_the_levels_of_the_looks_add_up_to_the_level_of_the_race() -> None:
    found = levels(RUNGS)
    assert found == pytest.approx({2: 0.0125, 3: 0.0375})
    assert sum(found.values()) == pytest.approx(0.05)


def test_the_race_leaves_out_who_is_told_to_be_worse_and_says_by_whom() -> None:
    values = values_of({"good": 0.6, "equal": 0.6, "bad": 0.3}, seed=2)
    result = Result(3, values.names, None, scores(dict.fromkeys(values.names, 0.5)), values)
    found = replay(Search(RUNGS, dict.fromkeys(values.names, "s"), "higher"), [result])
    assert set(found.survivors) == {"good", "equal"}
    (gone,) = found.eliminated
    assert gone.reason.startswith("it is told to be worse than ")
    assert "corrected p" in gone.reason
    assert gone.rule == "all but those that are told to be worse, at a level of 3.75 % for all pairs of the look"


def test_candidates_with_one_seed_are_told_from_nothing() -> None:
    values = values_of({"good": 0.9, "bad": 0.1}, seed=1)
    alone = RaceValues(values.names, tuple(row[:1] for row in values.values), values.groups, (True, True), "higher")
    found = race(alone, 0.05)
    assert set(found.best) == {"good", "bad"}
    assert found.one_seed == ("good", "bad")


def test_noise_alone_leaves_out_equal_candidates_in_at_most_five_of_a_hundred_races() -> None:
    equal = Search(RUNGS, dict.fromkeys("abcdef", "s"), "higher")
    wrong = 0
    for seed in range(120):
        whole = values_of(dict.fromkeys("abcdef", 0.5), seed)
        look = RaceValues(
            whole.names, tuple(row[:, :50] for row in whole.values), whole.groups[:50], whole.trained, "higher"
        )
        given = scores(dict.fromkeys(whole.names, 0.5))
        results = [Result(2, whole.names, None, given, look), Result(3, whole.names, None, given, whole)]
        wrong += bool(replay(equal, results).eliminated)
    assert wrong <= 11  # 6 of 120 are expected at most; 11 would come by chance in 3 of 100
