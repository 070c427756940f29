"""Peak memory of a piece of work, on an accelerator or in the process."""

from __future__ import annotations

import ctypes
from pathlib import Path
from types import TracebackType

import torch

from foresight_harness.measuring.extraction.tidying import free_cycles

STATUS = Path("/proc/self/status")
RESET = Path("/proc/self/clear_refs")


_highest_mib = 0.0
"""The mark before it was reset last."""


def peak_bytes() -> int:
    """Most resident memory that this process ever had; 0 where the system cannot tell."""
    if STATUS.exists():
        found = max(_highest_mib, _status_mib("VmHWM:"))
        return 0 if found != found else int(found * 2**20)
    import sys

    try:
        import resource
    except ImportError:  # Windows
        import psutil

        return int(getattr(psutil.Process().memory_info(), "peak_wset", 0))
    unit = 1 if sys.platform == "darwin" else 1024
    return int(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss) * unit


class PeakMemory:
    """``with PeakMemory(device) as memory: ...`` then ``memory.rise_mib``: how far memory rose above its start.

    On CUDA by the allocator; on a CPU by the process's high-water mark, which Linux lets us reset. The rise alone is
    compared, because what else is resident depends on the cells before. NaN where the system cannot tell.
    """

    def __init__(self, device: str) -> None:
        self.device = device
        self.rise_mib = float("nan")
        self._start = float("nan")

    def __enter__(self) -> PeakMemory:
        if self.device.startswith("cuda"):
            torch.cuda.reset_peak_memory_stats(self.device)
            self._start = torch.cuda.memory_allocated(self.device) / 2**20
        elif self.device == "cpu" and RESET.exists():
            global _highest_mib
            _highest_mib = max(_highest_mib, _status_mib("VmHWM:"))
            _give_back_free_heap()
            try:
                RESET.write_text("5", encoding="ascii")
            except OSError:  # not allowed in some containers: the mark is then that of the whole process, so no number
                return self
            self._start = _status_mib("VmRSS:")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.device.startswith("cuda"):
            self.rise_mib = torch.cuda.max_memory_allocated(self.device) / 2**20 - self._start
        elif STATUS.exists():
            self.rise_mib = max(0.0, _status_mib("VmHWM:") - self._start)


def _give_back_free_heap() -> None:
    """Without this, work that reuses memory which earlier cells freed would seem to need none."""
    free_cycles()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


def _status_mib(name: str) -> float:
    for line in STATUS.read_text(encoding="ascii", errors="replace").splitlines():
        if line.startswith(name):
            return int(line.split()[1]) / 1024
    return float("nan")
