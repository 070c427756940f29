"""Rankings hold one protocol; what they refuse is named."""

from __future__ import annotations

import numpy as np
import pytest
from foresight_harness.contracts.records import parse
from foresight_harness.judging.analyses.comparing import NotComparableError, differing_choices, require_comparable
from foresight_harness.judging.analyses.rankings import analyse
from foresight_harness.judging.ranking.judged import judge
from foresight_harness.running.run_folder.run_data import RunData
from foresight_harness.surface.command import main

A, B, C = (f"{name}@x/identity/single/linear" for name in "abc")
PROTOCOLS = {"p0": {"steps": 200, "probe_name": "dense_ridge"}, "p1": {"steps": 25, "probe_name": "dense_ridge"}}


@pytest.fixture
def scored(write_run, record):
    """Three candidates on 60 pictures: a and b alike, c worse by 0.2; keyword arguments change c's record."""
    random = np.random.default_rng(0)
    base = random.uniform(0.3, 0.7, 60)
    scores = {A: base + random.normal(0, 0.02, 60), B: base + random.normal(0, 0.02, 60), C: base - 0.2}

    def make(**changes):
        records, samples = [], {}
        for index, (name, values) in enumerate(scores.items()):
            own = changes if name == C else {}
            records.append(record(cell=f"c{index}", candidate=name, value=float(values.mean()), n=60, **own))
            samples[f"c{index}"] = {"iou": {0: values.tolist()}}
        return write_run(records, samples, protocols=PROTOCOLS)

    return make


def test_candidates_of_one_protocol_are_ranked(scored) -> None:
    run = RunData.load(scored())
    found = judge(run, run.records)
    assert {record.candidate for record in found.best} == {A, B}
    assert 0 < found.detectable < 0.1


def test_unequal_protocols_are_refused_and_the_choice_is_named(scored) -> None:
    run = RunData.load(scored(protocol="p1"))
    with pytest.raises(NotComparableError, match="not ranked together: steps is 200 and 25") as caught:
        judge(run, run.records)
    assert A in str(caught.value)
    assert C in str(caught.value)


def test_score_of_a_broken_probe_is_refused(scored) -> None:
    run = RunData.load(scored(controls_ok=False))
    with pytest.raises(NotComparableError, match="a control of its suite left its known range"):
        judge(run, run.records)


def test_unequal_samples_and_metrics_without_samples_are_refused(write_run, record) -> None:
    records = [record(candidate=A), record(cell="c1", candidate=B)]
    path = write_run(records, {"c0": {"iou": {0: [0.1, 0.2]}}, "c1": {"iou": {0: [0.1, 0.2, 0.3]}}})
    run = RunData.load(path)
    with pytest.raises(NotComparableError, match="not scored on the same samples"):
        judge(run, run.records)
    run = RunData.load(write_run([record(metric="cka", per_sample=None)]))
    with pytest.raises(NotComparableError, match="has no value a sample"):
        judge(run, run.records)
    with pytest.raises(NotComparableError, match="nothing to rank"):
        judge(run, [])


def test_choice_that_only_one_protocol_has_is_named(write_run, record) -> None:
    path = write_run([record()], protocols={"p0": {"knn": 10}, "p1": {}})
    first, second = parse(record(protocol="p0")), parse(record(protocol="p1"))
    assert differing_choices(RunData.load(path), first, second) == ["knn is 10 and not there"]
    assert differing_choices(RunData.load(path), first, first) == []


def test_protocols_that_run_json_does_not_know_are_not_taken_for_equal(write_run, record) -> None:
    run = RunData.load(write_run([record()], protocols={}))
    with pytest.raises(NotComparableError, match=r"run\.json does not say in what"):
        require_comparable(run, [parse(record(protocol="p0")), parse(record(protocol="p9"))])


def test_boards_hold_one_protocol_each(scored) -> None:
    found = analyse(RunData.load(scored(protocol="p1"))).as_json()
    assert {row["candidate"] for row in found["rows"]} == {A, B}
    assert [board["protocol"] for board in found["boards"]] == ["p0"]
    found = analyse(RunData.load(scored())).as_json()
    assert [row["letters"] for row in found["rows"]] == ["a", "a", "b"]
    assert "2 of 3 candidates can be the best" in found["finding"]


def test_rank_prints_the_board_and_refuses_with_exit_3(scored, capsys) -> None:
    assert main(["rank", str(scored())]) == 0
    assert C in capsys.readouterr().out
    path = str(scored(protocol="p1"))
    assert main(["rank", path]) == 3
    said = capsys.readouterr().err
    assert "steps is 200 and 25" in said
    assert len(said.splitlines()) == 1
    assert main(["rank", path, "--candidate", "a@*", "--candidate", "b@*"]) == 0
    assert main(["rank", path, "--metric", "iuo"]) == 2
