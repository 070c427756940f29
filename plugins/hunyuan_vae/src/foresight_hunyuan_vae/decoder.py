"""HunyuanVideo's autoencoders as decoders: scaled latents with rows before columns, pixels in [0, 1]."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from foresight_harness import LatentSpace
from foresight_harness.contracts.errors import GridError
from torch import Tensor, nn

from foresight_hunyuan_vae.presets import Preset


class HunyuanDecoder:
    """A causal video autoencoder: 8 px, 4 frames and 16 channels a latent cell, of 1.5 16 px, 4 frames and 32 channels.

    The first frame has a slot of its own. Parameters are frozen; ``decode`` can be differentiated with respect to
    latents. Clips of more than 16 frames go through the first one in overlapping stretches of time, as the library
    does by default, and through 1.5 as a whole.
    """

    def __init__(self, preset: Preset, vae: nn.Module) -> None:
        self.name = preset.name
        self.latent_space = LatentSpace(
            channels=preset.latent_channels, stride_px=preset.stride_px, stride_frames=preset.stride_frames
        )
        self.vae: Any = vae
        first = next(iter(vae.parameters()))
        self._device, self._dtype = first.device, first.dtype

    def encode(self, clips: Tensor) -> Tensor:
        """Latents at the mode of the posterior, times the scaling factor.

        Args:
            clips: Pixels in [0, 1]; 4k + 1 frames, sides that are multiples of the stride. [B, T, 3, H_px, W_px]

        Returns:
            [B, T', H', W', C] float32

        Raises:
            GridError: if the clip has another count of frames or another size.
        """
        _require_legal(clips, self.latent_space)
        pixels = (clips.to(self._device, self._dtype) * 2 - 1).transpose(1, 2)
        latents: Tensor = self.vae.encode(pixels).latent_dist.mode()
        scaled = latents.float() * float(self.vae.config.scaling_factor)
        return scaled.permute(0, 2, 3, 4, 1).contiguous()

    def decode(self, latents: Tensor) -> Tensor:
        """Pixels of scaled latents.

        Args:
            latents: [B, T', H', W', C]

        Returns:
            Clamped to [0, 1]. [B, T, 3, H_px, W_px] float32

        Raises:
            GridError: if ``latents`` is not 5-D or of another width.
        """
        width = self.latent_space.channels
        if latents.ndim != 5 or latents.shape[-1] != width:
            raise GridError(f"latents of {self.name} are [B, T', H', W', {width}], got shape {tuple(latents.shape)}")
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


def _require_legal(clips: Tensor, space: LatentSpace) -> None:
    step, side = space.stride_frames, space.stride_px
    if clips.ndim != 5 or clips.shape[2] != 3:
        raise GridError(f"clips are [B, T, 3, H_px, W_px], got shape {tuple(clips.shape)}")
    frames, height, width = clips.shape[1], clips.shape[3], clips.shape[4]
    if frames % step != 1:
        below = (frames - 1) // step * step + 1
        raise GridError(
            f"{frames} frames: HunyuanVideo takes 4k + 1 frames (1, 5, 9 ...); nearest are {below} and {below + step}"
        )
    if height % side or width % side:
        raise GridError(
            f"{height}x{width} px: HunyuanVideo takes sides that are multiples of {side}; the next smaller are "
            f"{height // side * side}x{width // side * side}"
        )
