"""``foresight-bench ab`` as it is typed, on a clone of this repository."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from foresight_harness.judging.analyses.verifying import verify
from foresight_harness.surface.command import main

ROOT = Path(__file__).resolve().parents[4]
COMMAND = [str(Path(sys.executable).with_name("foresight-bench")), "ab"]
PLANTED = """

_encode = Pixels.encode


def _slower(self, clips, taps):
    for _ in range(12):
        _encode(self, clips, taps)
    return _encode(self, clips, taps)


Pixels.encode = _slower
"""


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """This repository as it stands, changes and all, in a commit of its own."""
    place = tmp_path_factory.mktemp("ab") / "clone"
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "harness", "benchmarks"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file():
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            (place / name).write_bytes((ROOT / name).read_bytes())
    git(place, "init", "--quiet")
    git(place, "add", ".")
    git(place, "commit", "--quiet", "-m", "base")
    return place


def git(where: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=t", "-c", "user.email=t@localhost")
    return subprocess.run(["git", *identity, *arguments], cwd=where, capture_output=True, text=True, check=True).stdout


@pytest.mark.slow
def test_slower_code_is_exit_1_and_what_only_one_side_has_is_not_compared(clone: Path) -> None:
    controls = clone / "harness" / "src" / "foresight_harness" / "parts" / "controls"
    encoders, specs = controls / "encoders.py", controls / "specs.py"
    before = encoders.read_text(), specs.read_text()
    assert before[1].count('name="oracle"') == 1
    encoders.write_text(before[0] + PLANTED)
    specs.write_text(before[1].replace('name="oracle"', 'name="prophet"'))
    names = [f"{name}/identity/single/linear" for name in ("pixels@patch", "oracle@mask")]
    chosen = [word for name in names for word in ("--candidate", name)]
    done = subprocess.run(
        [*COMMAND, "--base", "HEAD", *chosen, "--dataset", "shapes", "--rounds", "12", "--json", "--github"],
        cwd=clone,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    encoders.write_text(before[0])
    specs.write_text(before[1])
    assert done.returncode == 1, done.stderr
    found = json.loads(done.stdout)
    pixels, oracle = found["rows"]
    assert pixels["verdict"] == "slower"
    assert pixels["ratio"]["low"] > 1.2
    assert oracle["verdict"] == "not compared"
    assert oracle["reason"].startswith("the head cannot run it: candidate 'oracle@mask")
    assert f"::error title=slower::{names[0]} takes" in done.stderr
    assert "The working tree held 2 changed files" in found["caveats"][1]
    run = clone / found["run"]
    assert verify(run).problems == []
    assert (run / "report.html").is_file()
    assert not (clone / "runs" / "latest").exists(), "what was timed is no scored run"
    assert git(clone, "worktree", "list").count("\n") == 1


def hears_an_interrupt() -> None:
    """Whatever started the tests may ignore SIGINT, as a shell does for a job in the background."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_interrupt_removes_the_worktree(clone: Path) -> None:
    asked = ["--base", "HEAD", "--candidate", "pixels@patch/identity/single/linear"]
    running = subprocess.Popen(
        [*COMMAND, *asked], cwd=clone, stderr=subprocess.PIPE, text=True, preexec_fn=hears_an_interrupt
    )
    deadline = time.monotonic() + 600
    while git(clone, "worktree", "list").count("\n") < 2:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    running.send_signal(signal.SIGINT)
    _, said = running.communicate(timeout=600)
    assert (running.returncode, said) == (130, "foresight-bench ab: interrupted\n")
    listed = git(clone, "worktree", "list")
    assert listed.count("\n") == 1


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (["--base", "nowhere"], "--base nowhere: no such commit"),
        (["--base", "HEAD", "--rounds", "3"], "--rounds 3: at least 10"),
        (["--base", "HEAD", "--tolerance", "5"], "--tolerance 5: a share"),
        (["--base", "HEAD", "--candidate", "pixls@patch"], "unknown encoder"),
    ],
)
def test_bad_input_is_one_line_and_exit_2(clone: Path, asked: list[str], said: str, monkeypatch, capsys) -> None:
    monkeypatch.chdir(clone)
    assert main(["ab", *asked]) == 2
    printed = capsys.readouterr().err
    assert said in printed
    assert printed.count("\n") == 1


def test_a_base_that_is_older_than_the_command_is_one_line(clone: Path, monkeypatch, capsys) -> None:
    """Its harness has no ``ab``; that of the head must not be timed in its place."""
    git(clone, "rm", "-r", "--quiet", "--cached", "harness/src/foresight_harness/judging/ab")
    git(clone, "commit", "--quiet", "-m", "old")
    git(clone, "tag", "old")
    git(clone, "reset", "--quiet", "--hard", "HEAD~1")
    monkeypatch.chdir(clone)
    assert main(["ab", "--base", "old", "--candidate", "pixels@patch", "--dataset", "shapes"]) == 2
    said = capsys.readouterr().err
    assert "its harness is older than this command" in said
    assert said.count("\n") == 1
