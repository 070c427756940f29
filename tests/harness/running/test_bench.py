from __future__ import annotations

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from foresight_harness.contracts.errors import FitError
from foresight_harness.contracts.records.parts import LoadedModel
from foresight_harness.measuring.suites import spatial

pytestmark = pytest.mark.usefixtures("few_pictures")

PIXELS = "pixels@patch/identity/single/linear"


def test_cell_leaves_records_samples_and_pictures(make_keeper, builtins, planned) -> None:
    keeper = make_keeper()
    keeper.plan([planned(builtins, PIXELS, "spatial")])
    keeper.run_cell(keeper.planned[0])
    keeper.close("complete")
    records = keeper.folder.records()
    iou = next(line for line in records if line.metric == "iou" and line.candidate.startswith("pixels"))
    assert iou.n == 16
    assert iou.ci_low <= iou.value <= iou.ci_high
    assert iou.ci_method == "bootstrap-percentile-95"
    assert iou.floor_by == "mean_box"
    assert iou.provenance == (LoadedModel(part="encoder", name="pixels", kind="none"),)
    assert iou.axes.depths == (None,)  # one tap is on offer: it has no relative depth
    assert iou.of_cell == len([line for line in records if line.cell == iou.cell])
    controls = {line.candidate.partition("@")[0] for line in records} - {"pixels"}
    assert controls == {"oracle", "shuffled", "constant"}
    samples = pq.read_table(keeper.folder.path / "samples" / f"{iou.cell}.parquet").to_pylist()
    values = [row["value"] for row in samples if row["metric"] == "iou"]
    assert sum(values) / len(values) == pytest.approx(iou.value)
    shown = [json.loads(line) for line in (keeper.folder.path / "media" / "index.jsonl").read_text().splitlines()]
    assert all((keeper.folder.path / line["path"]).stat().st_size > 100 for line in shown)
    manifest = json.loads((keeper.folder.path / "run.json").read_text())
    assert manifest["protocols"][iou.protocol]["suite"] == "spatial"
    assert manifest["counts"]["ok"] == manifest["counts"]["planned"] == 4


def test_sizes_of_the_command_reach_pictures_encoders_and_protocol(make_keeper, builtins, planned) -> None:
    digests = {}
    for given in ({}, {"train_size": 20}, {"picture_px": 168}):
        keeper = make_keeper(**given)
        cell = planned(builtins, PIXELS, "spatial")
        keeper.plan([cell])
        keeper.run_cell(cell)
        split = keeper.workshop.splits.decoded(cell.dataset, "train")
        grid = keeper.workshop.extraction.grids(builtins.encoder("pixels"), "patch", split).shape
        asked = given.get("picture_px", 224)
        assert len(split) == given.get("train_size", 24)
        assert split.take([0]).shape[-1] == given.get("picture_px", 128)
        assert (grid.rows, grid.cols) == (asked // 14, asked // 14)
        digests[str(given)] = keeper.folder.records()[0].protocol
    assert len(set(digests.values())) == 3


def test_failing_cell_is_a_record_with_its_trace_and_the_rest_goes_on(
    make_keeper, builtins, planned, monkeypatch: pytest.MonkeyPatch
) -> None:
    keeper = make_keeper()
    cells = [planned(builtins, PIXELS, "spatial"), planned(builtins, PIXELS, "alignment")]
    keeper.plan(cells)

    def fail(cell):
        raise FitError("the fit diverged: loss nan at step 3 of 40")

    monkeypatch.setattr(spatial, "score", fail)
    with pytest.raises(FitError):
        keeper.run_cell(cells[0])
    keeper.run_cell(cells[1])
    lines = keeper.folder.records()
    assert (lines[0].status, lines[0].value, lines[0].metric) == ("failed", None, "")
    assert lines[0].error == "the fit diverged: loss nan at step 3 of 40"
    assert "Traceback" in lines[0].trace
    assert {line.status for line in lines[1:]} == {"ok"}
    assert (keeper.counts["ok"], keeper.counts["failed"]) == (1, 1)


def test_out_of_memory_is_a_result(make_keeper, builtins, monkeypatch: pytest.MonkeyPatch, planned) -> None:
    keeper = make_keeper()
    keeper.plan([planned(builtins, PIXELS, "spatial")])

    def exhaust(cell):
        raise MemoryError("cannot allocate 40 GiB")

    monkeypatch.setattr(spatial, "score", exhaust)
    with pytest.raises(MemoryError):
        keeper.run_cell(keeper.planned[0])
    assert keeper.folder.records()[0].status == "oom"


def test_resume_redoes_only_what_is_missing(make_keeper, builtins, monkeypatch: pytest.MonkeyPatch, planned) -> None:
    keeper = make_keeper()
    first, second = planned(builtins, PIXELS, "spatial"), planned(builtins, PIXELS, "alignment")
    keeper.plan([first, second])
    keeper.run_cell(first)
    before = keeper.folder.records()
    resumed = make_keeper(resume=True)
    assert resumed.folder.path == keeper.folder.path.resolve()
    resumed.plan([first, second])

    def never(cell):
        raise AssertionError("a finished cell was scored again")

    monkeypatch.setattr(spatial, "score", never)
    assert resumed.run_cell(first) is None
    resumed.run_cell(second)
    after = resumed.folder.records()
    assert after[: len(before)] == before
    assert {line.suite for line in after} == {"spatial", "alignment"}


def test_random_weights_are_marked_and_never_pass_a_gate(make_keeper, dropin: Path, planned) -> None:
    from dataclasses import replace

    from foresight_harness.planning.registry import load_registry

    found = load_registry()
    weighted = {**found.encoders, "gradients_tiny": replace(found.encoders["gradients_tiny"], params=10)}
    registry = replace(found, encoders=weighted)
    keeper = make_keeper(registry)
    keeper.plan([planned(registry, "gradients_tiny@normed/identity/single/linear", "spatial")])
    keeper.run_cell(keeper.planned[0])
    record = next(line for line in keeper.folder.records() if line.candidate.startswith("gradients_tiny"))
    assert record.provenance[0].kind == "random"
    assert record.provenance[0].seed == 0
    assert record.gateable is False


def test_protocol_digest_changes_with_the_budget_and_not_with_the_candidate(make_keeper, builtins, planned) -> None:
    from foresight_harness.measuring.workshop.cell import Cell

    def digest(keeper, candidate: str) -> str:
        cell = planned(builtins, candidate, "spatial")
        return Cell(keeper.workshop, cell.candidate, cell.suite, cell.dataset).protocol_digest()

    one = make_keeper()
    assert digest(one, PIXELS) == digest(one, "oracle@mask/bilinear/single/linear")
    assert digest(one, PIXELS) != digest(make_keeper(seeds=2), PIXELS)
