"""A pytest session in a process of its own, to be killed while it searches. Imported there, so it holds no tests."""

from __future__ import annotations

import os
import sys
from pathlib import Path


def carry_out(folder: str, arguments: list[str], environment: dict[str, str], dies: bool) -> None:
    """``pytest`` with these arguments in a folder, one thread everywhere, so that sums are in equal order.

    Args:
        folder: To work in; what is printed goes to ``said.txt`` there.
        arguments: Of pytest.
        environment: Of the session.
        dies: Whether the process is killed as soon as its first rung holds a whole cell.
    """
    import atexit
    import threading

    os.environ.update(environment)
    stream = os.open(Path(folder, "said.txt"), os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(stream, 1)
    os.dup2(stream, 2)
    os.chdir(folder)
    sys.path[:0] = environment["PYTHONPATH"].split(os.pathsep)
    if dies:
        threading.Thread(target=_die_after_a_cell, args=(Path(folder),), daemon=True).start()
    import pytest
    import torch

    torch.set_num_threads(1)
    code = int(pytest.main(arguments))
    sys.stdout.flush()
    atexit._run_exitfuncs()  # the end of an interpreter, which a forked process leaves out
    os._exit(code)


def _die_after_a_cell(folder: Path) -> None:
    import signal
    import time

    from foresight_harness.contracts.errors import RunFolderError
    from foresight_harness.running.run_folder.record_file import read_records

    while True:
        for path in folder.glob("runs/*/search/1_steps/records.jsonl"):
            try:
                lines = read_records(path)
            except RunFolderError:
                continue
            if any(sum(other.cell == line.cell for other in lines) == line.of_cell for line in lines):
                os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(0.005)
