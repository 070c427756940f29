"""LTX-Video's autoencoder as a decoder: normalised latents with rows before columns, pixels in [0, 1]."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from foresight_harness import BuildRequest, LatentSpace
from foresight_harness.contracts.errors import GridError
from torch import Tensor, nn

from foresight_ltx_video.legal_sizes import PUBLISHED, require_legal_size
from foresight_ltx_video.loading import part_folder, pretrained_part, random_part
from foresight_ltx_video.presets import (
    DECODE_NOISE_SCALE,
    DECODE_TIMESTEP,
    AutoencoderPreset,
)

NOISE_SEED = 0
"""Seed of the noise of conditioned and noise-injecting versions: every decode draws the same."""
MEANING = (
    "block_out_channels",
    "decoder_block_out_channels",
    "decoder_layers_per_block",
    "decoder_spatio_temporal_scaling",
    "latent_channels",
    "layers_per_block",
    "patch_size",
    "patch_size_t",
    "spatio_temporal_scaling",
    "timestep_conditioning",
)
"""Entries of the configuration in which a checkpoint must agree with the version that was asked for."""


def build_decoder(preset: AutoencoderPreset, request: BuildRequest) -> LTXVideoDecoder:
    """Build a version of the autoencoder with random or with a checkpoint's weights.

    Raises:
        CheckpointError: if the checkpoint is absent, damaged, unsafe, incomplete or of another version.
        UsageError: if its weights do not fit into memory.
    """
    from diffusers import AutoencoderKLLTXVideo

    if request.weights == "random":
        vae = random_part(AutoencoderKLLTXVideo, preset.config, request, preset.name)
    else:
        folder = part_folder(request.source, preset.repo, "vae")
        vae = pretrained_part(
            AutoencoderKLLTXVideo, preset.config, request, folder, what=f"LTX-Video ({preset.name})", same=MEANING
        )
    return LTXVideoDecoder(
        preset.name, vae, LatentSpace(preset.latent_channels, preset.stride_px, preset.stride_frames)
    )


class LTXVideoDecoder:
    """A causal video autoencoder: 32 px and 8 frames a latent cell as published, 128 channels, the first frame a slot
    of its own.

    Parameters are frozen; ``decode`` can be differentiated with respect to latents.
    """

    def __init__(self, name: str, vae: nn.Module, latent_space: LatentSpace = PUBLISHED) -> None:
        self.name, self.latent_space = name, latent_space
        self.vae: Any = vae

    def encode(self, clips: Tensor) -> Tensor:
        """Latents at the mode of the posterior, normalised by the checkpoint's own mean and deviation.

        Args:
            clips: Pixels in [0, 1]; 8k + 1 frames, sides that are multiples of 32, or as the latent space has it.
                [B, T, 3, H_px, W_px]

        Returns:
            [B, T', H', W', 128] float32

        Raises:
            GridError: if the clip has another count of frames or another size; the message names the nearest legal.
        """
        if clips.ndim != 5 or clips.shape[2] != 3:
            raise GridError(f"clips are [B, T, 3, H_px, W_px], got shape {tuple(clips.shape)}")
        require_legal_size(clips.shape[1], clips.shape[3], clips.shape[4], self.latent_space)
        pixels = (clips.to(self._device, self._dtype) * 2 - 1).transpose(1, 2)
        latents: Tensor = self.vae.encode(pixels).latent_dist.mode()
        mean, std = self._statistics
        normalised = (latents.float().permute(0, 2, 3, 4, 1) - mean) * self._scale / std
        return normalised.contiguous()

    def decode(self, latents: Tensor) -> Tensor:
        """Pixels of normalised latents; the same latents always give the same pixels, alone or in a batch.

        Versions from 0.9.1 are given a little seeded noise, one draw for all clips, as their authors recommend.

        Args:
            latents: [B, T', H', W', 128]

        Returns:
            Clamped to [0, 1]. [B, T, 3, H_px, W_px] float32

        Raises:
            GridError: if ``latents`` is not 5-D or not 128 wide.
        """
        if latents.ndim != 5 or latents.shape[-1] != self.latent_space.channels:
            wanted = f"[B, T', H', W', {self.latent_space.channels}]"
            raise GridError(f"latents of {self.name} are {wanted}, got shape {tuple(latents.shape)}")
        mean, std = self._statistics
        own = (latents.to(self._device).float() * std / self._scale + mean).permute(0, 4, 1, 2, 3)
        timestep = None
        if self.vae.config.timestep_conditioning:
            own = (1 - DECODE_NOISE_SCALE) * own + DECODE_NOISE_SCALE * self._noise(own)
            timestep = torch.full((len(own),), DECODE_TIMESTEP, device=self._device, dtype=self._dtype)
        with self._seeded():
            pixels: Tensor = self.vae.decode(own.to(self._dtype), timestep).sample
        return pixels.float().transpose(1, 2).add(1).div(2).clamp(0, 1)

    def facts(self) -> Mapping[str, Any]:
        """What is really used; ``latent_statistics`` says whether the checkpoint brought its own."""
        mean, std = self._statistics
        conditioned = bool(self.vae.config.timestep_conditioning)
        return {
            "dtype": str(self._dtype).removeprefix("torch."),
            "params": sum(parameter.numel() for parameter in self.vae.parameters()),
            "attention": "none",
            "latent_statistics": "identity" if bool((mean == 0).all() and (std == 1).all()) else "checkpoint",
            "scaling_factor": self._scale,
            "timestep_conditioning": conditioned,
            "decode_timestep": DECODE_TIMESTEP if conditioned else None,
            "decode_noise_scale": DECODE_NOISE_SCALE if conditioned else None,
            "noise_seed": NOISE_SEED if conditioned or self._injects_noise else None,
        }

    @property
    def _device(self) -> torch.device:
        device: torch.device = next(iter(self.vae.parameters())).device
        return device

    @property
    def _dtype(self) -> torch.dtype:
        dtype: torch.dtype = next(iter(self.vae.parameters())).dtype
        return dtype

    @property
    def _statistics(self) -> tuple[Tensor, Tensor]:
        """Mean and deviation of each latent channel. [128] float32 each"""
        return self.vae.latents_mean.float(), self.vae.latents_std.float()

    @property
    def _scale(self) -> float:
        return float(self.vae.config.scaling_factor)

    @property
    def _injects_noise(self) -> bool:
        return any(self.vae.config.decoder_inject_noise)

    def _noise(self, latents: Tensor) -> Tensor:
        """One draw for all clips, made on the CPU so that it is the same on every device. [1, 128, T', H', W']"""
        generator = torch.Generator().manual_seed(NOISE_SEED)
        return torch.randn((1, *latents.shape[1:]), generator=generator).to(latents.device)

    @contextmanager
    def _seeded(self) -> Iterator[None]:
        """Seed the global generators for a decoder that draws from them, and give them back."""
        if not self._injects_noise:
            yield
            return
        with torch.random.fork_rng(devices=[self._device] if self._device.type == "cuda" else []):
            torch.manual_seed(NOISE_SEED)
            yield
