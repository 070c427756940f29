from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from foresight_harness import hookimpl
from foresight_harness.contracts.progress import silent
from foresight_harness.contracts.records import parse
from foresight_harness.planning.registry import PluginInfo, own_plugins, registry_from
from foresight_harness.running.exporters import Tracker
from foresight_harness.running.exporters.run_exporters import Exporters
from foresight_harness.running.keeper import RunKeeper
from foresight_harness.running.run_folder.folder import RunFolder

pytestmark = pytest.mark.usefixtures("few_pictures")
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
    return registry_from([*own_plugins(), *((PluginInfo(name, name, "0", "0"), one) for name, one in plugins.items())])


def test_each_written_record_is_handed_over_once_as_it_stands_on_disk(builtins, make_keeper, planned) -> None:
    sender, idle = Sender(), Idle()
    registry = _registry(builtins, sender=sender, idle=idle)
    keeper = make_keeper(registry)
    keeper.run_cell(planned(registry, CANDIDATE, "spatial"))
    lines = (keeper.folder.path / "records.jsonl").read_text().splitlines()
    assert sender.sent == [json.loads(line) for line in lines] != []
    assert Idle.calls == len(lines)
    assert keeper.exporters.sentences() == []


def test_an_exporter_that_fails_is_stopped_and_named_and_the_others_go_on(builtins, make_keeper, planned) -> None:
    broken, leaving, sender = Broken(), Leaving(), Sender()
    registry = _registry(builtins, broken=broken, leaving=leaving, sender=sender)
    keeper = make_keeper(registry)
    keeper.run_cell(planned(registry, CANDIDATE, "spatial"))
    assert len(broken.sent) == 1
    assert len(sender.sent) == len(keeper.folder.records()) > 1
    assert {record.status for record in keeper.folder.records()} == {"ok"}
    assert keeper.exporters.sentences() == [
        "exporter broken failed and was stopped (ConnectionError: no answer); the run folder holds every record",
        "exporter leaving failed and was stopped (SystemExit: 3); the run folder holds every record",
    ]


def test_a_failed_cell_is_handed_over_too(builtins, make_keeper, planned) -> None:
    sender = Sender()
    registry = _registry(builtins, sender=sender)
    keeper = make_keeper(registry)
    cell = planned(registry, CANDIDATE, "spatial")
    cell = replace(cell, suite=replace(cell.suite, score=lambda _: 1 / 0))
    with pytest.raises(ZeroDivisionError):
        keeper.run_cell(cell)
    assert [record["status"] for record in sender.sent] == ["failed"]


class Recorder(Tracker):
    """A tracker without a library: what it was told, in order; ``fails`` names the step that raises."""

    name = "recorder"
    address = "memory"

    def __init__(self, fails: str = "") -> None:
        super().__init__(Path("runs"), "r", {"scale": "smoke"})
        self.fails, self.told = fails, []

    @property
    def place(self) -> str:
        """Nowhere."""
        return self.address

    def _open(self, candidate: str, name: str, facts: Mapping[str, str]) -> str:
        self._tell("open", candidate, facts["scale"])
        return candidate

    def _send(self, entry: str, numbers: Mapping[str, float], texts: Mapping[str, str]) -> None:
        self._tell("send", entry, *numbers.values())

    def _end(self, entry: str, ok: bool) -> None:
        self._tell("end", entry, ok)

    def _tell(self, *step: Any) -> None:
        if step[0] == self.fails:
            raise ConnectionError("no answer")
        self.told.append(step)


def _write(folder: Path, *records: Any, end: str = "\n") -> None:
    with (folder / "records.jsonl").open("a") as stream:
        stream.write("\n".join(json.dumps(one) for one in records) + end)


def test_what_one_exporter_changes_the_next_does_not_see(tmp_path: Path) -> None:
    sender = Sender()
    exporters = Exporters(tmp_path, [("first", lambda record: record.clear()), ("second", sender.foresight_record)])  # type: ignore[attr-defined]
    _write(tmp_path, {"value": 1.0})
    exporters.catch_up()
    assert sender.sent == [{"value": 1.0}]


def test_a_line_that_is_being_written_waits_until_it_is_whole(tmp_path: Path) -> None:
    sender = Sender()
    exporters = Exporters(tmp_path, [("sender", sender.foresight_record)])
    _write(tmp_path, 1, 2, end='\n{"half": ')
    exporters.catch_up()
    assert sender.sent == [1, 2]
    (tmp_path / "records.jsonl").write_text((tmp_path / "records.jsonl").read_text() + "3}\n")
    exporters.catch_up()
    assert sender.sent == [1, 2, {"half": 3}]


def test_what_was_sent_before_a_resume_is_not_sent_again(tmp_path: Path) -> None:
    sender = Sender()
    _write(tmp_path, 1, 2)
    exporters = Exporters(tmp_path, [("sender", sender.foresight_record)])
    _write(tmp_path, 3)
    exporters.catch_up()
    assert sender.sent == [3]


def test_a_worker_exports_nothing_and_the_keeper_of_the_run_each_record_once(builtins, make_keeper, planned) -> None:
    sender, tracker = Sender(), Recorder()
    registry = _registry(builtins, sender=sender)
    keeper = make_keeper(registry)
    keeper.exporters = Exporters(keeper.folder.path, registry.exporters, [tracker])
    options = replace(keeper.options, exports=("mlflow",))
    worker = RunKeeper(registry, options, silent(), "pytest", attached=RunFolder(keeper.folder.path))
    worker.run_cell(planned(registry, CANDIDATE, "spatial"))
    assert worker.exporters.facts() == sender.sent == tracker.told == []
    keeper.add_facts(worker.drain_facts())
    assert [parse(line) for line in sender.sent] == keeper.folder.records() != []
    keeper.close("complete")
    assert len(sender.sent) == len(keeper.folder.records())
    found = {line["candidate"] for line in sender.sent}
    assert sorted(step[1] for step in tracker.told if step[0] == "open") == sorted(found)
    assert sorted(step[1:] for step in tracker.told if step[0] == "end") == sorted((name, True) for name in found)


def test_records_of_a_worker_that_died_are_sent_when_the_run_is_closed(tmp_path: Path, record) -> None:
    tracker = Recorder()
    exporters = Exporters(tmp_path, [], [tracker])
    _write(tmp_path, record(), record(status="failed", value=None, error="died"))
    exporters.close("complete")
    assert [step[0] for step in tracker.told] == ["open", "send", "send", "end"]
    assert tracker.told[-1][2] is False


def test_a_password_in_an_address_reaches_neither_run_folder_nor_summary(tmp_path: Path, record) -> None:
    sound, failing = Recorder(), Recorder(fails="open")
    failing.name, failing.address = "failing", "https://me:secret@host"
    sound.address = "https://host/?token=secret"
    failing._tell = lambda *step: (_ for _ in ()).throw(OSError("https://me:secret@host is down"))  # type: ignore[method-assign]
    exporters = Exporters(tmp_path, [], [sound, failing])
    _write(tmp_path, record())
    exporters.close("complete")
    told = json.dumps(exporters.facts()) + str(exporters.sentences()) + str(exporters.places())
    assert "host" in told
    assert "secret" not in told


@pytest.mark.parametrize("step", ["open", "send", "end"])
def test_a_tracker_that_fails_at_any_step_is_one_line_and_in_the_manifest(step: str, make_keeper, record) -> None:
    keeper = make_keeper()
    keeper.exporters = Exporters(keeper.folder.path, [], [Recorder(fails=step)])
    keeper.folder.append_records([parse(record()), parse(record())])
    keeper.close("complete")
    line = "exporter recorder failed and was stopped (ConnectionError: no answer); the run folder holds every record"
    line += f", and foresight-bench export {keeper.folder.run_id} recorder sends them"
    assert keeper.exporters.sentences() == [line]
    assert keeper.exporters.places() == []
    manifest = keeper.folder.manifest()
    (told,) = manifest["exporters"]
    assert (told["name"], told["place"], told["error"]) == ("recorder", "memory", "ConnectionError: no answer")
    assert manifest["status"] == "complete"
    assert {one.status for one in keeper.folder.records()} == {"ok"}


def test_the_drop_in_plugin_writes_every_record_to_its_file(
    dropin: Path, make_keeper, planned, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from foresight_harness.planning.registry import load_registry

    monkeypatch.setenv("FORESIGHT_DROPIN_RECORDS", str(tmp_path / "sent.jsonl"))
    registry = load_registry()
    keeper = make_keeper(registry)
    keeper.run_cell(planned(registry, CANDIDATE, "spatial"))
    assert (tmp_path / "sent.jsonl").read_text() == (keeper.folder.path / "records.jsonl").read_text()
