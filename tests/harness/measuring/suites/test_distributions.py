"""Metrics of whole sets of clips: one number, no value a sample, the network's weights in the protocol."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import torch
from foresight_harness.contracts.specs import MetricSpec
from foresight_harness.judging.analyses.verifying import verify
from foresight_harness.parts.metrics.frechet import frechet_distance
from foresight_harness.planning.options import DatasetChoice, scale
from foresight_harness.planning.plan import PlannedCell

CLIPS = DatasetChoice("moving_shapes")


class Colours:
    """Mean colour of the first and the last frame."""

    def __init__(self, sha256: str) -> None:
        self.sha256 = sha256

    def __call__(self, clips: torch.Tensor) -> torch.Tensor:
        return clips[:, [0, -1]].double().mean((-1, -2)).flatten(1)

    def facts(self) -> dict[str, str]:
        return {"sha256": self.sha256}


def spec(sha256: str) -> MetricSpec:
    return MetricSpec(
        "fvd_colours", lambda: Colours(sha256), "distributions", "distance^2", "lower", (0.0, None), "colours", False
    )


@pytest.fixture
def run(make_keeper, builtins, planned, monkeypatch):
    def of(*metrics: MetricSpec):
        small = replace(scale.SCALES["smoke"], clips_train=8, clips_test=3, clip_px=64)
        monkeypatch.setitem(scale.SCALES, "smoke", small)
        keeper = make_keeper(datasets=(CLIPS,))
        for metric in metrics:
            monkeypatch.setitem(keeper.registry.metrics, metric.name, metric)
            monkeypatch.setitem(keeper.registry.owners, ("metric", metric.name), builtins.owner("metric", "iou"))
        cell = planned(builtins, "constant@patch/identity/single/linear", "reconstruction")
        keeper.plan([PlannedCell(cell.candidate, cell.suite, CLIPS, clips=True)])
        outcome = keeper.run_cell(keeper.planned[0])
        keeper.close("complete")
        records = keeper.folder.records()
        return keeper, outcome, records

    return of


def test_a_set_has_one_number_between_mean_picture_and_round_trip_and_none_a_sample(run) -> None:
    keeper, outcome, records = run(spec("a" * 64))
    (record,) = [record for record in records if record.metric == "fvd_colours"]
    assert (record.per_sample, record.ci_low, record.n, record.gateable) == (None, None, 3, False)
    assert record.ceiling == pytest.approx(0.0, abs=1e-9)  # the round trip of `linear` is the clip itself
    assert record.value == pytest.approx(record.floor, rel=0.2)  # a constant stream rebuilds the mean
    test = keeper.workshop.splits.decoded(CLIPS, "test").take(range(3))
    mean = keeper.workshop.splits.decoded(CLIPS, "train").take(range(8)).mean(0, keepdim=True).expand_as(test)
    features = Colours("")
    assert record.floor == pytest.approx(frechet_distance(features(mean), features(test)), rel=1e-4)
    assert record.details["network"] == {"sha256": "a" * 64}
    assert "fvd" not in outcome.details
    assert "a" * 64 in json.dumps(keeper.protocols)
    assert not [problem for problem in verify(keeper.folder.path).problems if "fvd" in problem]


def test_without_a_network_the_record_says_what_to_set_and_no_number_stands_for_it(run) -> None:
    _, outcome, records = run()
    assert "set FORESIGHT_FVD_VIDEOMAE to a checkpoint folder" in outcome.details["fvd"]
    assert not [record for record in records if "fvd" in record.metric]
