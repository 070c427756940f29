"""``facts.jsonl``: what records refer to outlives whoever recorded them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from foresight_harness.contracts.progress import silent
from foresight_harness.measuring.suites import alignment, structure
from foresight_harness.running.keeper import RunKeeper
from foresight_harness.running.run_folder.fact_file import NAME, read_facts
from foresight_harness.running.run_folder.folder import RunFolder

pytestmark = pytest.mark.usefixtures("few_pictures")
PIXELS = "pixels@patch/identity/single/linear"
SUITES = ("alignment", "structure")
"""Of another protocol each."""


@pytest.fixture
def killed(make_keeper, builtins, planned) -> Path:
    """A run whose driver was killed after a worker had recorded a cell, and before it heard anything of it."""
    cells = [planned(builtins, PIXELS, name) for name in SUITES]
    driver = make_keeper()
    driver.plan(cells)
    worker = RunKeeper(builtins, driver.options, silent(), driver.command, attached=RunFolder(driver.folder.path))
    worker.plan(cells)
    worker.run_cell(cells[0])
    driver._let_go()
    assert json.loads((driver.folder.path / "run.json").read_text())["protocols"] == {}
    return driver.folder.path


@pytest.fixture
def resumed(killed: Path, make_keeper, builtins, planned):
    """Goes on with the killed run to its end; returns the suites that it scored, and the manifest."""

    def go_on(monkeypatch: pytest.MonkeyPatch) -> tuple[list[str], dict]:
        scored: list[str] = []
        for name, module in zip(SUITES, (alignment, structure), strict=True):
            sound = module.score
            monkeypatch.setattr(
                module, "score", lambda cell, name=name, sound=sound: scored.append(name) or sound(cell)
            )
        keeper = make_keeper(resume=True)
        keeper.plan([planned(builtins, PIXELS, name) for name in SUITES])
        for cell in list(keeper.planned):
            keeper.run_cell(cell)
        keeper.close("complete")
        keeper.seal()
        return scored, json.loads((killed / "run.json").read_text())

    return go_on


def test_what_a_worker_recorded_before_its_driver_was_killed_stands_in_the_manifest(
    killed: Path, resumed, monkeypatch
) -> None:
    from foresight_harness.judging.analyses.verifying import verify

    scored, manifest = resumed(monkeypatch)
    assert scored == ["structure"]
    records = RunFolder(killed).records()
    assert {one.protocol for one in records} <= set(manifest["protocols"])
    assert {one.fingerprint for one in records} <= {one["fingerprint"] for one in manifest["datasets"]}
    assert verify(killed, kinds=()).problems == []


def test_a_cell_of_which_nobody_knows_the_protocol_is_scored_again(killed: Path, resumed, monkeypatch) -> None:
    (killed / NAME).unlink()
    scored, manifest = resumed(monkeypatch)
    assert sorted(scored) == list(SUITES)
    assert {one.protocol for one in RunFolder(killed).records()} <= set(manifest["protocols"])


def test_a_cell_of_which_nobody_lists_the_data_is_scored_again(killed: Path, resumed, monkeypatch) -> None:
    lines = (killed / NAME).read_text().splitlines()
    (killed / NAME).write_text("".join(f"{line}\n" for line in lines if json.loads(line)["kind"] != "dataset"))
    assert sorted(resumed(monkeypatch)[0]) == list(SUITES)


def test_damaged_lines_are_left_out_and_the_others_read(killed: Path, tmp_path: Path) -> None:
    whole = read_facts(killed)
    assert whole.protocols
    assert {one["split"] for one in whole.datasets} >= {"test"}
    broken = tmp_path / "broken"
    broken.mkdir()
    shutil.copy(killed / NAME, broken / NAME)
    with (broken / NAME).open("ab") as stream:
        stream.write(b'[]\n{"kind": 5, "value": {}}\n\xff\xfe\n{"schema": 1, "kind": "protocol", "value": {"dig')
    assert read_facts(broken) == whole
    assert read_facts(tmp_path).protocols == {}


def test_what_was_told_is_not_told_again(killed: Path) -> None:
    folder = RunFolder(killed)
    before = (killed / NAME).read_bytes()
    folder.append_facts({"0" * 16: {"suite": "x"}}, [], [])
    once = (killed / NAME).read_bytes()
    folder.append_facts({"0" * 16: {"suite": "x"}}, [], [])
    assert (killed / NAME).read_bytes() == once != before
