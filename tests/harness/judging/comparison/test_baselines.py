from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest
from foresight_harness.contracts.errors import RunFolderError, UsageError
from foresight_harness.judging.comparison import baselines
from foresight_harness.judging.comparison.acknowledging import parse_acknowledgement
from foresight_harness.judging.comparison.against import target_of
from foresight_harness.surface.command import main


def test_promoted_baseline_is_found_by_name_with_its_reason(run_with, tmp_path: Path) -> None:
    known = parse_acknowledgement("a*|iou|trade|2999-01-01")
    baselines.promote(tmp_path, run_with("one"), "main", "first good run", [known])
    target = target_of(tmp_path, "main")
    assert (target.name, target.path.name, target.reason) == ("main", "one", "first good run")
    assert target.acknowledged == (known,)


def test_newer_promotion_wins_and_the_older_file_stays(run_with, tmp_path: Path) -> None:
    for name in ("one", "two"):
        baselines.promote(tmp_path, run_with(name), "main", "why")
    assert baselines.current(tmp_path, "main").run == "two"
    assert len(list((tmp_path / "baselines" / "main").glob("*.json"))) == 2


@pytest.mark.parametrize("harm", [lambda text: text[: len(text) // 2], lambda text: text.replace("two", "six")])
def test_damaged_baseline_is_refused_and_the_previous_one_still_stands(run_with, tmp_path: Path, harm) -> None:
    for name in ("one", "two"):
        baselines.promote(tmp_path, run_with(name), "main", "why")
    newest = tmp_path / "baselines" / "main" / "0002.json"
    newest.write_text(harm(newest.read_text()))
    with pytest.raises(RunFolderError, match="it is refused"):
        baselines.read_baseline(newest)
    target = target_of(tmp_path, "main")
    assert target.path.name == "one"
    assert len(target.refused) == 1
    assert "0002.json" in target.refused[0]


def test_newer_schema_is_refused(run_with, tmp_path: Path) -> None:
    baselines.promote(tmp_path, run_with("one"), "main", "why")
    path = tmp_path / "baselines" / "main" / "0001.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "schema": 2}))
    with pytest.raises(RunFolderError, match="newer than 1"):
        baselines.read_baseline(path)


def test_many_promotions_at_once_lose_none(run_with, tmp_path: Path) -> None:
    run = run_with("one")
    threads = [threading.Thread(target=baselines.promote, args=(tmp_path, run, "main", f"r{i}")) for i in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    files = sorted((tmp_path / "baselines" / "main").glob("*.json"))
    assert [path.stem for path in files] == [f"{number:04d}" for number in range(1, 13)]
    assert {baselines.read_baseline(path).reason for path in files} == {f"r{i}" for i in range(12)}


def test_pinned_baseline_is_not_replaced_by_the_way(run_with, tmp_path: Path) -> None:
    baselines.promote(tmp_path, run_with("one"), "release", "1.0", pinned=True)
    with pytest.raises(UsageError, match="pinned to one"):
        baselines.promote(tmp_path, run_with("two"), "release", "1.1")
    baselines.promote(tmp_path, run_with("two"), "release", "1.1", replace_pinned=True)
    assert baselines.current(tmp_path, "release").run == "two"


@pytest.mark.parametrize(("name", "reason"), [("Main", "x"), ("../main", "x"), ("", "x"), ("main", "  ")])
def test_bad_names_and_empty_reasons_are_refused(run_with, tmp_path: Path, name: str, reason: str) -> None:
    with pytest.raises(UsageError, match=r"baseline name|--reason"):
        baselines.promote(tmp_path, run_with("one"), name, reason)


def test_unknown_baseline_names_the_known_ones(run_with, tmp_path: Path) -> None:
    baselines.promote(tmp_path, run_with("one"), "main", "x")
    with pytest.raises(UsageError, match=r"no such baseline \(there are: main\)"):
        target_of(tmp_path, "mian")


def test_run_that_regressed_is_not_promoted_unless_acknowledged(run_with, tmp_path: Path, capsys, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    run_with("one")
    run_with("two", moved={0: -0.05}, noise=0.01)
    how = ["--name", "main", "--reason", "why", "--out", str(tmp_path)]
    assert main(["baseline", "promote", "one", *how]) == 0
    assert main(["baseline", "promote", "two", *how]) == 2
    assert "two is not promoted: 1 sentinels regressed against main" in capsys.readouterr().err
    accepted = ["--ack", "encoder_0@*|iou|accepted for speed|2999-01-01"]
    assert main(["baseline", "promote", "two", *how, *accepted]) == 0
    assert baselines.current(tmp_path, "main").run == "two"
    run_with("three", moved={0: -0.10}, noise=0.01)
    assert main(["compare", "three", "main", "--out", str(tmp_path)]) == 1, "the acknowledgement was used up"


def test_unused_acknowledgements_outlive_a_promotion(run_with, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    run_with("one")
    run_with("two")
    run_with("three", moved={0: -0.05}, noise=0.01)
    how = ["--reason", "why", "--out", str(tmp_path)]
    acks = [*("--ack", "encoder_0@*|iou|a trade to come|2999-01-01"), *("--ack", "*|iou|over|2020-01-01")]
    assert main(["baseline", "promote", "one", *how, *acks]) == 0
    assert main(["baseline", "promote", "two", *how]) == 0
    assert [one.reason for one in baselines.current(tmp_path, "main").acknowledged] == ["a trade to come"]
    assert main(["compare", "three", "main", "--out", str(tmp_path)]) == 0


def test_interrupted_run_is_not_promoted(run_with, tmp_path: Path, capsys) -> None:
    path = run_with("one")
    manifest = json.loads((path / "run.json").read_text())
    (path / "run.json").write_text(json.dumps({**manifest, "status": "interrupted"}))
    assert main(["baseline", "promote", "one", "--reason", "x", "--out", str(tmp_path)]) == 2
    assert "one is interrupted; only a complete run can be a baseline" in capsys.readouterr().err


def test_list_shows_baselines_and_what_was_refused(run_with, tmp_path: Path, capsys) -> None:
    for name in ("one", "two"):
        baselines.promote(tmp_path, run_with(name), "main", "why")
    (tmp_path / "baselines" / "main" / "0002.json").write_text("{")
    assert main(["baseline", "list", "--out", str(tmp_path), "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert [entry["run"] for entry in listed["baselines"]] == ["one"]
    assert len(listed["refused"]) == 1
