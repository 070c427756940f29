"""Guards before the start: a disk or a memory that will not do."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from foresight_harness.contracts.errors import UsageError
from foresight_harness.parts.weights.formats import NONE, require_hardware
from foresight_harness.planning.options import RunOptions
from foresight_harness.planning.plan import PlannedCell, cost_of

WORKER_BASE_BYTES = 900 * 2**20
"""Resident memory of a worker that has imported torch and a model library, measured on Linux."""
DTYPE_BYTES = {"float32": 4, "bfloat16": 2, "float16": 2}


def check_disk(cells: Sequence[PlannedCell], options: RunOptions) -> None:
    """Refuse a plan whose features do not fit beside what lies in the cache. Raises: UsageError."""
    needed = cost_of(cells, options).feature_bytes
    place = options.cache if options.cache.exists() else Path.cwd()
    free = shutil.disk_usage(place).free
    if needed <= free:
        return
    there = sum(path.stat().st_size for path in options.cache.rglob("*.safetensors")) if options.cache.exists() else 0
    if needed - there > free:
        raise UsageError(
            f"the plan needs up to {needed / 2**30:.1f} GiB of features and {options.cache} has {free / 2**30:.1f} GiB "
            "free; name another --feature-cache, prune it (foresight-bench cache prune), or choose fewer taps"
        )


def check_loaders(cells: Sequence[PlannedCell], options: RunOptions) -> None:
    """Refuse loading in fewer bits, or over several GPUs, that this machine or these cells cannot have.

    Raises:
        UsageError: if a device or a package is missing, workers have a GPU each, or a suite times one device.
    """
    require_hardware(options.quantize, options.device_map, options.device)
    if options.device_map == NONE:
        return
    if options.engine != "local":
        raise UsageError(
            f"--device-map {options.device_map}: workers of --engine {options.engine} have one GPU each; use --engine "
            "local"
        )
    timed = next((cell.suite.name for cell in cells if cell.suite.live_encoder), None)
    if timed is not None:
        raise UsageError(
            f"--device-map {options.device_map}: suite {timed} times one device; leave it out (-k 'not {timed}')"
        )


def check_memory(cells: Sequence[PlannedCell], options: RunOptions, workers: int) -> None:
    """Refuse more workers than fit into this machine's memory with the largest encoder each. Raises: UsageError."""
    import psutil

    if not options.device.startswith("cpu"):
        return
    largest = max((stream.encoder.params or 0 for cell in cells for stream in cell.candidate.streams), default=0)
    each = WORKER_BASE_BYTES + largest * DTYPE_BYTES[options.dtype]
    free = psutil.virtual_memory().available
    if workers * each > free:
        fitting = max(1, int(free // each))
        raise UsageError(
            f"--engine {options.engine}: {workers} workers need about {workers * each / 2**30:.1f} GiB and "
            f"{free / 2**30:.1f} GiB are free; {fitting} would fit (--engine local:{fitting})"
        )
