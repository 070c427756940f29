"""A run folder that was written before records were typed (commit e446731, ``tests/data/run_schema_1``)."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from foresight_harness.contracts.records import SCHEMA, upgrade
from foresight_harness.contracts.records import record as record_module
from foresight_harness.judging.analyses.verifying import verify
from foresight_harness.running.run_folder.folder import RunFolder
from foresight_harness.running.run_folder.run_data import RunData
from foresight_harness.surface.command import main

KEPT = Path(__file__).resolve().parents[3] / "data" / "run_schema_1"
MEASURED = (0.2542392290638379, 0.2099603021249356, 0.3026322824352326, 96)
"""Value, interval and samples of the IoU of ``PIXELS``, as its line has them."""
PIXELS = "pixels@patch/identity/single/linear"


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A copy under its own name."""
    name = json.loads((KEPT / "run.json").read_text())["run"]
    return Path(shutil.copytree(KEPT, tmp_path / "runs" / name))


def test_every_line_is_read_through_the_upgrade_and_no_field_is_unknown(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    upgraded = []
    monkeypatch.setattr(
        record_module, "upgrade", lambda content, where: upgraded.append(content["schema"]) or upgrade(content, where)
    )
    records = RunData.load(run).all_records
    assert upgraded == [1] * 56
    assert {record.schema for record in records} == {SCHEMA}
    assert not any(record.further or record.axes.further for record in records)
    assert not any(model.further for record in records for model in record.provenance)


def test_its_numbers_are_those_that_were_measured(run: Path) -> None:
    data = RunData.load(run)
    (iou,) = data.select(suite="spatial", metric="iou", candidate=PIXELS)
    assert (iou.value, iou.ci_low, iou.ci_high, iou.n) == MEASURED
    assert (iou.controls_ok, iou.gateable, iou.floor_by) == (True, False, "mean_box")
    values = data.values(iou)
    assert values is not None
    assert values.values.shape == (1, 96)


def test_it_verifies_without_a_difference(run: Path) -> None:
    found = verify(run)
    assert (found.problems, found.records, found.whole, found.analyses) == ([], 56, 0, 1)
    assert found.older == [
        "analysis/rankings.json was concluded by a method of before (form 1, today 2); it is not repeated"
    ]


def test_it_can_be_resumed_without_scoring_anything_again(run: Path) -> None:
    folder = RunFolder(run)
    before = folder.records()
    assert len(folder.finished()) == len(folder.drop_unfinished()) == 6
    assert folder.records() == before


def test_it_compares_with_a_copy_as_identical_and_renders(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = ["--out", str(run.parent)]
    shutil.copytree(run, run.with_name("copy"))
    assert main(["compare", run.name, "copy", *out, "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)["rows"]
    assert {row["verdict"] for row in rows} == {"identical"}
    assert len(rows) == 56
    assert main(["report", run.name, *out]) == 0
    page = (run / "report.html").read_text()
    assert f"{MEASURED[0]:.3f}" in page
    assert PIXELS in page
