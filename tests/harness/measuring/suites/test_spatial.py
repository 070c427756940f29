"""The promise of the primary probe, on the data and at the scale of ``make bench``."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from foresight_harness.contracts.outcomes import Measurement, Outcome
from foresight_harness.contracts.progress import silent
from foresight_harness.contracts.specs import ProbeSpec
from foresight_harness.measuring.suites import spatial
from foresight_harness.measuring.suites.spatial_controls import judge
from foresight_harness.measuring.workshop.cell import Cell
from foresight_harness.planning.candidates import parse_candidate, resolve
from foresight_harness.planning.options import DatasetChoice, RunOptions
from foresight_harness.planning.plan import PlannedCell
from foresight_harness.running.keeper import RunKeeper


@pytest.fixture(scope="module")
def controls(tmp_path_factory, builtins):
    """Outcome of each control on ``shapes`` at the smoke scale."""
    place, choice = tmp_path_factory.mktemp("controls"), DatasetChoice("shapes")
    options = RunOptions(datasets=(choice,), out=place / "runs", cache=place / "cache")
    keeper = RunKeeper(builtins, options, silent(), "pytest benchmarks/")
    names = ("oracle@mask", "shuffled@patch", "constant@patch", "pixels@patch")
    candidates = [resolve(parse_candidate(f"{name}/identity/single/linear"), builtins) for name in names]
    keeper.plan([PlannedCell(candidate, builtins.suite("spatial"), choice) for candidate in candidates])
    return {name.partition("@")[0]: keeper.run_cell(cell) for name, cell in zip(names, keeper.planned, strict=True)}


def mean_iou(outcome: Outcome) -> float:
    return float(np.nanmean(next(entry.values for entry in outcome.measurements if entry.metric == "iou")))


def test_controls_land_where_the_findings_say(controls) -> None:
    iou = {name: mean_iou(outcome) for name, outcome in controls.items()}
    floor = next(entry.floor for entry in controls["oracle"].measurements if entry.metric == "iou")
    assert floor is not None
    assert floor < 0.1
    assert iou["oracle"] > 0.85
    assert abs(iou["shuffled"] - floor) <= 0.03
    assert abs(iou["constant"] - floor) <= 0.03
    assert floor + 0.05 < iou["pixels"] < iou["oracle"] - 0.2
    assert [outcome.controls_ok for outcome in controls.values()] == [True] * 4
    ceiling = next(entry.ceiling for entry in controls["pixels"].measurements if entry.metric == "iou")
    assert ceiling == pytest.approx(iou["oracle"])


def test_centres_that_are_kept_are_those_that_the_errors_are_of(controls) -> None:
    """Of pictures with one object the distance of the two kept centres is the picture's error."""
    for outcome in controls.values():
        error = next(entry for entry in outcome.measurements if entry.metric == "centre_error")
        kept = np.array(error.details["centres"])
        assert kept.shape == (100, 4)
        assert ((kept >= 0) & (kept <= 1)).all()
        counts = [len(picture.boxes_true) for picture in outcome.pictures[:3]]
        row = 0
        for picture, count in enumerate(counts):
            distance = np.linalg.norm(kept[row : row + count, :2] - kept[row : row + count, 2:], axis=1).mean()
            assert distance == pytest.approx(error.values[0, picture], abs=2e-3)
            row += count
    others = [entry for entry in controls["pixels"].measurements if entry.metric != "centre_error"]
    assert not any("centres" in entry.details for entry in others)


@pytest.mark.usefixtures("few_pictures")
def test_probe_that_cannot_see_a_perfect_mask_is_called_broken(make_keeper, builtins, planned) -> None:
    class Blind:
        """Predicts the middle of the picture, whatever it is shown."""

        name = "blind"

        def choices(self):
            return {"probe": "blind"}

        def fit(self, features, labels, seed):
            pass

        def predict(self, features, counts):
            import torch
            from foresight_harness.contracts.probes import Detections

            box = torch.tensor([[0.3, 0.3, 0.7, 0.7]])
            return [Detections(box.repeat(count, 1), torch.ones(count)) for count in counts]

    blind = ProbeSpec(name="blind", build=Blind, primary=True)
    registry = replace(builtins, probes={"blind": blind})
    keeper = make_keeper(registry)
    outcome = keeper.run_cell(planned(registry, "pixels@patch/identity/single/linear", "spatial"))
    assert outcome.controls_ok is False
    assert "OUT OF RANGE: oracle scores" in outcome.details["controls"][0]
    assert {record.controls_ok for record in keeper.folder.records()} == {False}


def outcome_of(value: float, count: int = 400) -> Outcome:
    return Outcome((Measurement("iou", "ratio", "higher", (0.0, 1.0), values=np.full((1, count), value)),))


@pytest.mark.parametrize(
    ("oracle", "shuffled", "constant", "ok"),
    [(0.88, 0.07, 0.06, True), (0.80, 0.07, 0.06, False), (0.88, 0.12, 0.06, False), (0.88, 0.07, 0.0, False)],
)
def test_each_control_out_of_its_range_is_noticed(oracle: float, shuffled: float, constant: float, ok: bool) -> None:
    outcomes = {
        "oracle@mask": outcome_of(oracle),
        "shuffled@patch": outcome_of(shuffled),
        "constant@patch": outcome_of(constant),
        "pixels@patch": outcome_of(0.3),
    }
    assert judge(outcomes, {"iou": np.full(400, 0.06)}, 0.85).ok is ok


@pytest.mark.parametrize(
    ("oracle", "shuffled", "constant", "ok"),
    [(0.88, 0.07, 0.06, True), (0.80, 0.07, 0.06, False), (0.88, 0.12, 0.06, None), (0.88, 0.07, 0.0, None)],
)
def test_of_few_pictures_a_floor_that_is_off_does_not_call_a_probe_broken(
    oracle: float, shuffled: float, constant: float, ok: bool | None
) -> None:
    outcomes = {
        "oracle@mask": by_probe(oracle, 0.5),
        "shuffled@patch": by_probe(shuffled, shuffled),
        "constant@patch": by_probe(constant, constant),
        "pixels@patch": by_probe(0.3, 0.2),
    }
    verdict = judge(outcomes, {"iou": np.full(400, 0.06)}, 0.85, few=True)
    assert verdict.ok is ok
    assert any(text.startswith("too few pictures to tell: ") for text in verdict.sentences) is (ok is None)
    assert verdict.others == {"detr": True if shuffled < 0.1 else None}


@pytest.mark.usefixtures("few_pictures")
def test_calibration_is_measured_once_a_run(make_keeper, builtins, planned, monkeypatch) -> None:
    keeper = make_keeper()
    calls = []
    measure = spatial.measure

    def counted(cell: Cell) -> Outcome:
        calls.append(str(cell.candidate))
        return measure(cell)

    monkeypatch.setattr(spatial, "measure", counted)
    for text in ("pixels@patch/bilinear/single/linear", "pixels@patch/nearest/single/linear"):
        keeper.run_cell(planned(builtins, text, "spatial"))
    assert len(calls) == len(set(calls)) == 2 + 4


@pytest.mark.usefixtures("few_pictures")
def test_another_probe_is_scored_beside_the_primary_under_a_protocol_of_its_own(make_keeper, builtins, planned) -> None:
    keeper = make_keeper(probes=("knn", "linear_pixels"))
    outcome = keeper.run_cell(planned(builtins, "pixels@patch/identity/single/linear", "spatial"))
    found = {(entry.metric, entry.probe): entry for entry in outcome.measurements}
    assert {("iou", "dense_ridge"), ("iou", "knn"), ("r2", "linear_pixels")} <= set(found)
    assert found["r2", "linear_pixels"].values.mean() > 0.99
    assert found["r2", "linear_pixels"].ceiling is None
    records = [line for line in keeper.folder.records() if line.candidate.startswith("pixels")]
    digests = {line.probe: line.protocol for line in records}
    assert len(set(digests.values())) == len(digests) == 3
    keeper.close("complete")
    protocols = {probe: keeper.protocols[digest] for probe, digest in digests.items()}
    assert {probe: choices["probe_probe"] for probe, choices in protocols.items()} == {
        "dense_ridge": "dense_ridge/1",
        "knn": "knn/1",
        "linear_pixels": "linear_pixels/1",
    }
    assert "probe_levels" not in protocols["linear_pixels"]


def by_probe(primary: float, other: float) -> Outcome:
    extra = Measurement(
        "iou", "ratio", "higher", (0.0, 1.0), values=np.full((1, 400), other), probe="detr", probe_choices={}
    )
    return Outcome((*outcome_of(primary).measurements, extra))


@pytest.mark.parametrize(
    ("oracle", "shuffled", "ok"), [(0.5, 0.05, True), (0.5, 0.01, True), (0.12, 0.05, False), (0.5, 0.15, False)]
)
def test_a_second_probe_that_cannot_tell_a_mask_from_noise_is_called_broken_alone(
    oracle: float, shuffled: float, ok: bool
) -> None:
    outcomes = {
        "oracle@mask": by_probe(0.88, oracle),
        "shuffled@patch": by_probe(0.07, shuffled),
        "constant@patch": by_probe(0.06, 0.06),
        "pixels@patch": by_probe(0.3, 0.2),
    }
    judged = judge(outcomes, {"iou": np.full(400, 0.06)}, 0.85)
    assert judged.ok
    assert judged.others == {"detr": ok}
    verdict = spatial.with_controls(by_probe(0.3, 0.2), judged)
    assert [entry.controls_ok for entry in verdict.measurements] == [None, ok]
    assert verdict.controls_ok
