"""A small process that ends this one in one line, where a native call neither returns nor lets Python go on.

While Ray's client starts its native part, it holds the interpreter: no thread, no signal handler of Python gets a turn.
Where the head of the cluster dies just then, it waits for 60 s and ends the process without a word.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import IO

EXIT_STOPPED = 2
"""What pytest ends with where a session is stopped."""
WATCH = """
import os, select, signal, sys
seconds, parent, line = float(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
signal.signal(signal.SIGINT, signal.SIG_IGN)
ready, _, _ = select.select([0], [], [], seconds)
if ready and os.read(0, 1):
    sys.exit()
os.write(1, (line + os.linesep).encode(errors="replace"))
if not ready and os.getppid() == parent:
    os.kill(parent, signal.SIGKILL)
"""


@contextmanager
def watched(seconds: float, line: str, screen: IO[str] | None = None) -> Iterator[None]:
    """See to it that what is done within has an end.

    Args:
        seconds: After which this process is killed, with all that it has not written.
        line: Written then, and where this process dies meanwhile by itself.
        screen: Where it is written; None, or what has no file descriptor, is standard error.
    """
    try:
        place = sys.__stderr__.fileno() if screen is None else screen.fileno()  # type: ignore[union-attr]
    except (AttributeError, OSError, ValueError):
        place = 2
    command = [sys.executable, "-I", "-S", "-c", WATCH, str(seconds), str(os.getpid()), line]
    watch = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=place, stderr=subprocess.DEVNULL)
    assert watch.stdin is not None
    try:
        yield
    finally:
        with suppress(OSError):  # it has ended
            watch.stdin.write(b".")
            watch.stdin.close()
        watch.wait()


def leave_without_client() -> None:
    """End this process before Ray's client is taken down: the session was stopped, and everything is written."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(EXIT_STOPPED)
