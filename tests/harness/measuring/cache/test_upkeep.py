from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
import torch
from filelock import FileLock
from foresight_harness.judging.comparison import baselines
from foresight_harness.measuring.cache import upkeep
from foresight_harness.measuring.cache.keys import content_key
from foresight_harness.measuring.cache.libraries import libraries_of
from foresight_harness.measuring.cache.store import ArrayStore
from foresight_harness.surface.command import main


def put(root: Path, number: int, age: float) -> str:
    """One entry of about 4 KB that was last used ``age`` seconds ago."""
    choices = {"kind": "features", "encoder": f"encoder_{number}", "tap": "last"}
    key = content_key(choices)
    store = ArrayStore(root)
    with store.writer(key, choices) as writer:
        writer.add(torch.rand(10, 100))
    index = store.folder(key) / "index.json"
    moment = index.stat().st_mtime - age
    os.utime(index, (moment, moment))
    return key


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def test_pruning_takes_what_was_used_longest_ago(root: Path) -> None:
    keys = [put(root, number, age=100.0 * (5 - number)) for number in range(5)]
    sizes = {entry.key: entry.bytes for entry in upkeep.entries(root)}
    most = sizes[keys[3]] + sizes[keys[4]]
    assert [entry.key for entry in upkeep.prune(root, most)] == keys[:3]
    assert [entry.key for entry in upkeep.entries(root)] == keys[3:]


def test_reading_an_entry_makes_it_young(root: Path) -> None:
    old, young = put(root, 0, age=1000.0), put(root, 1, age=10.0)
    assert ArrayStore(root).open(old) is not None
    assert [entry.key for entry in upkeep.entries(root)] == [young, old]


def test_pruning_spares_what_it_is_told_to(root: Path) -> None:
    old, young = put(root, 0, age=1000.0), put(root, 1, age=10.0)
    assert [entry.key for entry in upkeep.prune(root, 0, spared=[old[:16]])] == [young]


def test_pruning_leaves_what_another_process_is_making(root: Path) -> None:
    key = put(root, 0, age=10.0)
    with FileLock(root / "locks" / f"{key}.lock"):
        assert upkeep.prune(root, 0) == []
    assert len(upkeep.prune(root, 0)) == 1


def test_flipped_bits_are_found_and_the_entry_is_removed(root: Path, capsys) -> None:
    put(root, 0, age=1.0)
    key = put(root, 1, age=1.0)
    shard = next(ArrayStore(root).folder(key).glob("*.safetensors"))
    content = bytearray(shard.read_bytes())
    content[-3] ^= 1
    shard.write_bytes(content)
    command = ["cache", "verify", "--feature-cache", str(root), "--json"]
    assert main(command) == 1
    assert [row["of"] for row in json.loads(capsys.readouterr().out)["damaged"]] == ["encoder_1@last"]
    assert main(command) == 0
    assert len(upkeep.entries(root)) == 1


def test_entry_without_a_readable_index_is_damage(root: Path) -> None:
    key = put(root, 0, age=1.0)
    (ArrayStore(root).folder(key) / "index.json").write_text("{")
    assert [(entry.kind, file) for entry, file in upkeep.damage(root)] == [("damaged", "index.json")]


def test_command_prunes_but_never_what_a_baseline_was_measured_on(
    root: Path, tmp_path: Path, write_run, capsys
) -> None:
    kept, gone = put(root, 0, age=1000.0), put(root, 1, age=10.0)
    run = write_run([], run="one", status="complete", extraction={"cache_keys": [kept[:16]]})
    baselines.promote(tmp_path, run, "main", "why")
    common = ["--feature-cache", str(root), "--out", str(tmp_path)]
    assert main(["cache", "prune", "--max-gib", "0", *common]) == 0
    assert "removed 1 entries" in capsys.readouterr().out
    assert [entry.key for entry in upkeep.entries(root)] == [kept]
    assert gone != kept


def test_command_shows_sizes_by_what_they_belong_to(root: Path, capsys) -> None:
    put(root, 0, age=1.0)
    assert main(["cache", "info", "--feature-cache", str(root), "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["rows"][0]["of"] == "encoder_0@last"
    assert shown["bytes"] > 4000


@pytest.mark.parametrize("extra", [["prune"], ["prune", "--max-gib", "-1"], ["info", "--feature-cache", "nowhere"]])
def test_bad_calls_are_one_line(root: Path, extra: list[str], capsys) -> None:
    put(root, 0, age=1.0)
    action, *rest = extra
    assert main(["cache", action, *(rest if "nowhere" in rest else ["--feature-cache", str(root), *rest])]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_libraries_name_torch_and_what_the_plugin_needs() -> None:
    found = libraries_of("foresight-dinov2")
    assert f"torch=={torch.__version__.partition('+')[0]}" in {line.partition("+")[0] for line in found}
    assert any(line.startswith("transformers==") for line in found)
    assert not any(line.startswith("foresight") for line in found)
    alone = libraries_of("no-such-distribution")  # torch, and what torch needs
    assert any(line.startswith("torch==") for line in alone)
    assert set(alone) < set(found)


def test_features_of_another_library_version_are_not_read(make_keeper, builtins, planned, monkeypatch) -> None:
    from foresight_harness.measuring.extraction import stage

    keeper = make_keeper()
    cell = planned(builtins, "pixels@patch/identity/single/linear", "spatial")
    spec, split = cell.candidate.streams[0].encoder, keeper.workshop.splits.decoded(cell.dataset, "test")
    before = content_key(keeper.workshop.extraction.choices(spec, "patch", split))
    monkeypatch.setattr(stage, "libraries_of", lambda distribution: ("torch==0.1",))
    assert content_key(keeper.workshop.extraction.choices(spec, "patch", split)) != before
