"""Every change of a sealed run is named; untouched it holds. What a new seal cannot hide is named, too."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from editing_runs import edit_lines, edit_manifest, edit_rows, other
from foresight_harness.judging.analyses import conclude
from foresight_harness.judging.analyses.verifying import verify
from foresight_harness.running.lifecycle.sealing import PAGES, differences, read_seal, resealed, seal, sealed_names
from foresight_harness.surface.command import main


def problems(run: Path, *, kinds: Any = ()) -> list[str]:
    """What verify says, without concluding anew unless asked: the seal covers conclusions."""
    return verify(run, kinds).problems


def test_untouched_run_holds_with_conclusions_and_whatever_becomes_of_its_page(sealed: Path, capsys) -> None:
    found = verify(sealed)
    assert found.problems == []
    assert found.records > 10
    assert found.seal == read_seal(sealed).digest
    (sealed / "report.html").write_text("another page")
    (sealed / "report").mkdir()
    (sealed / "report" / "index.html").write_text("a page in a folder")
    for name in ("decision.html", "decision.json"):  # what ``decide RUN`` leaves there
        (sealed / name).write_text("{}")
    assert main(["verify", str(sealed)]) == 0
    assert f"seal: {found.seal}" in capsys.readouterr().out


def test_a_run_that_is_named_by_a_link_holds_and_one_under_another_name_does_not(sealed: Path) -> None:
    link = sealed.parent / "latest"
    link.symlink_to(sealed.name)
    assert problems(link) == []
    link.unlink()
    moved = sealed.rename(sealed.parent / "another")
    assert [line for line in problems(moved) if "the folder is called another" in line]


def test_every_field_of_every_kind_of_record_is_covered(sealed: Path, tmp_path: Path) -> None:
    lines = [json.loads(line) for line in (sealed / "records.jsonl").read_text().splitlines()]
    kinds = {(line["suite"], line["status"]): place for place, line in enumerate(lines)}
    edits = 0
    for place in kinds.values():
        for field, value in lines[place].items():
            if field == "schema":  # a newer one is refused, an older one there is none
                continue
            changed = [*lines]
            changed[place] = {**lines[place], field: other(value)}
            (sealed / "records.jsonl").write_text("".join(json.dumps(line) + "\n" for line in changed))
            said = differences(sealed)
            assert "records.jsonl was changed after the run was sealed" in said, field
            assert any(line.startswith("record of ") for line in said), field
            edits += 1
    assert edits > 100


def test_every_field_of_the_manifest_is_covered(sealed: Path) -> None:
    before = (sealed / "run.json").read_text()
    fields = list(json.loads(before))
    assert len(fields) > 20
    for field in fields:
        for change in (lambda content, f=field: content.update({f: other(content[f])}), lambda c, f=field: c.pop(f)):
            edit_manifest(sealed, change)
            assert "run.json was changed after the run was sealed" in differences(sealed), field
            (sealed / "run.json").write_text(before)
    assert differences(sealed) == []


def test_every_file_that_is_changed_cut_or_removed_is_named(sealed: Path) -> None:
    names = sealed_names(sealed)
    folders = {name.partition("/")[0] for name in names}
    assert folders >= {"run.json", "records.jsonl", "samples", "tokens", "media", "analysis", "gates"}
    for name in names:
        path = sealed / name
        content = path.read_bytes()
        flipped = bytearray(content)
        flipped[len(flipped) // 2] ^= 1
        for changed in (bytes(flipped), content[:-1], b""):
            path.write_bytes(changed)
            assert f"{name} was changed after the run was sealed" in differences(sealed)
        path.unlink()
        assert f"{name} was removed after the run was sealed" in differences(sealed)
        path.write_bytes(content)
    assert differences(sealed) == []


FIELDS = [
    *("run", "cell", "candidate", "role", "suite", "dataset", "split", "fingerprint", "protocol", "dtype", "device"),
    *("attention", "wall_s", "of_cell", "metric", "probe", "value", "unit", "direction", "n", "ci_low", "ci_high"),
    *("ci_method", "floor", "floor_by", "ceiling", "ceiling_by", "seeds", "per_sample", "resamples", "gateable"),
    *("controls_ok", "samples_digest", "params", "provenance", "details"),
]
"""Each changed by itself: the table that the command is held to."""


@pytest.mark.parametrize("field", FIELDS)
def test_changed_field_of_a_record_is_named_by_verify(sealed: Path, field: str) -> None:
    def change(lines: list[dict[str, Any]]) -> None:
        line = next(line for line in lines if line["metric"] == "iou")
        line[field] = other(line[field])

    edit_lines(sealed, change)
    assert any("after the run was sealed" in line for line in problems(sealed))


FOLDERS = ["samples", "tokens", "media", "analysis", "gates"]
REMOVED = ["run.json", "records.jsonl", "seal.json", "media/index.jsonl", *FOLDERS]


@pytest.mark.parametrize("name", REMOVED)
def test_removed_file_or_folder_is_named_by_verify_or_the_run_refused(sealed: Path, name: str, capsys) -> None:
    path = sealed / name
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    assert main(["verify", str(sealed)]) in (1, 2)
    printed = capsys.readouterr()
    assert name.partition("/")[0] in printed.out + printed.err
    assert "Traceback" not in printed.out + printed.err


def drop_failures(run: Path) -> None:
    edit_lines(run, lambda lines: lines.__setitem__(slice(None), [line for line in lines if line["status"] == "ok"]))


def drop_a_metric(run: Path) -> None:
    def change(lines: list[dict[str, Any]]) -> None:
        gone = next(line for line in lines if line["metric"] == "map50")
        lines.remove(gone)
        for line in lines:
            if line["cell"] == gone["cell"]:
                line["of_cell"] -= 1

    edit_lines(run, change)


def field(name: str, value: Any) -> Callable[[Path], None]:
    def change(lines: list[dict[str, Any]]) -> None:
        line = next(line for line in lines if line["metric"] == "iou")
        line[name] = value

    return lambda run: edit_lines(run, change)


def stated(*place: str, value: Any) -> Callable[[Path], None]:
    def change(content: dict[str, Any]) -> None:
        for name in place[:-1]:
            content = content[name]
        content[place[-1]] = value

    return lambda run: edit_manifest(run, change)


def drop_a_picture(run: Path) -> None:
    sorted((run / "media").rglob("*.webp"))[0].unlink()


def add_a_picture(run: Path) -> None:
    shutil.copy(sorted((run / "media").rglob("*.webp"))[0], run / "media" / "another.webp")


def move_a_picture(run: Path) -> None:
    path = run / "media" / "index.jsonl"
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    line = next(line for line in lines if line["cell"])
    line["candidate"] = "another@mask/identity/single/linear"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))


def trained(run: Path) -> None:
    def change(lines: list[dict[str, Any]]) -> None:
        for line in lines:
            for model in line["provenance"]:
                model["kind"] = "published"

    edit_lines(run, change)


RESEALED: dict[str, Callable[[Path], None]] = {
    "every failed record deleted": drop_failures,
    "a metric dropped and of_cell lowered": drop_a_metric,
    "weights made published": trained,
    "gateable": field("gateable", True),
    "unit": field("unit", "px"),
    "direction": field("direction", "lower"),
    "range": field("range", [0.0, 2.0]),
    "floor's name": field("floor_by", "nothing"),
    "dtype": field("dtype", "bfloat16"),
    "device": field("device", "cuda"),
    "fingerprint": field("fingerprint", "0" * 64),
    "params": field("params", {"encoder": 7}),
    "attention": field("attention", "eager"),
    "wall_s": field("wall_s", 1.0),
    "seeds": field("seeds", [5]),
    "role": field("role", "candidate"),
    "run": field("run", "another"),
    "resamples": field("resamples", 100),
    "value and interval": lambda run: edit_lines(
        run, lambda lines: [line.update(value=0.9) for line in lines if line["metric"] == "iou"]
    ),
    "hardware": stated("hardware", "cpu", value="another"),
    "scale": stated("scale", value="full"),
    "counts": stated("counts", "failed", value=0),
    "status": stated("status", value="finished"),
    "dtype of the options": stated("options", "dtype", value="float16"),
    "data sets": stated("datasets", value=[]),
    "cells": lambda run: edit_manifest(run, lambda content: content["cells"].pop()),
    "suites": stated("suites", value=["spatial"]),
    "sessions": stated("sessions", value=[]),
    "extraction": stated("extraction", "cache_keys", value=[]),
    "started": stated("started", value="2020-01-01T00:00:00+00:00"),
    "protocols": stated("protocols", value={}),
    "gate file": lambda run: (run / "gates" / "places.toml").write_text("bound = 0"),
    "gate file removed": lambda run: (run / "gates" / "places.toml").unlink(),
    "picture removed": drop_a_picture,
    "picture added": add_a_picture,
    "picture of another": move_a_picture,
    "a sample": lambda run: edit_rows(run, lambda rows: rows[0].update(value=0.5)),
    "suite of the samples": lambda run: edit_rows(run, lambda rows: None, suite="another"),
    "data set of the samples": lambda run: edit_rows(run, lambda rows: [row.update(dataset="coins") for row in rows]),
    "seal removed": lambda run: (run / "seal.json").unlink(),
}


@pytest.mark.parametrize("name", RESEALED)
def test_change_that_was_sealed_anew_contradicts_what_stands_elsewhere(sealed: Path, name: str) -> None:
    RESEALED[name](sealed)
    conclude(sealed)
    if name != "seal removed":
        seal(sealed)
    found = problems(sealed)
    assert found, name
    assert not any("after the run was sealed" in line for line in found), found
    assert all("\n" not in line for line in found)


def test_comparison_and_export_seal_again_only_what_they_wrote(sealed: Path) -> None:
    (sealed / "analysis").mkdir(exist_ok=True)
    with resealed(sealed, "analysis/regressions.json"):
        (sealed / "analysis" / "regressions.json").write_text("{}")
    assert differences(sealed) == []
    edit_manifest(sealed, lambda content: content.update(command="another"))
    with resealed(sealed, "run.json"):
        edit_manifest(sealed, lambda content: content.update(exporters=[{"name": "x"}]))
    assert "run.json was changed after the run was sealed" in differences(sealed)


def test_seal_that_was_edited_is_named(sealed: Path) -> None:
    path = sealed / "seal.json"
    content = json.loads(path.read_text())
    content["files"]["run.json"] = "0" * 64
    path.write_text(json.dumps(content))
    assert "seal.json was changed after the run was sealed" in problems(sealed)
    for damage in (b"", b"[]", b"{}", b"\xff", b'{"files": 5, "records": 3, "digest": 1, "run": 2}'):
        path.write_bytes(damage)
        (line,) = [line for line in problems(sealed) if "seal.json" in line]
        assert "\n" not in line


def test_links_in_the_place_of_files_or_added_beside_them_are_named(sealed: Path) -> None:
    samples = sorted((sealed / "samples").glob("*.parquet"))[0]
    samples.unlink()
    samples.symlink_to(samples.name)  # a circle
    (sealed / "records.jsonl").rename(sealed.parent / "elsewhere")
    (sealed / "records.jsonl").mkdir()
    (sealed / "round").symlink_to(sealed)
    said = differences(sealed)
    assert f"samples/{samples.name} was changed after the run was sealed" in said
    assert "records.jsonl was removed after the run was sealed" in said
    assert "round was added after the run was sealed" in said


def test_pages_alone_are_left_out(sealed: Path) -> None:
    here = {path.relative_to(sealed).as_posix() for path in sealed.rglob("*") if path.is_file()}
    left = {name for name in here - set(sealed_names(sealed)) if not Path(name).name.startswith(".")}
    assert left == {"seal.json", PAGES[0]}
