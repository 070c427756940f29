from __future__ import annotations

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from foresight_harness.contracts.errors import FitError
from foresight_harness.measuring.suites import spatial

pytestmark = pytest.mark.usefixtures("few_pictures")

PIXELS = "pixels@patch/identity/single/linear"


def test_cell_leaves_records_samples_and_pictures(make_bench, builtins, planned) -> None:
    bench = make_bench()
    bench.plan([planned(builtins, PIXELS, "spatial")])
    bench.run_cell(bench.planned[0])
    bench.close("complete")
    records = bench.folder.records()
    iou = next(line for line in records if line["metric"] == "iou" and line["candidate"].startswith("pixels"))
    assert iou["n"] == 16
    assert iou["ci_low"] <= iou["value"] <= iou["ci_high"]
    assert iou["ci_method"] == "bootstrap-percentile-95"
    assert iou["floor_by"] == "mean_box"
    assert iou["provenance"] == [{"part": "encoder", "name": "pixels", "kind": "none"}]
    assert iou["axes"]["depths"] == [None]  # one tap is on offer: it has no relative depth
    assert iou["of_cell"] == len([line for line in records if line["cell"] == iou["cell"]])
    controls = {line["candidate"].partition("@")[0] for line in records} - {"pixels"}
    assert controls == {"oracle", "shuffled", "constant"}
    samples = pq.read_table(bench.folder.path / "samples" / f"{iou['cell']}.parquet").to_pylist()
    values = [row["value"] for row in samples if row["metric"] == "iou"]
    assert sum(values) / len(values) == pytest.approx(iou["value"])
    shown = [json.loads(line) for line in (bench.folder.path / "media" / "index.jsonl").read_text().splitlines()]
    assert all((bench.folder.path / line["path"]).stat().st_size > 100 for line in shown)
    manifest = json.loads((bench.folder.path / "run.json").read_text())
    assert manifest["protocols"][iou["protocol"]]["suite"] == "spatial"
    assert manifest["counts"]["ok"] == manifest["counts"]["planned"] == 4


def test_sizes_of_the_command_reach_pictures_encoders_and_protocol(make_bench, builtins, planned) -> None:
    digests = {}
    for given in ({}, {"train_size": 20}, {"picture_px": 168}):
        bench = make_bench(**given)
        cell = planned(builtins, PIXELS, "spatial")
        bench.plan([cell])
        bench.run_cell(cell)
        split = bench.splits.decoded(cell.dataset, "train")
        grid = bench.extraction.grids(builtins.encoder("pixels"), "patch", split).shape
        asked = given.get("picture_px", 224)
        assert len(split) == given.get("train_size", 24)
        assert split.take([0]).shape[-1] == given.get("picture_px", 128)
        assert (grid.rows, grid.cols) == (asked // 14, asked // 14)
        digests[str(given)] = bench.folder.records()[0]["protocol"]
    assert len(set(digests.values())) == 3


def test_failing_cell_is_a_record_with_its_trace_and_the_rest_goes_on(
    make_bench, builtins, planned, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench = make_bench()
    cells = [planned(builtins, PIXELS, "spatial"), planned(builtins, PIXELS, "alignment")]
    bench.plan(cells)

    def fail(cell):
        raise FitError("the fit diverged: loss nan at step 3 of 40")

    monkeypatch.setattr(spatial, "score", fail)
    with pytest.raises(FitError):
        bench.run_cell(cells[0])
    bench.run_cell(cells[1])
    lines = bench.folder.records()
    assert (lines[0]["status"], lines[0]["value"], lines[0]["metric"]) == ("failed", None, None)
    assert lines[0]["error"] == "the fit diverged: loss nan at step 3 of 40"
    assert "Traceback" in lines[0]["trace"]
    assert {line["status"] for line in lines[1:]} == {"ok"}
    assert (bench.counts["ok"], bench.counts["failed"]) == (1, 1)


def test_out_of_memory_is_a_result(make_bench, builtins, monkeypatch: pytest.MonkeyPatch, planned) -> None:
    bench = make_bench()
    bench.plan([planned(builtins, PIXELS, "spatial")])

    def exhaust(cell):
        raise MemoryError("cannot allocate 40 GiB")

    monkeypatch.setattr(spatial, "score", exhaust)
    with pytest.raises(MemoryError):
        bench.run_cell(bench.planned[0])
    assert bench.folder.records()[0]["status"] == "oom"


def test_resume_redoes_only_what_is_missing(make_bench, builtins, monkeypatch: pytest.MonkeyPatch, planned) -> None:
    bench = make_bench()
    first, second = planned(builtins, PIXELS, "spatial"), planned(builtins, PIXELS, "alignment")
    bench.plan([first, second])
    bench.run_cell(first)
    before = bench.folder.records()
    resumed = make_bench(resume=True)
    assert resumed.folder.path == bench.folder.path.resolve()
    resumed.plan([first, second])

    def never(cell):
        raise AssertionError("a finished cell was scored again")

    monkeypatch.setattr(spatial, "score", never)
    assert resumed.run_cell(first) is None
    resumed.run_cell(second)
    after = resumed.folder.records()
    assert after[: len(before)] == before
    assert {line["suite"] for line in after} == {"spatial", "alignment"}


def test_random_weights_are_marked_and_never_pass_a_gate(make_bench, dropin: Path, planned) -> None:
    from dataclasses import replace

    from foresight_harness.planning.registry import load_registry

    found = load_registry()
    weighted = {**found.encoders, "gradients_tiny": replace(found.encoders["gradients_tiny"], params=10)}
    registry = replace(found, encoders=weighted)
    bench = make_bench(registry)
    bench.plan([planned(registry, "gradients_tiny@normed/identity/single/linear", "spatial")])
    bench.run_cell(bench.planned[0])
    record = next(line for line in bench.folder.records() if line["candidate"].startswith("gradients_tiny"))
    assert record["provenance"][0]["kind"] == "random"
    assert record["provenance"][0]["seed"] == 0
    assert record["gateable"] is False


def test_protocol_digest_changes_with_the_budget_and_not_with_the_candidate(make_bench, builtins, planned) -> None:
    from foresight_harness.measuring.workshop.cell import Cell

    def digest(bench, candidate: str) -> str:
        cell = planned(builtins, candidate, "spatial")
        return Cell(bench, cell.candidate, cell.suite, cell.dataset).protocol_digest()

    one = make_bench()
    assert digest(one, PIXELS) == digest(one, "oracle@mask/bilinear/single/linear")
    assert digest(one, PIXELS) != digest(make_bench(seeds=2), PIXELS)
