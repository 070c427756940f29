"""Refuse in one line, before anything is allocated, what the memory cannot hold."""

from __future__ import annotations

from foresight_harness.contracts.errors import UsageError

BYTES = {"float32": 4, "float16": 2, "bfloat16": 2}


def require_memory(what: str, params: int, device: str, dtype: str) -> None:
    """Refuse a model whose weights alone do not fit into the free memory of the device.

    Args:
        what: Name of the model, for the message.
        params: Parameters that will be allocated.
        device: ``cpu`` or a CUDA device.
        dtype: ``float32``, ``float16`` or ``bfloat16``.

    Raises:
        UsageError: with the need, the free memory and what to do.
    """
    need = params * BYTES[dtype]
    free = _free_bytes(device)
    if need > free:
        hint = "--dtype bfloat16" if dtype == "float32" else "a smaller size or a larger device"
        raise UsageError(
            f"{what} needs {need / 2**30:.1f} GiB for its weights in {dtype}; {free / 2**30:.1f} are free on {device}. "
            f"Try {hint}."
        )


def _free_bytes(device: str) -> int:
    if device.startswith("cuda"):
        import torch

        return int(torch.cuda.mem_get_info(device)[0])
    import psutil

    return int(psutil.virtual_memory().available)
