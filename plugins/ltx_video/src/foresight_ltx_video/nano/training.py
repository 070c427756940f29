"""The training run of the nano autoencoder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from diffusers import AutoencoderKLLTXVideo
from torch import Tensor

from foresight_ltx_video.nano.loop import Choices, generator_of, run_steps
from foresight_ltx_video.nano.sampler import Pool
from foresight_ltx_video.nano.start import start_from_principal_components
from foresight_ltx_video.nano.still import cheap_stills
from foresight_ltx_video.presets import NANO

CLIPS_EVERY = 4
"""One step in so many is of clips."""
CLIPS_SHARE = 8
"""A step of clips has one clip for so many stills of an ordinary step: they cost about the same."""
SPREAD = 0.05
"""Noise added to latents while training, in their own root mean square, so that near misses decode well."""


def train(choices: Choices, pool: Pool, folder: Path, *, save_every_s: float, say: Callable[[str], None]) -> Any:
    """Train from principal components, or go on from what ``folder`` holds.

    Args:
        choices: Of the run; ``folder`` must have been begun with the same.
        pool: Training pictures.
        folder: Where the state is saved, and read from.
        save_every_s: Seconds between two saves.
        say: Given one line a save.

    Returns:
        The autoencoder with the running mean of its parameters, its latent statistics set [``latents_mean``], and a
        ``Progress``.

    Raises:
        UsageError: if ``folder`` was begun with other choices or other pictures.
        CheckpointError: if its file is damaged.
    """
    torch.manual_seed(choices.seed)
    model_class: Any = AutoencoderKLLTXVideo
    vae = model_class(**NANO)
    progress = run_steps(
        vae,
        lambda step: _loss_at(vae, pool, choices, step),
        choices,
        {"choices": asdict(choices), "pictures": pool.fingerprints},
        folder,
        start=lambda: start_from_principal_components(vae, pool.stills.float() / 127.5 - 1, choices.seed),
        save_every_s=save_every_s,
        say=say,
    )
    set_statistics(vae, pool, choices)
    return vae.eval(), progress


def _loss_at(vae: Any, pool: Pool, choices: Choices, step: int) -> tuple[Tensor, float]:
    generator = generator_of(choices, step)
    clips = step % CLIPS_EVERY == CLIPS_EVERY - 1
    count = max(1, choices.batch // CLIPS_SHARE)
    pixels = pool.draw_clips(generator, count) if clips else pool.draw(generator, choices.batch)
    with cheap_stills(vae):
        latents = vae.encode(pixels).latent_dist.mode()
        noise = torch.randn(latents.shape, generator=generator) * latents.detach().square().mean().sqrt()
        output = vae.decode(latents + SPREAD * noise).sample
    loss = picture_loss(output, pixels)
    return loss, float(loss.detach())


def picture_loss(output: Tensor, target: Tensor) -> Tensor:
    """Absolute error, of pixels and of their differences between neighbours. [B, 3, T, H_px, W_px], twice -> []"""
    error = output - target
    edges = error.diff(dim=-1).abs().mean() + error.diff(dim=-2).abs().mean()
    return error.abs().mean() + error.square().mean() + 0.25 * edges


@torch.no_grad()
def set_statistics(vae: Any, pool: Pool, choices: Choices, count: int = 256) -> None:
    """Mean and deviation of each latent channel over training stills, where the published checkpoints keep theirs."""
    generator = torch.Generator().manual_seed(choices.seed)
    with cheap_stills(vae):
        drawn = torch.split(pool.draw(generator, min(count, len(pool.stills))), 16)
        parts = [vae.encode(block).latent_dist.mode() for block in drawn]
    latents = torch.cat(parts).transpose(0, 1).flatten(1)
    vae.latents_mean.copy_(latents.mean(1))
    vae.latents_std.copy_(latents.std(1))
