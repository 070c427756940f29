"""The training run of a nano transformer: flow matching on pictures, after it has learned where its tokens stand.

Latent tokens have no absolute places: self-attention turns by differences alone, and all that a token is given at first
is noise. Left to the flow-matching loss the transformer draws the right colours anywhere. Asked for the places
themselves, it finds them from the borders within some hundred steps; so a linear readout of the second block is held to
them: alone at first, then beside the flow. The readout is thrown away.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from diffusers import LTXVideoTransformer3DModel
from torch import Tensor, nn
from torch.nn import functional as F

from foresight_ltx_video.conditioning import flow_matching_loss, place_encoding
from foresight_ltx_video.nano.loop import Choices, Progress, generator_of, run_steps
from foresight_ltx_video.nano.scenes import Scenes, scene_prompts
from foresight_ltx_video.presets import NANO_TRANSFORMER

CELLS = (4, 4, 8, 8, 16)
"""Sides of the grids that prompts are read from, at equal odds."""
READ_FROM = 1
"""The block whose output is asked for places."""
PLACE_WIDTH = 36
UNTOLD = 0.1
"""Share of steps with one empty prompt token."""
ALL_NOISE = 0.15
"""Share of samples that are noise alone: there sampling begins."""


@dataclass(frozen=True)
class FlowChoices(Choices):
    """What a run is determined by."""

    steps: int = 6000
    batch: int = 32
    rate: float = 2e-3
    warm_up: int = 50
    memory: float = 0.995
    place_steps: int = 250
    """Steps on places alone."""
    place_weight: float = 0.2
    """Weight of the places' error after that."""


def train_flow(
    choices: FlowChoices, scenes: Scenes, folder: Path, *, save_every_s: float, say: Callable[[str], None]
) -> tuple[Any, Progress]:
    """Train ``NANO_TRANSFORMER``, or go on from what ``folder`` holds.

    Returns:
        The transformer with the running mean of its parameters, and how it went; losses are of the flow alone, in the
        steps on places alone of these.

    Raises:
        UsageError: if ``folder`` was begun with other choices or other pictures.
        CheckpointError: if its file is damaged.
    """
    torch.manual_seed(choices.seed)
    model_class: Any = LTXVideoTransformer3DModel
    transformer = model_class(**NANO_TRANSFORMER.config)
    width = transformer.config.num_attention_heads * transformer.config.attention_head_dim
    model = nn.ModuleDict({"transformer": transformer, "places": nn.Linear(width, PLACE_WIDTH)})
    seen: dict[str, Tensor] = {}

    def keep(module: nn.Module, given: Any, output: Tensor) -> None:
        seen["tokens"] = output

    watched = transformer.transformer_blocks[READ_FROM].register_forward_hook(keep)
    progress = run_steps(
        model,
        lambda step: _loss_at(model, seen, scenes, choices, step),
        choices,
        {"choices": asdict(choices), "pictures": scenes.fingerprints},
        folder,
        start=lambda: None,
        save_every_s=save_every_s,
        say=say,
    )
    watched.remove()
    return transformer.eval(), progress


def _loss_at(
    model: Any, seen: dict[str, Tensor], scenes: Scenes, choices: FlowChoices, step: int
) -> tuple[Tensor, float]:
    generator = generator_of(choices, step)
    first = step < choices.place_steps
    latents, prompts, sigmas = draw(scenes, choices.batch, model["transformer"].config.caption_channels, generator)
    if first:
        prompts, sigmas = torch.zeros_like(prompts[:, :1]), torch.ones_like(sigmas)
    noise = torch.randn(latents.shape, generator=generator)
    flow = flow_matching_loss(model["transformer"], latents, prompts, sigmas=sigmas, noise=noise).mean()
    tokens = seen["tokens"]
    frames, rows, cols = latents.shape[1:4]
    places = place_encoding(frames, rows, cols, PLACE_WIDTH).flatten(0, 2)
    missed = (model["places"](F.layer_norm(tokens, tokens.shape[-1:])) - places).square().mean()
    loss = missed if first else flow + choices.place_weight * missed
    return loss, float((missed if first else flow).detach())


def draw(scenes: Scenes, count: int, width: int, generator: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
    """Latents [count, 1, H', W', 128], prompts [count, L, width] of one grid, and shares of noise [count]."""
    chosen = torch.randint(len(scenes.latents), (count,), generator=generator)
    flat = torch.randint(2, (count,), generator=generator)
    cells = CELLS[int(torch.randint(len(CELLS), (), generator=generator))]
    prompts = scene_prompts(scenes.pictures[flat, chosen], cells, width)
    if float(torch.rand((), generator=generator)) < UNTOLD:
        prompts = torch.zeros_like(prompts[:, :1])
    sigmas = (0.6 + 1.2 * torch.randn(count, generator=generator)).sigmoid()
    noise_alone = torch.rand(count, generator=generator) < ALL_NOISE
    return scenes.latents[chosen], prompts, torch.where(noise_alone, torch.ones_like(sigmas), sigmas)
