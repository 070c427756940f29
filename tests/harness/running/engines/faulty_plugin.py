"""Encoders that go wrong in every way a plugin can, and one that does not: what the engines must survive."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from foresight_harness import BuildRequest, EncoderSpec, TapSpec, hookimpl

LEAK_MOST_MIB = 2500
"""The leak ends here, so that a guard that does not hold costs a red test and not the machine."""


def _hang() -> None:
    # Where the cell has a limit its time passes at once, so that no sound cell on a busy machine can reach it too.
    signal.setitimer(signal.ITIMER_REAL, 0.01)
    time.sleep(600)


def _exit() -> None:
    os._exit(3)


def _leak() -> None:
    kept = []
    for _ in range(LEAK_MOST_MIB // 100):
        kept.append(bytearray(os.urandom(1)) * (100 * 2**20))
        time.sleep(0.15)
    time.sleep(600)


def _raise() -> None:
    raise ValueError("this encoder always fails")


def _die_once() -> None:
    mark = Path(os.environ["FORESIGHT_FAULTY_MARK"])
    if not mark.exists():
        mark.write_text("died once")
        os.kill(os.getpid(), signal.SIGKILL)


FAULTS: dict[str, Callable[[], None]] = {
    "hangs_tiny": _hang,
    "exits_tiny": _exit,
    "leaks_tiny": _leak,
    "raises_tiny": _raise,
    "dies_once_tiny": _die_once,
    "sound_tiny": lambda: None,
}


class Faulty:
    """Mean colour of 16 px patches, after the fault."""

    def __init__(self, fault: str) -> None:
        self.fault = FAULTS[fault]

    def encode(self, clips: Any, taps: Sequence[str]) -> dict[str, Any]:
        """[B, T, 3, H_px, W_px] -> [B, T, H, W, 3] a tap"""
        from foresight_harness.grids import TokenGrid
        from torch.nn import functional as F

        self.fault()
        batch, frames = clips.shape[:2]
        pooled = F.avg_pool2d(clips.flatten(0, 1), 16).permute(0, 2, 3, 1)
        return {tap: TokenGrid(pooled.reshape(batch, frames, *pooled.shape[1:])) for tap in taps}

    def facts(self) -> Mapping[str, Any]:
        """No weights."""
        return {"attention": "none", "dtype": "float32", "params": 0}


def _build(fault: str, request: BuildRequest) -> Any:
    return Faulty(fault)


@hookimpl
def foresight_encoders() -> Iterable[EncoderSpec]:
    """One encoder a fault."""
    return [
        EncoderSpec(
            name=name,
            build=partial(_build, name),
            taps=(TapSpec("pooled", width=3, stride_px=16),),
            default_tap="pooled",
            input_px=128,
            family="faulty",
            params=0,
            weights=("random",),
            size="tiny",
        )
        for name in FAULTS
    ]
