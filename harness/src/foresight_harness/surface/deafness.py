"""Whether Ctrl-C reaches this process: shells start jobs in the background with SIGINT ignored."""

from __future__ import annotations

import os
import signal


def deaf() -> str | None:
    """One line that says how to stop a process which never sees Ctrl-C; None where it does."""
    if signal.getsignal(signal.SIGINT) is not signal.SIG_IGN:
        return None
    return (
        "Ctrl-C does not reach this process (it was started with SIGINT ignored, as a job in the background is); "
        f"kill -TERM {os.getpid()} stops it in order"
    )
