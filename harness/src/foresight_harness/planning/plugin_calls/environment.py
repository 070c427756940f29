"""Environment variables around plugin code: put back, but for what libraries keep for themselves."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

LIBRARIES = (
    *("KMP_", "TOKENIZERS_", "TORCHINDUCTOR_", "TRITON_", "TRANSFORMERS_", "HF_HUB_DISABLE_", "HF_HUB_ENABLE_", "MPL"),
    *("RAY_", "JOBLIB_", "SKLEARN_", "PYTORCH_", "TF_", "XLA_", "WANDB_", "MLFLOW_", "QT_", "PILLOW_", "OPENCV_"),
)
"""How variables begin that libraries set for themselves when they are imported. A new one stays: they read it later."""

MOVING = (
    *("FORESIGHT_", "CUDA_VISIBLE_DEVICES", "CUBLAS_WORKSPACE_CONFIG", "NVIDIA_TF32_OVERRIDE", "TORCH_ALLOW_TF32"),
    *("PYTHONHASHSEED", "ATEN_CPU_CAPABILITY", "ONEDNN_", "MKL_CBWR"),
)
"""How variables begin that decide numbers: a change is a failure. All others are put back without a word."""

declared: set[str] = set()
"""Variables that installed parts say their features depend on (``EncoderSpec.environment``)."""


def environment_now() -> Mapping[Any, Any]:
    """The variables at this moment. The plain copy below ``os.environ`` where there is one: a hundredth of the time."""
    raw = getattr(os.environ, "_data", None)
    return dict(raw) if isinstance(raw, dict) else dict(os.environ)


def restore_environment(before: Mapping[Any, Any]) -> list[str]:
    """Set the variables as they were. Returns: names of changed ones that move numbers, sorted."""
    after = environment_now()
    if after == before:
        return []
    moved = []
    for raw in sorted({*before, *after}, key=str):
        if before.get(raw) == after.get(raw):
            continue
        name = _text(raw)
        matters = name in declared or name.startswith(MOVING)
        if matters:
            moved.append(name)
        if raw not in before and name.startswith(LIBRARIES) and not matters:
            continue
        if raw in before:
            os.environ[name] = _text(before[raw])
        else:
            os.environ.pop(name, None)
    return moved


def _text(raw: Any) -> str:
    return os.fsdecode(raw) if isinstance(raw, bytes) else str(raw)
