"""Conditioning the video transformer on a token grid instead of a text.

LTX-Video's transformer reads its prompt through cross-attention that is blind to order and has no positions of its own:
what stands where must be in the tokens. The adapter adds it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from foresight_harness.contracts.errors import GridError
from foresight_harness.contracts.specs import GridShape
from torch import Tensor, nn

from foresight_ltx_video.presets import LATENT_CHANNELS, PROMPT_WIDTH, STRIDE_FRAMES, STRIDE_PX

CYCLES = (0.5, 32.0)
"""Slowest and fastest wave of the positional encoding, in cycles over a side of the picture (or over the clip)."""
TIMESTEPS = 1000
"""The transformer is told the noise level in these units."""
FRAME_RATE = 25.0
"""Frames a second that the transformer's own positions assume, unless said otherwise."""


class ConditioningAdapter(nn.Module):
    """A conditioning grid to prompt tokens: an MLP on each token, plus where and when it stands."""

    def __init__(
        self, width: int, prompt_width: int = PROMPT_WIDTH, hidden: int = 1024, positions: bool = True
    ) -> None:
        """Draw weights from torch's global generator.

        Args:
            width: Channels of the grid.
            prompt_width: Channels of a prompt token; the transformer's ``caption_channels``.
            hidden: Width of the MLP.
            positions: Whether positional encodings are added; False for token sets, whose order means nothing, and for
                measuring what positions are worth.
        """
        super().__init__()
        self.width, self.prompt_width, self.positions = width, prompt_width, positions
        self.mlp = nn.Sequential(
            nn.LayerNorm(width), nn.Linear(width, hidden), nn.GELU(), nn.Linear(hidden, prompt_width)
        )

    @classmethod
    def for_grid(cls, shape: GridShape, prompt_width: int = PROMPT_WIDTH, hidden: int = 1024) -> ConditioningAdapter:
        """An adapter for a stream's shape: with positions for a grid, without for a token set."""
        return cls(shape.width, prompt_width, hidden, positions=not shape.is_set)

    def forward(self, grid: Tensor) -> Tensor:
        """[B, T, H, W, C] -> prompt tokens in raster order [B, T * H * W, prompt_width]

        Raises:
            GridError: if ``grid`` is not 5-D or of another width.
        """
        if grid.ndim != 5 or grid.shape[-1] != self.width:
            raise GridError(f"the adapter takes [B, T, H, W, {self.width}], got shape {tuple(grid.shape)}")
        tokens: Tensor = self.mlp(grid)
        if self.positions:
            frames, rows, cols = grid.shape[1:4]
            tokens = tokens + place_encoding(frames, rows, cols, self.prompt_width).to(tokens)
        return tokens.flatten(1, 3)

    def facts(self) -> Mapping[str, Any]:
        """Whether places are in the tokens, and how many parameters were trained."""
        return {
            "positions_in_tokens": self.positions,
            "prompt_width": self.prompt_width,
            "params": sum(parameter.numel() for parameter in self.parameters()),
        }


def place_encoding(frames: int, rows: int, cols: int, width: int) -> Tensor:
    """Sines and cosines of time, row and column, a third of the channels each.

    Places are relative to the clip and the picture (cell centres in [0, 1]), so that grids of different resolution
    agree on where things are.

    Args:
        frames: Temporal slots.
        rows: Rows of the grid.
        cols: Columns of the grid.
        width: Channels, at least 6; the rest of the division stays zero.

    Returns:
        [frames, rows, cols, width] float32

    Raises:
        GridError: if there are fewer than six channels.
    """
    waves = width // 6
    if waves < 1:
        raise GridError(f"positions in time, row and column need at least 6 channels, got {width}")
    cycles = torch.logspace(math.log10(CYCLES[0]), math.log10(CYCLES[1]), waves)
    encoding = torch.zeros(frames, rows, cols, width)
    for axis, size in enumerate((frames, rows, cols)):
        centres = (torch.arange(size) + 0.5) / size
        angles = 2 * math.pi * centres[:, None] * cycles
        view = [1, 1, 1, 2 * waves]
        view[axis] = size
        part = slice(axis * 2 * waves, (axis + 1) * 2 * waves)
        encoding[..., part] = torch.cat([angles.sin(), angles.cos()], dim=1).view(view)
    return encoding


def predict_velocity(
    transformer: Any,
    noisy: Tensor,
    prompts: Tensor,
    sigmas: Tensor,
    *,
    mask: Tensor | None = None,
    frame_rate: float = FRAME_RATE,
) -> Tensor:
    """The transformer's guess of the way from video to noise.

    Args:
        transformer: ``LTXVideoTransformer3DModel``.
        noisy: Normalised latents, partly noise. [B, T', H', W', 128]
        prompts: Prompt tokens. [B, L, prompt_width]
        sigmas: Share of noise, in [0, 1]. [B]
        mask: 1 where a prompt token counts; None is all. [B, L]
        frame_rate: Frames a second.

    Returns:
        [B, T', H', W', 128]
    """
    frames, rows, cols = noisy.shape[1:4]
    everything = torch.ones(prompts.shape[:2], device=prompts.device)
    velocity: Tensor = transformer(
        hidden_states=noisy.flatten(1, 3),
        encoder_hidden_states=prompts,
        timestep=sigmas * TIMESTEPS,
        encoder_attention_mask=everything if mask is None else mask,
        num_frames=frames,
        height=rows,
        width=cols,
        rope_interpolation_scale=(STRIDE_FRAMES / frame_rate, STRIDE_PX, STRIDE_PX),
    ).sample
    return velocity.reshape(noisy.shape)


def flow_matching_loss(
    transformer: Any,
    latents: Tensor,
    prompts: Tensor,
    *,
    sigmas: Tensor,
    noise: Tensor,
    mask: Tensor | None = None,
    frame_rate: float = FRAME_RATE,
) -> Tensor:
    """Squared error of the predicted velocity, per sample; its gradient reaches the prompts.

    With x the latents, e the noise and s the share of noise: the transformer sees (1 - s) x + s e and is to say e - x.

    Args:
        transformer: Frozen ``LTXVideoTransformer3DModel``.
        latents: Normalised latents of the clips. [B, T', H', W', 128]
        prompts: Prompt tokens of the same clips. [B, L, prompt_width]
        sigmas: From ``draw_sigmas``, or fixed for a validation that compares. [B]
        noise: Standard normal. [B, T', H', W', 128]
        mask: 1 where a prompt token counts; None is all. [B, L]
        frame_rate: Frames a second.

    Returns:
        [B] float32

    Raises:
        GridError: if ``latents`` are not [B, T', H', W', 128] or ``noise`` has another shape.
    """
    if latents.ndim != 5 or latents.shape[-1] != LATENT_CHANNELS or latents.shape != noise.shape:
        raise GridError(
            f"latents and noise are [B, T', H', W', {LATENT_CHANNELS}], got {tuple(latents.shape)} and "
            f"{tuple(noise.shape)}"
        )
    share = sigmas.view(-1, 1, 1, 1, 1)
    noisy = (1 - share) * latents + share * noise
    velocity = predict_velocity(transformer, noisy, prompts, sigmas, mask=mask, frame_rate=frame_rate)
    return (velocity.float() - (noise - latents).float()).square().mean(dim=(1, 2, 3, 4))


def draw_sigmas(count: int, generator: torch.Generator) -> Tensor:
    """Shares of noise for training, most often in the middle: the logistic of a standard normal. [count] in (0, 1)

    Source: Esser et al., Scaling Rectified Flow Transformers, arXiv 2403.03206, section 3.1.
    """
    return torch.randn(count, generator=generator).sigmoid()
