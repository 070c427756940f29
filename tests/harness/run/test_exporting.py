from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from foresight_harness import hookimpl
from foresight_harness.registry import PluginInfo, registry_from
from foresight_harness.run.attached import RemoteFacts
from foresight_harness.run.exporting import Exporters

CANDIDATE = "pixels@patch/identity/single/linear"


class Sender:
    """A plugin that keeps what it is given."""

    def __init__(self) -> None:
        self.sent: list[Any] = []

    @hookimpl
    def foresight_record(self, record: Any) -> None:
        """Keep it."""
        self.sent.append(record)


class Broken(Sender):
    """One whose server does not answer."""

    @hookimpl
    def foresight_record(self, record: Any) -> None:
        """Fail."""
        super().foresight_record(record)
        raise ConnectionError("no\nanswer")


class Leaving(Sender):
    """One that ends the program, as command-line libraries do."""

    @hookimpl
    def foresight_record(self, record: Any) -> None:
        """Leave."""
        raise SystemExit(3)


class Idle:
    """One that does not look at the record."""

    calls = 0

    @hookimpl
    def foresight_record(self) -> None:
        """Count."""
        type(self).calls += 1


def _registry(builtins: Any, **plugins: object) -> Any:
    from foresight_harness import builtin

    modules = [(PluginInfo("builtin", "foresight-harness", "0", "0"), builtin)]
    return registry_from([*modules, *((PluginInfo(name, name, "0", "0"), one) for name, one in plugins.items())])


def test_each_written_record_is_handed_over_once_as_it_stands_on_disk(builtins, make_bench, planned) -> None:
    sender, idle = Sender(), Idle()
    registry = _registry(builtins, sender=sender, idle=idle)
    bench = make_bench(registry)
    bench.run_cell(planned(registry, CANDIDATE, "structure"))
    lines = (bench.folder.path / "records.jsonl").read_text().splitlines()
    assert sender.sent == [json.loads(line) for line in lines] != []
    assert Idle.calls == len(lines)
    assert bench.exporters.sentences() == []


def test_an_exporter_that_fails_is_stopped_and_named_and_the_others_go_on(builtins, make_bench, planned) -> None:
    broken, leaving, sender = Broken(), Leaving(), Sender()
    registry = _registry(builtins, broken=broken, leaving=leaving, sender=sender)
    bench = make_bench(registry)
    bench.run_cell(planned(registry, CANDIDATE, "structure"))
    assert len(broken.sent) == 1
    assert len(sender.sent) == len(bench.folder.records()) > 1
    assert {record["status"] for record in bench.folder.records()} == {"ok"}
    assert bench.exporters.sentences() == [
        "exporter broken failed and was stopped (ConnectionError: no answer); the run folder holds every record",
        "exporter leaving failed and was stopped (SystemExit: 3); the run folder holds every record",
    ]


def test_a_failed_cell_is_handed_over_too(builtins, make_bench, planned, monkeypatch: pytest.MonkeyPatch) -> None:
    sender = Sender()
    registry = _registry(builtins, sender=sender)
    bench = make_bench(registry)
    cell = planned(registry, CANDIDATE, "structure")
    monkeypatch.setattr(type(cell.suite), "score", lambda *_: 1 / 0, raising=True)
    with pytest.raises(ZeroDivisionError):
        bench.run_cell(cell)
    assert [record["status"] for record in sender.sent] == ["failed"]


def test_what_one_exporter_changes_the_next_does_not_see() -> None:
    sender = Sender()
    exporters = Exporters([("first", lambda record: record.clear()), ("second", sender.foresight_record)])  # type: ignore[attr-defined]
    exporters.send([{"value": 1.0}])
    assert sender.sent == [{"value": 1.0}]


def test_a_failure_in_a_worker_reaches_the_process_that_keeps_the_run(builtins, make_bench) -> None:
    worker, keeper = make_bench(), make_bench()
    worker.exporters.failures["far"] = "ConnectionError: no answer"
    keeper.add_facts(RemoteFacts().drained(worker))
    assert keeper.exporters.failures == {"far": "ConnectionError: no answer"}


def test_the_drop_in_plugin_writes_every_record_to_its_file(
    dropin: Path, make_bench, planned, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from foresight_harness.registry import load_registry

    monkeypatch.setenv("FORESIGHT_DROPIN_RECORDS", str(tmp_path / "sent.jsonl"))
    registry = load_registry()
    bench = make_bench(registry)
    bench.run_cell(planned(registry, CANDIDATE, "structure"))
    assert (tmp_path / "sent.jsonl").read_text() == (bench.folder.path / "records.jsonl").read_text()
