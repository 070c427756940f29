"""The child of ``trials``: loads plugins one by one, and writes down what it is about to do."""

from __future__ import annotations

import importlib
import json
import os
import sys
from pathlib import Path


def main() -> None:
    """Import every plugin of the job on standard input and call its hooks; ordinary errors are the parent's to see."""
    job = json.loads(sys.stdin.buffer.read())
    sys.path[:] = job["path"]
    with Path(job["journal"]).open("a", encoding="utf-8", buffering=1) as journal:  # flushed line by line

        def write(name: str, step: str) -> None:
            journal.write(json.dumps([name, step]) + "\n")

        for name, value in job["plugins"]:
            write(name, "import")
            try:
                module = importlib.import_module(value)
            except BaseException:
                write(name, "end")
                continue
            for hook in sorted(vars(module)):
                function = getattr(module, hook)
                if hook.startswith("foresight_") and hook != "foresight_record" and callable(function):
                    write(name, hook)
                    try:
                        list(function())
                    except BaseException:
                        continue
            write(name, "end")
        write("", "all")
    os._exit(0)  # threads that a plugin started do not hold the answer up
