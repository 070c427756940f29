"""The video transformer as a decoder of the harness: a frozen generator behind a trained adapter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any

import torch
from foresight_harness import BuildRequest, GridShape
from torch import Tensor, nn

from foresight_ltx_video.conditioning import ConditioningAdapter, draw_sigmas, flow_matching_loss
from foresight_ltx_video.generation import VideoGenerator
from foresight_ltx_video.lora import build_tuning, own_parameters, tuned
from foresight_ltx_video.presets import (
    STRIDE_FRAMES,
    STRIDE_PX,
    ConditionedPreset,
    autoencoder_preset,
    transformer_preset,
)


class ConditionedVideoDecoder:
    """LTX-Video from a conditioning grid: the grid becomes prompt tokens, ``LTXPipeline`` does the rest.

    Latents are those of the autoencoder. Nothing but the adapter is trained, and under a recipe that tunes the decoder
    low-rank changes of the transformer, which belong to the fit.
    """

    def __init__(self, preset: ConditionedPreset, generator: VideoGenerator) -> None:
        self.preset, self.generator = preset, generator
        self.latent_space = generator.decoder.latent_space

    def encode(self, clips: Tensor) -> Tensor:
        """Normalised latents: what the flow is matched to, and the way to the ceiling.

        [B, T, 3, H_px, W_px] -> [B, T', H', W', 128]
        """
        return self.generator.decoder.encode(clips)

    def decode(self, latents: Tensor) -> Tensor:
        """[B, T', H', W', 128] -> pixels in [0, 1] [B, T, 3, H_px, W_px]"""
        return self.generator.decoder.decode(latents)

    def build_adapter(self, shape: GridShape, *, positions: bool = True) -> nn.Module:
        """A grid [B, T, H, W, C] to prompt tokens [B, T * H * W, prompt width].

        Args:
            shape: Of the conditioning; the order of a token set means nothing, so a set has no positions to be added.
            positions: Whether places are added to the tokens.
        """
        width = int(self.generator.transformer.config.caption_channels)
        return ConditioningAdapter(shape.width, width, positions=positions and not shape.is_set)

    def loss(self, prompts: Tensor, latents: Tensor, generator: torch.Generator) -> Tensor:
        """Flow-matching error under noise of the generator's. [B, L, P], [B, T', H', W', 128] -> [B]"""
        dtype = self.generator.transformer.dtype
        sigmas = draw_sigmas(len(latents), generator).to(latents.device, dtype)
        noise = torch.randn(latents.shape, generator=generator).to(latents.device, dtype)
        return flow_matching_loss(
            self.generator.transformer, latents.to(dtype), prompts.to(dtype), sigmas=sigmas, noise=noise
        )

    def sample(self, prompts: Tensor, size: tuple[int, int, int], seeds: Sequence[int]) -> Tensor:
        """Denoise one clip for each prompt. [B, L, P] -> normalised latents [B, T', H', W', 128]"""
        frames, rows, cols = size
        return self.generator.sample(
            prompts,
            frames=(frames - 1) * STRIDE_FRAMES + 1,
            height_px=rows * STRIDE_PX,
            width_px=cols * STRIDE_PX,
            seeds=list(seeds),
            steps=self.preset.steps,
        )

    def build_tuning(self, *, lora_rank: int) -> nn.Module:
        """Low-rank changes of the transformer's attention, none before training. Raises: UsageError without peft."""
        return build_tuning(self.generator.transformer, lora_rank)

    def tuned(self, tuning: nn.Module) -> AbstractContextManager[None]:
        """Within, ``loss`` and ``sample`` go through the changed transformer."""
        return tuned(self.generator.transformer, tuning)

    def continue_first(self, clips: Tensor, seeds: Sequence[int]) -> Tensor:
        """Clips that begin with the true first frame and are told nothing else: one prompt token of zeros.

        [B, T, 3, H_px, W_px] in [0, 1] -> normalised latents [B, T', H', W', 128]
        """
        width = int(self.generator.transformer.config.caption_channels)
        nothing = torch.zeros(len(clips), 1, width)
        return self.generator.continue_from(
            clips[:, 0], nothing, frames=clips.shape[1], seeds=list(seeds), steps=self.preset.steps
        )

    def adapter_facts(self, adapter: nn.Module) -> Mapping[str, Any]:
        """Whether places are in the tokens, and how clips are sampled."""
        assert isinstance(adapter, ConditioningAdapter)
        known = adapter.facts()
        return {
            "positions_in_tokens": known["positions_in_tokens"],
            "prompt_width": known["prompt_width"],
            "sampling_steps": self.preset.steps,
            "guidance": 1.0,
        }

    def facts(self) -> Mapping[str, Any]:
        """What is really used, transformer and autoencoder together."""
        transformer = own_parameters(self.generator.transformer)
        known = self.generator.decoder.facts()
        return {
            **known,
            "params": known["params"] + transformer,
            "attention": "sdpa",
            "transformer_params": transformer,
            "sampling_steps": self.preset.steps,
        }


def build_conditioned(preset: ConditionedPreset, request: BuildRequest) -> ConditionedVideoDecoder:
    """Transformer, schedule and autoencoder, random or from one checkpoint in the published pipeline layout.

    Raises:
        CheckpointError: if the checkpoint is absent, damaged, of another family, or its parts of another size.
        UsageError: if weights do not fit into memory.
    """
    parts = transformer_preset(preset.transformer), autoencoder_preset(preset.autoencoder)
    return ConditionedVideoDecoder(preset, VideoGenerator.build(*parts, request))
