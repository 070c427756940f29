from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from foresight_harness.contracts.errors import UsageError
from foresight_harness.running.lifecycle.holding import hold

HOLD = """
import sys, time
from pathlib import Path
from foresight_harness.running.lifecycle.holding import hold
held = hold(Path(sys.argv[1]))
print("held", flush=True)
time.sleep(3600)
"""


@pytest.fixture
def other(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that keeps the run."""
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def test_a_run_that_another_process_keeps_is_refused_and_it_is_named(
    tmp_path: Path, other: subprocess.Popen[str]
) -> None:
    with pytest.raises(UsageError, match=f"{tmp_path.name} is being kept by process {other.pid} on .* since 2") as said:
        hold(tmp_path)
    assert "\n" not in str(said.value)


def test_what_a_killed_keeper_left_stops_nobody_and_is_removed(tmp_path: Path, other: subprocess.Popen[str]) -> None:
    other.kill()
    other.wait()
    assert sorted(path.name for path in tmp_path.iterdir()) == [".keeper", ".keeper.holder"]
    held = hold(tmp_path)
    held.let_go()
    held.let_go()
    assert list(tmp_path.iterdir()) == []


def test_a_process_may_go_on_with_a_run_that_it_keeps_already(tmp_path: Path) -> None:
    first = hold(tmp_path)
    second = hold(tmp_path)
    second.let_go()
    assert (tmp_path / ".keeper").is_file()
    first.let_go()


def test_a_folder_that_takes_no_lock_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / ".keeper").mkdir()
    hold(tmp_path).let_go()
    assert (tmp_path / ".keeper").is_dir()
