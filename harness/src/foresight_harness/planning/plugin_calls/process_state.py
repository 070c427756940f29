"""What of the process plugin code may not leave changed. Reads torch and numpy only where they are loaded."""

from __future__ import annotations

import contextlib
import locale
import os
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from foresight_harness.planning.plugin_calls.environment import environment_now, restore_environment
from foresight_harness.planning.plugin_calls.random_states import put_back, random_states


class Watched(NamedTuple):
    """One setting of the process."""

    name: str
    read: Callable[[], Any]
    write: Callable[[Any], object]
    moves: bool
    """Whether it moves numbers: a change is then a failure. Everything else is put back without a word."""


def _torch() -> Any:
    return sys.modules["torch"]


def _read_device() -> Any:
    torch = _torch()
    modes = getattr(torch._C, "_len_torch_function_stack", None)
    if modes is not None and modes() == 0:  # a default device is such a mode: asking for it takes 100 times as long
        return torch.device("cpu")
    return torch.get_default_device()


def _write_device(before: Any) -> None:
    _torch().set_default_device(None if before.type == "cpu" else before)


def _read_tf32() -> tuple[bool, bool]:
    return _torch()._C._get_cublas_allow_tf32(), _torch()._C._get_cudnn_allow_tf32()


def _write_tf32(before: tuple[bool, bool]) -> None:
    torch = _torch()
    torch._C._set_cublas_allow_tf32(before[0])
    torch._C._set_cudnn_allow_tf32(before[1])


def _write_deterministic(before: tuple[bool, bool, bool]) -> None:
    torch = _torch()
    torch.use_deterministic_algorithms(before[0], warn_only=before[1])
    torch._C._set_cudnn_deterministic(before[2])


def _read_deterministic() -> tuple[bool, bool, bool]:
    core = _torch()._C
    return (
        core._get_deterministic_algorithms(),
        core._get_deterministic_algorithms_warn_only(),
        core._get_cudnn_deterministic(),
    )


def _write_autocast(before: tuple[bool, bool]) -> None:
    torch = _torch()
    torch.set_autocast_enabled("cpu", before[0])
    torch.set_autocast_enabled("cuda", before[1])


def _read_autocast() -> tuple[bool, bool]:
    torch = _torch()
    return torch.is_autocast_enabled("cpu"), torch.is_autocast_enabled("cuda")


TORCH = (
    Watched("default dtype", lambda: _torch().get_default_dtype(), lambda x: _torch().set_default_dtype(x), True),
    Watched("default device", _read_device, _write_device, True),
    Watched("grad mode", lambda: _torch().is_grad_enabled(), lambda x: _torch().set_grad_enabled(x), True),
    Watched("deterministic algorithms", _read_deterministic, _write_deterministic, True),
    Watched(
        "float32 matmul precision",
        lambda: _torch().get_float32_matmul_precision(),
        lambda x: _torch().set_float32_matmul_precision(x),
        True,
    ),
    Watched("TF32 flags", _read_tf32, _write_tf32, True),
    Watched("autocast", _read_autocast, _write_autocast, True),
    Watched("threads", lambda: _torch().get_num_threads(), lambda x: _torch().set_num_threads(x), False),
)


def _pristine() -> dict[str, Any]:
    """What torch starts with: what code that is the first to import it is held to."""
    torch = _torch()
    return {
        "default dtype": torch.float32,
        "default device": torch.device("cpu"),
        "grad mode": True,
        "deterministic algorithms": (False, False, False),
        "float32 matmul precision": "highest",
        "autocast": (False, False),
    }


SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGALRM") if hasattr(signal, name))


def _write_filters(before: list[Any]) -> None:
    warnings.filters[:] = before  # type: ignore[index]
    with warnings.catch_warnings():  # entering and leaving makes Python forget what it has decided by the others
        pass


_handler: Callable[[Any], Any] = getattr(sys.modules.get("_signal"), "getsignal", signal.getsignal)
"""Without the enumeration that Python makes of the answer, which takes 20 times as long."""


def _read_handlers() -> tuple[Any, ...]:
    return tuple(map(_handler, SIGNALS))


def _write_handlers(before: tuple[Any, ...]) -> None:
    if threading.current_thread() is threading.main_thread():
        for number, handler in zip(SIGNALS, before, strict=True):
            if handler is not None:  # one that was not set from Python
                signal.signal(number, handler)


def _cwd() -> str | None:
    try:
        return os.getcwd()  # noqa: PTH109 - a fifth of the time of a path, thousands of times a run
    except OSError:  # removed under our feet
        return None


def _write_cwd(before: str | None) -> None:
    if before is not None:
        os.chdir(before)


PLAIN = (
    Watched("working directory", _cwd, _write_cwd, False),
    Watched("locale", lambda: locale.setlocale(locale.LC_ALL), lambda x: locale.setlocale(locale.LC_ALL, x), False),
    Watched("warnings filters", lambda: list(warnings.filters), _write_filters, False),
    Watched("signal handlers", _read_handlers, _write_handlers, False),
)


class ProcessState:
    """The settings at one moment."""

    __slots__ = ("_environment", "_random", "_torch", "_values")

    def __init__(self, values: list[Any], environment: Mapping[Any, Any], randoms: Any, torch: bool) -> None:
        self._values, self._environment, self._random, self._torch = values, environment, randoms, torch

    @classmethod
    def now(cls, *, random: bool = False) -> ProcessState:
        """Read everything; microseconds, with ``random`` a few more."""
        with_torch = _torch_is_loaded()
        watched = (*PLAIN, *TORCH) if with_torch else PLAIN
        values = [entry.read() for entry in watched]
        return cls(values, environment_now(), random_states() if random else None, with_torch)

    def put_back(self) -> str:
        """Set everything as it was.

        Returns:
            What was changed of what moves numbers, each with both values, in words; empty where nothing was.
        """
        moved = []
        for entry, before in zip((*PLAIN, *TORCH), self._values, strict=False):
            after = entry.read()
            if after != before:
                with contextlib.suppress(Exception):  # a folder that is gone, a locale that is none any more
                    entry.write(before)
                if entry.moves:
                    moved.append(f"the {entry.name} ({before} to {after})")
        if not self._torch and _torch_is_loaded():
            moved += _first_import()
        moved += [f"the environment variable {name}" for name in restore_environment(self._environment)]
        if self._random is not None:
            put_back(self._random)
        return " and ".join(moved)


def _torch_is_loaded() -> bool:
    torch = sys.modules.get("torch")
    return torch is not None and hasattr(torch, "set_autocast_enabled") and hasattr(torch, "get_default_device")


def _first_import() -> list[str]:
    """What was changed by the code that was the first to import torch."""
    moved, pristine = [], _pristine()
    for entry in TORCH:
        found = entry.read()
        if entry.name in pristine and found != pristine[entry.name]:
            entry.write(pristine[entry.name])
            moved.append(f"the {entry.name} ({pristine[entry.name]} to {found})")
    return moved
