"""``--resume``: onto what the run was begun with, and onto nothing else; nothing of an earlier session is lost."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from foresight_harness.contracts.records import Record
from foresight_harness.judging.analyses.verifying import verify
from foresight_harness.measuring.suites import alignment
from foresight_harness.planning.options import scale
from foresight_harness.running.lifecycle import resuming
from foresight_harness.running.lifecycle.sealing import read_seal
from foresight_harness.running.run_folder.digests import run_digests
from foresight_harness.running.run_folder.record_file import read_records

pytestmark = pytest.mark.usefixtures("few_pictures", "hearing")
ORACLE, CONSTANT = "oracle@mask/identity/single/linear", "constant@patch/identity/single/linear"
PLUGIN = "from foresight_harness import hookimpl\n@hookimpl\ndef foresight_encoders():\n    return []\n"


def files_of(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def records(run: Path) -> list[Record]:
    return read_records(run / "records.jsonl")


def broken_for(name: str, monkeypatch: pytest.MonkeyPatch, error: BaseException | None = None) -> None:
    """Let the cell of a candidate fail, or without an error be interrupted."""
    sound = alignment.score

    def score(cell: Any) -> Any:
        if str(cell.candidate) == name:
            if error is None:
                signal.raise_signal(signal.SIGINT)
            else:
                raise error
        return sound(cell)

    monkeypatch.setattr(alignment, "score", score)


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the folder of that session is kept for all tests."""
    return tmp_path_factory.mktemp("begun") / "session"


@pytest.fixture
def begun(session, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, kept: Path) -> Path:
    """A run of two candidates that was interrupted in the second one: made once, and a copy for each test."""
    if kept.exists():
        shutil.copytree(kept, pytester.path, symlinks=True, dirs_exist_ok=True)
    else:
        with monkeypatch.context() as patch:
            broken_for(CONSTANT, patch)
            assert session().ret == 2
        shutil.copytree(pytester.path, kept, symlinks=True)
    return (pytester.path / "runs" / "latest").resolve()


OTHERWISE: dict[str, tuple[tuple[str, ...], str]] = {
    "dtype": (("--dtype", "bfloat16"), "--dtype was float32 and is bfloat16"),
    "picture size": (("--picture-px", "64"), "--picture-px was not given and is 64"),
    "input": (("--input", "equal-tokens"), "--input was own and is equal-tokens"),
    "seeds": (("--seeds", "2"), "--seeds was not given and is 2"),
    "training size": (("--train-size", "20"), "--train-size was not given and is 20"),
    "scale": (("--scale", "small"), "--scale was smoke and is small"),
    "data sets": (("--dataset", "coins"), "--dataset was shapes and is shapes, coins"),
    "weights": (("--weights", "random"), "--weights was not given and is random"),
    "attention": (("--attention", "eager"), "--attention was auto and is eager"),
    "recipe": (("--recipe", "frozen_enhancer"), "--recipe was joint and is frozen_enhancer"),
    "probe": (("--probe", "knn"), "--probe was not given and is knn"),
    "weights of elsewhere": (("--weights", "pretrained"), "--weights was not given and is pretrained"),
    "more candidates": (
        ("--candidate", "pixels@patch/identity/single/linear"),
        "candidates that were not planned: pixels@patch/identity/single/linear",
    ),
    "fewer candidates": (("-k", "not constant"), f"candidates that are not asked for any more: {CONSTANT}"),
}


def test_anything_else_than_what_began_the_run_is_refused_in_one_line_that_names_it(session, begun: Path) -> None:
    before = files_of(begun)
    for kind, (given, said) in OTHERWISE.items():
        ended = session("--resume", *given)
        assert ended.ret == pytest.ExitCode.USAGE_ERROR, kind
        (line,) = [line for line in ended.errlines + ended.outlines if "ERROR" in line]
        assert f"--resume: {begun.name} was begun with something else: " in line, kind
        assert said in line, kind
        anew = line.partition("To start anew: pytest benchmarks ")[2]
        assert anew, kind
        assert "--resume" not in anew, kind
        assert files_of(begun) == before, kind


def test_other_versions_code_sizes_and_threads_are_refused(
    session, begun: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(said: str) -> None:
        ended = session("--resume")
        assert ended.ret == pytest.ExitCode.USAGE_ERROR
        assert said in "\n".join(ended.errlines + ended.outlines)

    with monkeypatch.context() as patch:
        now = resuming.environment({})
        patch.setattr(resuming, "environment", lambda facts: {**now, "torch": "9.9"})
        refused(f"torch was {now['torch']} and is 9.9")
    with monkeypatch.context() as patch:
        patch.setattr(resuming, "code_digest", lambda: "0123")
        refused("the code of foresight_harness was changed")
    with monkeypatch.context() as patch:
        patch.setenv("OMP_NUM_THREADS", "7")
        refused("and is 7")
    with monkeypatch.context() as patch:
        from dataclasses import replace

        patch.setitem(scale.SCALES, "smoke", replace(scale.SCALES["smoke"], permutations=6))
        refused("size permutations was 5 and is 6")
    assert session("--resume").ret == 0


def test_other_code_of_a_plugin_and_another_plugin_are_refused(
    session, pytester: pytest.Pytester, plugin_module, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = plugin_module("extra", PLUGIN)
    with monkeypatch.context() as patch:
        broken_for(CONSTANT, patch)
        session()
    (folder / "foresight_test_extra.py").write_text(PLUGIN + "# changed\n")
    ended = session("--resume")
    assert ended.ret == pytest.ExitCode.USAGE_ERROR
    assert "the code of plugin extra was changed" in "\n".join(ended.errlines)
    (folder / "foresight_test_extra.py").write_text(PLUGIN)
    plugin_module("other", PLUGIN)
    ended = session("--resume")
    assert ended.ret == pytest.ExitCode.USAGE_ERROR
    assert "plugin other was not installed" in "\n".join(ended.errlines)


def test_data_set_whose_content_was_changed_is_refused(
    session, photographs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = f"coco:{photographs}"
    with monkeypatch.context() as patch:
        broken_for(CONSTANT, patch)
        session(data=data)
    path = photographs / "annotations.json"
    content = json.loads(path.read_text())
    content["annotations"][1]["bbox"] = [10, 10, 60, 50]
    path.write_text(json.dumps(content))
    ended = session("--resume", data=data)
    assert ended.ret == pytest.ExitCode.USAGE_ERROR
    assert "the content of data set coco (test) was changed" in "\n".join(ended.errlines)


def test_run_that_another_process_keeps_is_refused_in_one_line(session, begun: Path, latest) -> None:
    code = "import sys, pathlib, time; from foresight_harness.running.lifecycle.holding import hold\n"
    code += "held = hold(pathlib.Path(sys.argv[1])); print(1, flush=True); time.sleep(3600)"
    with subprocess.Popen([sys.executable, "-c", code, str(begun)], stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        other.stdout.readline()
        ended = session("--resume")
        other.kill()
    assert ended.ret == pytest.ExitCode.USAGE_ERROR
    (line,) = [line for line in ended.errlines + ended.outlines if "ERROR" in line]
    assert f"{begun.name} is being kept by process {other.pid}" in line
    assert session("--resume").ret == 0
    assert latest()["status"] == "complete"
    assert not list(begun.glob(".keeper*"))


def test_resumed_run_keeps_what_every_session_said(session, latest, begun: Path, pytester: pytest.Pytester) -> None:
    before = latest()
    first = [record for record in records(begun) if record.candidate == ORACLE]
    assert session("--resume", "--max-failures", "3").ret == 0
    manifest = latest()
    assert [one["status"] for one in manifest["sessions"]] == ["interrupted", "complete"]
    assert manifest["sessions"][0] == before["sessions"][0]
    assert manifest["started"] == before["started"]
    assert [one["counts"]["ok"] for one in manifest["sessions"]] == [1, 1]
    assert (manifest["counts"]["planned"], manifest["counts"]["ok"]) == (2, 2)
    keys = [set(one["extraction"]["cache_keys"]) for one in manifest["sessions"]]
    assert set(manifest["extraction"]["cache_keys"]) == keys[0] | keys[1]
    assert keys[0]
    forwarded = manifest["extraction"]["pictures_forwarded"]
    assert forwarded["oracle"] == before["extraction"]["pictures_forwarded"]["oracle"] > 0
    assert [record for record in records(begun) if record.candidate == ORACLE] == first


def test_resuming_a_finished_run_changes_no_byte(session, pytester: pytest.Pytester, monkeypatch) -> None:
    assert session().ret == 0
    run = (pytester.path / "runs" / "latest").resolve()
    before = files_of(run)
    monkeypatch.setattr(alignment, "score", lambda cell: pytest.fail("a finished cell was scored again"))
    ended = session("--resume")
    assert ended.ret == 0
    assert files_of(run) == before
    ended.stdout.fnmatch_lines(["the run was finished before: *not a byte of it was changed"])


def test_run_that_was_killed_while_it_concluded_is_concluded_and_sealed(
    session, latest, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert session().ret == 0
    run = (pytester.path / "runs" / "latest").resolve()
    scored = records(run)
    for path in (run / "seal.json", run / "report.html", *(run / "analysis").glob("*.json")):
        path.unlink()
    content = json.loads((run / "run.json").read_text())
    del content["sealed"]
    (run / "run.json").write_text(json.dumps(content))
    monkeypatch.setattr(alignment, "score", lambda cell: pytest.fail("a finished cell was scored again"))
    assert session("--resume").ret == 0
    assert records(run) == scored
    assert verify(run).problems == []
    assert read_seal(run).holds
    assert (run / "report.html").is_file()
    assert [one["status"] for one in latest()["sessions"]] == ["complete", "complete"]


def test_failed_cell_of_a_complete_run_is_tried_again_and_its_failure_stays_in_its_session(
    session, latest, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        broken_for(CONSTANT, patch, ValueError("broken"))
        assert session().ret == 1
    assert latest()["status"] == "complete"
    assert session("--resume").ret == 0
    manifest = latest()
    assert (manifest["counts"]["planned"], manifest["counts"]["ok"], manifest["counts"]["failed"]) == (2, 2, 0)
    (failure,) = manifest["sessions"][0]["failures"]
    assert (failure["candidate"], failure["status"], failure["error"]) == (CONSTANT, "failed", "ValueError: broken")


DAMAGE = {
    "empty run.json": lambda run: (run / "run.json").write_text(""),
    "run.json of a list": lambda run: (run / "run.json").write_text("[]"),
    "run.json that is no UTF-8": lambda run: (run / "run.json").write_bytes(b"\xff\xfe\x00"),
    "no run.json": lambda run: (run / "run.json").unlink(),
    "a line in the middle that is no JSON": lambda run: (run / "records.jsonl").write_bytes(
        b"{broken\n5\n[]\n\xff\n" + (run / "records.jsonl").read_bytes()
    ),
    "a media index that is no UTF-8": lambda run: (run / "media" / "index.jsonl").open("ab").write(b"\xff\xfe\n"),
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_what_is_whole_of_a_damaged_run_is_resumed(session, begun: Path, latest, damage, monkeypatch) -> None:
    whole = [record for record in records(begun) if record.candidate == ORACLE]
    damage(begun)
    scored = []
    sound = alignment.score
    monkeypatch.setattr(alignment, "score", lambda cell: scored.append(str(cell.candidate)) or sound(cell))
    assert session("--resume").ret == 0
    assert scored == [CONSTANT]
    assert latest()["status"] == "complete"
    assert [record for record in records(begun) if record.candidate == ORACLE] == whole


def test_cell_whose_samples_were_lost_is_scored_again(session, begun: Path, latest, monkeypatch) -> None:
    (cell,) = {record.cell for record in records(begun) if record.candidate == ORACLE and record.samples_digest} or {""}
    before = run_digests(records(begun))
    if cell:
        (begun / "samples" / f"{cell}.parquet").write_bytes(b"PAR1")
    else:  # this suite keeps tokens and no samples: what is left of the records is not whole
        (begun / "records.jsonl").write_bytes((begun / "records.jsonl").read_bytes()[:-300])
    assert session("--resume").ret == 0
    after = run_digests(records(begun))
    assert {name: after[name] for name in before} == before


def test_lost_manifest_and_another_dtype_score_everything_again(session, begun: Path, monkeypatch) -> None:
    (begun / "run.json").write_text("")
    assert session("--resume", "--dtype", "bfloat16").ret == 0
    assert {record.dtype for record in records(begun)} == {"bfloat16"}


def test_foreign_latest_is_left_alone_said_and_does_not_hide_the_run(session, pytester: pytest.Pytester) -> None:
    foreign = pytester.path / "runs" / "latest"
    foreign.mkdir(parents=True)
    (foreign / "run.json").write_text("{}")
    (foreign / "report.html").write_text("another's")
    ended = session()
    assert ended.ret == 0
    assert files_of(foreign) == {"run.json": b"{}", "report.html": b"another's"}
    (run,) = [path for path in foreign.parent.iterdir() if path.is_dir() and path != foreign]
    ended.stdout.fnmatch_lines(
        [
            f"*latest is a folder that no run of this command made; it was left alone, *{run.name}*",
            f"report: *{run.name}*",
        ]
    )
    resumed = session("--resume")
    resumed.stdout.fnmatch_lines(["the run was finished before*", f"run: *{run.name}"])
    shutil.rmtree(foreign)
    foreign.symlink_to(pytester.path)
    session()
    assert foreign.readlink() == pytester.path
