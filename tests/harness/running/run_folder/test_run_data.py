"""A finished run as arrays."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from foresight_harness.contracts.errors import RunFolderError
from foresight_harness.running.run_folder.run_data import RunData, measured_candidates


def test_values_of_a_real_run_have_the_mean_that_its_record_states(scored_run: Path) -> None:
    run = RunData.load(scored_run)
    found = run.select(suite="spatial", metric="iou")
    assert {record.role for record in found} == {"floor", "ceiling"}
    for record in found:
        values = run.values(record)
        assert values is not None
        assert values.values.shape == (1, 16)
        assert len(values.groups) == len(values.samples) == 16
        assert np.nanmean(values.mean_over_seeds) == pytest.approx(record.value)


def test_corpus_metric_has_statistics_and_no_values(scored_run: Path) -> None:
    run = RunData.load(scored_run)
    record = run.select(metric="map50")[0]
    assert run.values(record) is None
    stats = run.stats(record)
    assert stats is not None
    assert set(stats.stats[0][0]) >= {"scores", "hits", "objects"}
    assert run.stats(run.select(metric="iou")[0]) is None


def test_rows_are_seeds_and_columns_are_samples(write_run, record) -> None:
    path = write_run([record(seeds=[3, 4])], {"c0": {"iou": {3: [0.1, float("nan")], 4: [0.3, float("nan")]}}})
    values = RunData.load(path).values(RunData.load(path).records[0])
    assert values.seeds == (3, 4)
    assert values.samples == ("s0", "s1")
    np.testing.assert_array_equal(values.values, [[0.1, np.nan], [0.3, np.nan]])
    np.testing.assert_allclose(values.mean_over_seeds, [0.2, np.nan])


def test_failed_cells_are_kept_apart(write_run, record) -> None:
    run = RunData.load(write_run([record(), record(cell="c1", status="failed", metric=None)]))
    assert len(run.records) == 1
    assert len(run.all_records) == 2


def test_controls_are_no_candidates(write_run, record) -> None:
    run = RunData.load(
        write_run(
            [record(), record(candidate="oracle@mask/identity/single/linear", role="ceiling"), record(metric="x")]
        )
    )
    assert measured_candidates(run.records) == ["dinov2_tiny@last/identity/single/linear"]


def test_removed_sample_file_is_an_error_and_not_a_metric_without_samples(write_run, record) -> None:
    run = RunData.load(write_run([record()]))
    with pytest.raises(RunFolderError, match=r"samples/c0\.parquet lacks the values of iou"):
        run.values(run.records[0])
    run = RunData.load(write_run([record(per_sample=None)]))
    assert run.values(run.records[0]) is None


def test_missing_and_double_values_are_an_error(write_run, record) -> None:
    path = write_run([record()], {"c0": {"iou": {0: [0.1, 0.2], 1: [0.1]}}})
    with pytest.raises(RunFolderError, match="some are missing or in another order"):
        RunData.load(path).values(RunData.load(path).records[0])


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda path: (path / "run.json").unlink(), r"run\.json cannot be read"),
        (lambda path: (path / "run.json").write_text("{"), r"run\.json is not JSON"),
        (lambda path: (path / "records.jsonl").unlink(), "holds no records"),
        (lambda path: (path / "run.json").write_text(json.dumps({"schema": 9})), "schema 9"),
        (lambda path: (path / "records.jsonl").write_text(json.dumps({"schema": 9}) + "\n"), "schema 9"),
    ],
)
def test_folder_that_cannot_be_read_is_one_line(write_run, record, damage, message: str) -> None:
    path = write_run([record()])
    damage(path)
    with pytest.raises(RunFolderError, match=message) as caught:
        RunData.load(path)
    assert "\n" not in str(caught.value)


def test_damaged_sample_file_is_one_line(write_run, record) -> None:
    path = write_run([record()], {"c0": {"iou": {0: [0.1, 0.2]}}})
    (path / "samples" / "c0.parquet").write_bytes(b"PAR1 nonsense")
    run = RunData.load(path)
    with pytest.raises(RunFolderError, match=r"c0\.parquet cannot be read"):
        run.values(run.records[0])


def test_reading_a_run_imports_no_torch() -> None:
    code = "import sys, foresight_harness.judging.analyses; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_ids_that_stand_for_two_samples_cost_no_other_data_set_its_conclusions(
    write_run, record, tmp_path: Path
) -> None:
    from foresight_harness.judging.analyses import conclude

    names = ("dinov2_tiny@last/identity/single/linear", "pixels@patch/identity/single/linear")
    records = [
        record(candidate=name, cell=f"{data}{place}", dataset=data, protocol=data, per_sample="values", n=8)
        for data in ("shapes", "doubled")
        for place, name in enumerate(names)
    ]
    samples = {line["cell"]: {"iou": {0: [0.1 * step for step in range(8)]}} for line in records}
    path = write_run(records, samples, protocols={"shapes": {}, "doubled": {}})
    for file in (path / "samples").glob("doubled*.parquet"):
        table = pq.read_table(file)
        rows = table.to_pylist()
        for row in rows:
            row["sample"] = row["group"] = "s0"
        pq.write_table(pa.Table.from_pylist(rows, schema=table.schema), file)
    run = RunData.load(path)
    values = run.values(run.select(dataset="doubled")[0])
    assert values is not None
    assert len(set(values.samples)) == 8
    assert conclude(path).failures == {}
    rankings = json.loads((path / "analysis" / "rankings.json").read_text())
    assert {board["dataset"] for board in rankings["boards"]} == {"shapes", "doubled"}
