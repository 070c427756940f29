"""A small run sent to the three real libraries at once, and read back from what each of them stored."""

from __future__ import annotations

import json
import os
import struct
from collections.abc import Iterator
from contextlib import chdir
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from foresight_harness.contracts.progress import silent
from foresight_harness.planning.candidates import parse_candidate, resolve
from foresight_harness.planning.options import DatasetChoice, RunOptions, scale
from foresight_harness.planning.plan import PlannedCell
from foresight_harness.planning.suites import suite
from foresight_harness.running.bench import Bench
from foresight_harness.running.exporters.run_exporters import Exporters
from foresight_harness.running.exporters.tracker_terms import numbers_of
from foresight_harness.surface.command import main

CANDIDATE = "shuffled:pixels@patch/identity/single/linear"
FEW = {"train": 24, "test": 16, "pictures": 2, "permutations": 5, "resamples": 200}
OWN = ("MLFLOW_TRACKING_URI", "WANDB_DIR", "WANDB_MODE", "WANDB_PROJECT", "TRACKIO_SPACE_ID", "TRACKIO_SERVER_URL")


@dataclass(frozen=True)
class Sent:
    """The run, and what was told about it."""

    out: Path
    folder: Path
    records: list[dict[str, Any]]
    lines: list[str]

    def numbers(self, candidate: str) -> dict[str, float]:
        """What the records say of a candidate."""
        found: dict[str, float] = {}
        for record in self.records:
            if record["candidate"] == candidate:
                found |= numbers_of(record)
        return found

    @property
    def candidates(self) -> set[str]:
        """Every candidate with a record."""
        return {record["candidate"] for record in self.records}


@pytest.fixture(scope="module")
def sent(tmp_path_factory: pytest.TempPathFactory, builtins) -> Iterator[Sent]:
    place = tmp_path_factory.mktemp("sent")
    with pytest.MonkeyPatch.context() as patch, chdir(place):
        for name in OWN:
            patch.delenv(name, raising=False)
        patch.setenv("TRACKIO_DIR", str(place / "runs" / "trackio"))
        for name in ("MLFLOW_DISABLE_TELEMETRY", "WANDB_ERROR_REPORTING"):
            patch.setenv(name, "true" if name.startswith("MLFLOW") else "false")
        patch.setitem(scale.SCALES, "smoke", replace(scale.SCALES["smoke"], **FEW))
        exports = ("wandb", "mlflow", "trackio")
        options = RunOptions(datasets=(DatasetChoice("shapes"),), out=Path("runs"), cache=Path("c"), exports=exports)
        bench = Bench(builtins, options, silent(), "pytest benchmarks/ --export ...")
        bench.plan([PlannedCell(resolve(parse_candidate(CANDIDATE), builtins), suite("spatial"), options.datasets[0])])
        bench.run_cell(bench.planned[0])
        bench.close("complete")
        assert bench.exporters.sentences() == []
        lines = bench.exporters.places()
        yield Sent(place / "runs", bench.folder.path.absolute(), bench.folder.records(), lines)


def test_the_run_says_what_it_sent_where(sent: Sent) -> None:
    manifest = json.loads((sent.folder / "run.json").read_text())
    told = {one["name"]: one for one in manifest["exporters"]}
    assert set(told) == {"mlflow", "trackio", "wandb"}
    assert {(one["records"], one["error"]) for one in told.values()} == {(len(sent.records), None)}
    assert told["mlflow"]["place"] == f"sqlite:///{sent.out / 'mlflow.db'}"
    assert f"exported to wandb: {len(sent.records)} records in {sent.out / 'wandb'}" in sent.lines
    assert len(sent.candidates) >= 4


def test_mlflow_holds_every_number_in_one_nested_run_a_candidate(sent: Sent) -> None:
    from mlflow import MlflowClient

    client = MlflowClient(tracking_uri=f"sqlite:///{sent.out / 'mlflow.db'}")
    experiment = client.get_experiment_by_name("foresight")
    found = {run.data.tags["foresight.candidate"]: run for run in client.search_runs([experiment.experiment_id])}
    parent = found.pop("-")
    assert set(found) == sent.candidates
    assert parent.info.run_name == sent.folder.name
    assert parent.data.params["scale"] == "smoke"
    for candidate, run in found.items():
        assert run.data.metrics == pytest.approx(sent.numbers(candidate))
        assert run.data.tags["mlflow.parentRunId"] == parent.info.run_id
        assert (run.info.status, run.data.params["candidate"]) == ("FINISHED", candidate)
    assert found[CANDIDATE].data.tags["protocol/spatial/shapes/dense_ridge"]


def test_wandb_holds_every_number_in_one_offline_run_a_candidate(sent: Sent) -> None:
    found = {}
    for path in sorted((sent.out / "wandb").glob("offline-run-*/run-*.wandb")):
        run, summary, ended = _wandb_run(path)
        config = {item.key: json.loads(item.value_json) for item in run.config.update}
        found[config["candidate"]] = summary
        assert (run.run_group, run.project, ended) == (sent.folder.name, "foresight", 0)
    assert set(found) == sent.candidates
    for candidate, summary in found.items():
        assert summary == pytest.approx(sent.numbers(candidate))


def _wandb_run(path: Path) -> tuple[Any, dict[str, float], int]:
    """The run, its summary and its exit code, from the library's own file and by its own messages."""
    from wandb.proto.wandb_internal_pb2 import Record

    run, summary, ended = None, {}, -1
    for data in _log_of(path.read_bytes()):
        record = Record()
        record.ParseFromString(data)
        kind = record.WhichOneof("record_type")
        if kind == "run":
            run = record.run
        elif kind == "summary":
            for item in record.summary.update:
                summary[item.key or "/".join(item.nested_key)] = json.loads(item.value_json)
        elif kind == "exit":
            ended = record.exit.exit_code
    return run, {key: value for key, value in summary.items() if not key.startswith("_")}, ended


def _log_of(data: bytes) -> Iterator[bytes]:
    """Messages of a file in LevelDB's log format after a header of 7 bytes: blocks of 32 KiB, pieces with 7 more."""
    place, held = 7, b""
    while place + 7 <= len(data):
        left = 32768 - place % 32768
        if left < 7:
            place += left
            continue
        size, kind = struct.unpack_from("<HB", data, place + 4)
        held += data[place + 7 : place + 7 + size]
        place += 7 + size
        if kind in (1, 4):  # whole, or the last piece
            yield held
            held = b""


def test_trackio_holds_every_number_in_one_run_a_candidate(sent: Sent) -> None:
    import trackio
    from trackio.sqlite_storage import SQLiteStorage

    found = {run.config["candidate"]: run for run in trackio.Api().runs("foresight")}
    assert set(found) == sent.candidates
    for candidate, run in found.items():
        assert run.config["_Group"] == sent.folder.name
        stored: dict[str, Any] = {}
        for line in SQLiteStorage.get_logs("foresight", run.name):
            stored |= line
        numbers = sent.numbers(candidate)
        assert {key: stored[key] for key in numbers} == pytest.approx(numbers)
        assert stored["status/spatial/shapes"] == "ok"


def test_a_server_that_is_away_costs_one_short_wait_and_one_line(
    tmp_path: Path, record, monkeypatch: pytest.MonkeyPatch
) -> None:
    from foresight_harness.running.exporters.to_mlflow import DEFAULTS, Tracker

    for name in DEFAULTS:
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR", "0")  # retries at once: the test need not wait for them
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://me:secret@127.0.0.1:9")
    exporters = Exporters(tmp_path, [], [Tracker(tmp_path, "r", {})])
    (tmp_path / "records.jsonl").write_text(json.dumps(record()) + "\n")
    exporters.close("complete")
    (line,) = exporters.sentences()
    assert line.startswith(
        "exporter mlflow failed and was stopped (MlflowException: API request to http://...@127.0.0.1"
    )
    assert os.environ["MLFLOW_HTTP_REQUEST_MAX_RETRIES"] == "2"  # by the library's own 7 a run would stand for minutes


def test_a_run_whose_exporter_failed_is_sent_again_to_the_entries_that_it_has(
    sent: Sent, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    """First to a server that is away, then to the file: exit 1 and one line, then every number, once a candidate."""
    from mlflow import MlflowClient

    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR", "0")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    before = json.loads((sent.folder / "run.json").read_text())
    assert main(["export", str(sent.folder), "mlflow"]) == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("\n") == 1
    assert said.err.startswith("foresight-bench export: exporter mlflow failed and was stopped (MlflowException")
    noted = {one["name"]: one for one in json.loads((sent.folder / "run.json").read_text())["exporters"]}
    assert noted["mlflow"]["error"].startswith("MlflowException")
    monkeypatch.delenv("MLFLOW_TRACKING_URI")

    assert main(["export", str(sent.folder), "mlflow"]) == 0
    place = f"sqlite:///{sent.out / 'mlflow.db'}"
    assert capsys.readouterr().out == f"exported to mlflow: {len(sent.records)} records in {place}\n"
    after = json.loads((sent.folder / "run.json").read_text())
    told = {one["name"]: one for one in after.pop("exporters")}
    assert (told["mlflow"]["records"], told["mlflow"]["error"]) == (len(sent.records), None)
    assert set(told) == {"mlflow", "trackio", "wandb"}
    assert after == {name: value for name, value in before.items() if name != "exporters"}
    client = MlflowClient(tracking_uri=place)
    runs = client.search_runs([client.get_experiment_by_name("foresight").experiment_id])
    assert sorted(run.data.tags["foresight.candidate"] for run in runs) == sorted({"-", *sent.candidates})
    assert {run.info.status for run in runs} == {"FINISHED"}
    for run in runs:
        assert run.data.metrics == pytest.approx(sent.numbers(run.data.tags["foresight.candidate"]))
