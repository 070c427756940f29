"""Plugins that were never loaded here are loaded in a child process first: what ends a process ends only that one.

A plugin that a child survived is remembered by the digest of its sources, in the user's cache, and loaded at once from
then on. A process that dies while it loads plugins leaves a marker behind; the next one tries all of them again.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import signal
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

LIMIT_S = 300.0
"""Seconds that a child may take for all its plugins: importing torch on a busy machine takes tens of them."""
MARKER = "loading"
OLD_S = 86400.0
"""A marker older than this is no one's: process numbers come round again."""


def remembered() -> Path:
    """Folder of what was tried: one empty file a plugin and state of its sources."""
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "foresight" / "plugins"


def tried(plugins: Mapping[str, tuple[str, str]]) -> dict[str, str]:
    """Load plugins in a child, those that are not remembered.

    Args:
        plugins: Module and digest by name.

    Returns:
        What is wrong with those that a child did not survive, by name, as the end of a sentence.
    """
    place = remembered()
    _distrust_survivors(place)
    unknown = {name: value for name, (value, digest) in plugins.items() if not (place / _mark(value, digest)).exists()}
    fatal: dict[str, str] = {}
    waiting = dict(unknown)
    while waiting:
        passed, culprit, reason = _child(waiting)
        for name in passed:
            _remember(place / _mark(*plugins[name]))
            waiting.pop(name, None)
        if culprit is None:
            break
        fatal[culprit] = reason
        waiting.pop(culprit, None)
    return fatal


@contextmanager
def marked(plugins: Sequence[tuple[str, str]]) -> Iterator[None]:
    """Around the loading itself: a marker of these (module, digest) stays behind where the process dies in it."""
    path = remembered() / f"{MARKER}-{_host()}-{os.getpid()}"
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(_mark(*plugin) for plugin in plugins), encoding="utf-8")
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            path.unlink()


def _host() -> str:
    return os.uname().nodename if hasattr(os, "uname") else "here"


def _mark(value: str, digest: str) -> str:
    facts = f"{value} {digest} {sys.version} {sys.executable}"
    return hashlib.sha256(facts.encode()).hexdigest()[:32]


def _remember(path: Path) -> None:
    with contextlib.suppress(OSError):  # a cache that cannot be written costs a child every time
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def _distrust_survivors(place: Path) -> None:
    """Forget the plugins that a process was loading when it died."""
    for marker in place.glob(f"{MARKER}-{_host()}-*"):
        with contextlib.suppress(OSError, ValueError):
            if _is_alive(int(marker.name.rpartition("-")[2])) and time.time() - marker.stat().st_mtime < OLD_S:
                continue
            for mark in marker.read_text(encoding="utf-8").split():
                (place / Path(mark).name).unlink(missing_ok=True)
            marker.unlink()


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _child(plugins: Mapping[str, str]) -> tuple[list[str], str | None, str]:
    """Load plugins in one child: names of those that it survived, of the one that it did not, and what became of it."""
    import subprocess  # most processes try nothing, and need none of these
    import tempfile

    with tempfile.TemporaryDirectory(prefix="foresight-") as folder:
        journal = Path(folder) / "journal"
        job = {"path": sys.path, "plugins": list(plugins.items()), "journal": str(journal)}
        command = [sys.executable, "-c", "from foresight_harness.planning.registry.trial_child import main; main()"]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        reason, code = "", 0
        try:
            done = subprocess.run(
                command,
                input=json.dumps(job).encode(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=environment,
                timeout=LIMIT_S,
                check=False,
            )
            code = done.returncode
        except subprocess.TimeoutExpired:
            reason = f"did not end within {LIMIT_S:g} s"
        except OSError:  # no process can be had: the plugins are loaded without a trial
            return list(plugins), None, ""
        events = journal.read_text(encoding="utf-8").splitlines() if journal.exists() else []
    steps = [json.loads(line) for line in events if line.endswith("]")]
    ended = [name for name, step in steps if step == "end"]
    if ["", "all"] in steps or not steps:  # a child that did not even start says nothing about any plugin
        return ended if steps else list(plugins), None, ""
    name, step = steps[-1]
    hook = f"{step} " if step.startswith("foresight_") else ""
    return ended, name, f"{hook}{reason or _said(code)}"


def _said(code: int) -> str:
    if code < 0:
        with contextlib.suppress(ValueError):
            return f"killed the process by {signal.Signals(-code).name}"
    return f"ended the process with exit code {code}"
