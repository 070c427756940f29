"""The training run of the nano autoencoder: seeded, saved as it goes, the same whether or not interrupted."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from diffusers import AutoencoderKLLTXVideo
from foresight_harness.errors import UsageError
from torch import Tensor

from foresight_ltx_video.nano.checkpoints import load_state, save_state
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


@dataclass(frozen=True)
class Choices:
    """What a run is determined by."""

    seed: int = 0
    steps: int = 800
    batch: int = 16
    rate: float = 3e-4
    warm_up: int = 20
    memory: float = 0.98
    """Share of the running mean of parameters that a step keeps."""


@dataclass
class Progress:
    """Where a run stands, as it is saved."""

    step: int
    wall_s: float
    cpu_s: float
    losses: list[float]


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
    began = time.monotonic(), time.process_time()
    torch.manual_seed(choices.seed)
    model_class: Any = AutoencoderKLLTXVideo
    vae = model_class(**NANO)
    mean = {name: parameter.detach().clone() for name, parameter in vae.named_parameters()}
    optimiser = torch.optim.Adam(vae.parameters(), lr=choices.rate, betas=(0.9, 0.98))
    held = load_state(folder, vae, mean, optimiser)
    identity = {"choices": asdict(choices), "pictures": pool.fingerprints}
    if held is None:
        start_from_principal_components(vae, pool.stills.float() / 127.5 - 1, choices.seed)
        mean = {name: parameter.detach().clone() for name, parameter in vae.named_parameters()}
        progress = Progress(0, 0.0, 0.0, [])
    elif held["identity"] != identity:
        raise UsageError(f"{folder} was begun with other choices or pictures; name another folder or delete it")
    else:
        progress = Progress(held["step"], held["wall_s"], held["cpu_s"], held["losses"])
    earlier = progress.wall_s, progress.cpu_s
    saved = -math.inf
    while progress.step < choices.steps:
        loss = _step(vae, mean, optimiser, pool, choices, progress.step)
        progress.step += 1
        progress.losses.append(round(loss, 6))
        progress.wall_s = earlier[0] + time.monotonic() - began[0]
        progress.cpu_s = earlier[1] + time.process_time() - began[1]
        if time.monotonic() - saved >= save_every_s or progress.step == choices.steps:
            saved = time.monotonic()
            save_state(folder, vae, mean, optimiser, asdict(progress) | {"identity": identity})
            recent = progress.losses[-20:]
            say(f"step {progress.step}/{choices.steps}  loss {sum(recent) / len(recent):.4f}  {progress.wall_s:.0f} s")
    vae.load_state_dict(vae.state_dict() | mean)
    set_statistics(vae, pool, choices)
    return vae.eval(), progress


def _step(
    vae: Any, mean: dict[str, Tensor], optimiser: torch.optim.Adam, pool: Pool, choices: Choices, step: int
) -> float:
    """One step; all that it draws follows from seed and step alone."""
    generator = torch.Generator().manual_seed(choices.seed * 1_000_003 + step)
    clips = step % CLIPS_EVERY == CLIPS_EVERY - 1
    count = max(1, choices.batch // CLIPS_SHARE)
    pixels = pool.draw_clips(generator, count) if clips else pool.draw(generator, choices.batch)
    for group in optimiser.param_groups:
        group["lr"] = rate_at(step, choices)
    with cheap_stills(vae):
        latents = vae.encode(pixels).latent_dist.mode()
        noise = torch.randn(latents.shape, generator=generator) * latents.detach().square().mean().sqrt()
        output = vae.decode(latents + SPREAD * noise).sample
    loss = picture_loss(output, pixels)
    optimiser.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    torch.nn.utils.clip_grad_norm_(vae.parameters(), 1.0)
    optimiser.step()
    keep = min(choices.memory, (1 + step) / (10 + step))
    with torch.no_grad():
        for name, parameter in vae.named_parameters():
            mean[name].lerp_(parameter, 1 - keep)
    return float(loss.detach())


def picture_loss(output: Tensor, target: Tensor) -> Tensor:
    """Absolute error, of pixels and of their differences between neighbours. [B, 3, T, H_px, W_px], twice -> []"""
    error = output - target
    edges = error.diff(dim=-1).abs().mean() + error.diff(dim=-2).abs().mean()
    return error.abs().mean() + error.square().mean() + 0.25 * edges


def rate_at(step: int, choices: Choices) -> float:
    """Learning rate: a short rise, then half a cosine down to a hundredth."""
    if step < choices.warm_up:
        return choices.rate * (step + 1) / choices.warm_up
    way = (step - choices.warm_up) / max(1, choices.steps - choices.warm_up)
    return choices.rate * (0.01 + 0.99 * (1 + math.cos(math.pi * min(1.0, way))) / 2)


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
