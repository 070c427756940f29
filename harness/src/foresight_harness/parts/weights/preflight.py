"""Refuse in one line, before anything is allocated, what the memory cannot hold."""

from __future__ import annotations

from foresight_harness.contracts.errors import UsageError
from foresight_harness.parts.weights.formats import BYTES_OF_MATRICES, NONE, weights_in

BYTES = {"float32": 4, "float16": 2, "bfloat16": 2}


def require_memory(
    what: str,
    params: int,
    device: str,
    dtype: str,
    *,
    quantize: str = NONE,
    matrices: int = 0,
    spread: bool = False,
) -> None:
    """Refuse a model whose weights alone do not fit into the free memory of the device.

    Args:
        what: Name of the model, for the message.
        params: Parameters that will be allocated.
        device: ``cpu`` or a CUDA device.
        dtype: ``float32``, ``float16`` or ``bfloat16``.
        quantize: Format that matrices are loaded in: ``none``, ``8bit`` or ``4bit``.
        matrices: Those of ``params`` that stand in matrices of linear layers, which alone are quantised.
        spread: Whether the model lies over all GPUs.

    Raises:
        UsageError: with the need, the free memory and what to do.
    """
    need = bytes_of(params, dtype, quantize, matrices)
    free = _free_on_all() if spread else _free_bytes(device)
    if need > free:
        hint = "--dtype bfloat16" if dtype == "float32" else "a smaller size or a larger device"
        where = "all GPUs" if spread else device
        raise UsageError(
            f"{what} needs {need / 2**30:.1f} GiB for its weights in {weights_in(quantize, dtype)}; "
            f"{free / 2**30:.1f} are free on {where}. Try {hint}."
        )


def bytes_of(params: int, dtype: str, quantize: str = NONE, matrices: int = 0) -> int:
    """What weights take: quantised matrices by their bits and scales, all else by the dtype."""
    if quantize == NONE:
        return params * BYTES[dtype]
    return (params - matrices) * BYTES[dtype] + round(matrices * BYTES_OF_MATRICES[quantize])


def _free_bytes(device: str) -> int:
    if device.startswith("cuda"):
        import torch

        return int(torch.cuda.mem_get_info(device)[0])
    import psutil

    return int(psutil.virtual_memory().available)


def _free_on_all() -> int:
    import torch

    return sum(_free_bytes(f"cuda:{index}") for index in range(torch.cuda.device_count()))
