"""From clips to the tower's input: every frame squashed to a square."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from foresight_harness import UsageError

from foresight_cogvlm2.architecture import Architecture

if TYPE_CHECKING:
    from torch import Tensor

MEAN = (0.48145466, 0.4578275, 0.40821073)
STD = (0.26862954, 0.26130258, 0.27577711)


def declared(input_px: int) -> dict[str, Any]:
    """What happens to a picture, as data: for the cache key, reports and conformance."""
    return {
        "resize": "squash",
        "size": [input_px, input_px],
        "interpolation": "bicubic",
        "antialias": True,
        "mean": list(MEAN),
        "std": list(STD),
    }


def check_input_px(name: str, input_px: int, architecture: Architecture) -> None:
    """Refuse a side that does not give whole tokens behind the stride-2 convolution. Raises: UsageError."""
    step = architecture.stride_px
    if input_px < step or input_px % step:
        raise UsageError(
            f"{name}: input_px={input_px} gives no whole 2x2 groups of {architecture.vision.patch_size} px patches; "
            f"use a multiple of {step}, such as {max(step, round(input_px / step) * step)}"
        )


def prepare(clips: Tensor, input_px: int) -> Tensor:
    """Squash every frame and normalise it.

    Args:
        clips: Pixels in [0, 1]. [B, T, 3, H_px, W_px] float32
        input_px: Side of the square.

    Returns:
        One picture a frame. [B * T, 3, input_px, input_px] float32
    """
    import torch
    from torch.nn import functional as F

    frames = clips.flatten(0, 1).float()
    if frames.shape[-2:] != (input_px, input_px):
        frames = F.interpolate(frames, (input_px, input_px), mode="bicubic", align_corners=False, antialias=True)
    mean = torch.tensor(MEAN, device=frames.device).view(3, 1, 1)
    std = torch.tensor(STD, device=frames.device).view(3, 1, 1)
    return (frames.clamp(0, 1) - mean) / std
