"""Which attention implementation runs: chosen in one place, never a silent fallback, always recorded."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec

from foresight_harness.contracts.errors import UsageError

CHOICES = ("auto", "sdpa", "eager", "flash_attention_2")


def resolve_attention(requested: str, supported: Sequence[str], device: str, dtype: str) -> str:
    """Choose the implementation that will be used and recorded.

    Args:
        requested: ``auto``, ``sdpa``, ``eager`` or ``flash_attention_2``.
        supported: What the architecture can run.
        device: ``cpu``, ``cuda``, ``cuda:1`` ...
        dtype: ``float32``, ``float16`` or ``bfloat16``.

    Returns:
        ``flash_attention_2`` for ``auto`` only where package, GPU and half precision are all there; else ``sdpa`` where
        supported, else ``eager``. An explicit request is granted or refused.

    Raises:
        UsageError: if an explicit request cannot be granted.
    """
    if requested not in CHOICES:
        raise UsageError(f"--attention {requested}: unknown; choose one of {', '.join(CHOICES)}")
    missing = _why_not_flash(supported, device, dtype)
    if requested == "auto":
        if missing is None:
            return "flash_attention_2"
        return "sdpa" if "sdpa" in supported else "eager"
    if requested == "flash_attention_2" and missing is not None:
        raise UsageError(f"--attention flash_attention_2: {missing}. Use --attention auto to take the best available.")
    if requested not in supported:
        raise UsageError(f"--attention {requested}: this architecture supports {', '.join(supported)} only")
    return requested


def _why_not_flash(supported: Sequence[str], device: str, dtype: str) -> str | None:
    if "flash_attention_2" not in supported:
        return "this architecture does not support it"
    if not device.startswith("cuda"):
        return f"it needs a CUDA device, and --device is {device}"
    if dtype not in ("float16", "bfloat16"):
        return f"it needs float16 or bfloat16, and --dtype is {dtype}"
    if find_spec("flash_attn") is None:
        return "the package flash-attn is not installed (pip install 'foresight-harness[flash]')"
    return None
