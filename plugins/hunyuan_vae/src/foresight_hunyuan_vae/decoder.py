"""HunyuanVideo's autoencoder as a decoder: scaled latents with rows before columns, pixels in [0, 1]."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from foresight_harness import LatentSpace
from foresight_harness.contracts.errors import GridError
from torch import Tensor, nn

from foresight_hunyuan_vae.presets import LATENT_CHANNELS, STRIDE_FRAMES, STRIDE_PX


class HunyuanDecoder:
    """A causal video autoencoder: 8 px and 4 frames a latent cell, 16 channels, the first frame a slot of its own.

    Parameters are frozen; ``decode`` can be differentiated with respect to latents. Clips of more than 16 frames go
    through in overlapping stretches of time, as the library does by default.
    """

    latent_space = LatentSpace(channels=LATENT_CHANNELS, stride_px=STRIDE_PX, stride_frames=STRIDE_FRAMES)

    def __init__(self, name: str, vae: nn.Module) -> None:
        self.name = name
        self.vae: Any = vae
        first = next(iter(vae.parameters()))
        self._device, self._dtype = first.device, first.dtype

    def encode(self, clips: Tensor) -> Tensor:
        """Latents at the mode of the posterior, times the scaling factor.

        Args:
            clips: Pixels in [0, 1]; 4k + 1 frames, sides that are multiples of 8. [B, T, 3, H_px, W_px]

        Returns:
            [B, T', H', W', 16] float32

        Raises:
            GridError: if the clip has another count of frames or another size.
        """
        _require_legal(clips)
        pixels = (clips.to(self._device, self._dtype) * 2 - 1).transpose(1, 2)
        latents: Tensor = self.vae.encode(pixels).latent_dist.mode()
        scaled = latents.float() * float(self.vae.config.scaling_factor)
        return scaled.permute(0, 2, 3, 4, 1).contiguous()

    def decode(self, latents: Tensor) -> Tensor:
        """Pixels of scaled latents.

        Args:
            latents: [B, T', H', W', 16]

        Returns:
            Clamped to [0, 1]. [B, T, 3, H_px, W_px] float32

        Raises:
            GridError: if ``latents`` is not 5-D or not 16 wide.
        """
        if latents.ndim != 5 or latents.shape[-1] != LATENT_CHANNELS:
            raise GridError(
                f"latents of {self.name} are [B, T', H', W', {LATENT_CHANNELS}], got shape {tuple(latents.shape)}"
            )
        own = (latents.to(self._device).float() / self.vae.config.scaling_factor).permute(0, 4, 1, 2, 3)
        pixels: Tensor = self.vae.decode(own.to(self._dtype)).sample
        return pixels.float().transpose(1, 2).add(1).div(2).clamp(0, 1)

    def facts(self) -> Mapping[str, Any]:
        """What is really used."""
        return {
            "dtype": str(self._dtype).removeprefix("torch."),
            "params": sum(parameter.numel() for parameter in self.vae.parameters()),
            "attention": "sdpa",
            "scaling_factor": self.vae.config.scaling_factor,
        }


def _require_legal(clips: Tensor) -> None:
    if clips.ndim != 5 or clips.shape[2] != 3:
        raise GridError(f"clips are [B, T, 3, H_px, W_px], got shape {tuple(clips.shape)}")
    frames, height, width = clips.shape[1], clips.shape[3], clips.shape[4]
    if frames % STRIDE_FRAMES != 1:
        below = (frames - 1) // STRIDE_FRAMES * STRIDE_FRAMES + 1
        raise GridError(
            f"{frames} frames: HunyuanVideo takes 4k + 1 frames (1, 5, 9 ...); "
            f"nearest are {below} and {below + STRIDE_FRAMES}"
        )
    if height % STRIDE_PX or width % STRIDE_PX:
        raise GridError(
            f"{height}x{width} px: HunyuanVideo takes sides that are multiples of {STRIDE_PX}; the next smaller are "
            f"{height // STRIDE_PX * STRIDE_PX}x{width // STRIDE_PX * STRIDE_PX}"
        )
