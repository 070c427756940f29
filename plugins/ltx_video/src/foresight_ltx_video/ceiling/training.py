"""The training run of ``ltx_video_16px_nano``."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from diffusers import AutoencoderKLLTXVideo
from foresight_harness.parts.metrics.perceptual import PerceptualDistance, build_lpips
from foresight_harness.parts.metrics.pixels import psnr
from foresight_harness.parts.metrics.segments import object_iou
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from foresight_ltx_video.ceiling.criteria import RoundTrip, change_kept, margins, standing
from foresight_ltx_video.ceiling.pictures import JUDGED_BY, JUDGED_SEED, HeldSet, Pictures, held_sets
from foresight_ltx_video.ceiling.start import start_from_pairs
from foresight_ltx_video.nano.loop import Choices, Progress, generator_of, run_steps
from foresight_ltx_video.nano.still import cheap_stills
from foresight_ltx_video.presets import NANO_16PX

BEST = "best.safetensors"
CROP_PX, WHOLE_PX = 64, 128
CLIPS_AT_ONCE = 2


@dataclass(frozen=True)
class CeilingChoices(Choices):
    """What a run is determined by."""

    steps: int = 80
    batch: int = 16
    rate: float = 5e-6
    """Four times as much loses motion, twenty times as much the components at once: what norms divide by is one large
    constant in all channels, and small steps of all weights together move much of it."""
    warm_up: int = 10
    memory: float = 0.95
    judge_every: int = 40
    """Steps between two states that are judged."""
    crops_until: float = 0.5
    """Share of the run on squares of ``CROP_PX``; then whole pictures, a quarter as many at once."""
    clips_every: int = 2
    """One step in so many is of clips: what components cannot keep is motion."""
    perceptual: float = 1.0
    edges: float = 0.25
    changes: float = 0.25
    divergence: float = 1e-4
    """Weights of LPIPS, of differences between neighbouring pixels, of those between frames, and of the posterior's
    divergence from the standard normal distribution; beside absolute and squared error."""


def train(
    choices: CeilingChoices, pictures: Pictures, folder: Path, *, save_every_s: float, say: Callable[[str], None]
) -> tuple[Any, Progress, dict[str, Any]]:
    """Train from principal components, or go on from what ``folder`` holds.

    Returns:
        The autoencoder at the state that ``criteria`` keeps, its latent statistics set; how the run went; and what is
        known of each state that was judged, as JSON values.

    Raises:
        CheckpointError: if LPIPS's trunk is not on this machine, or a file of ``folder`` is damaged.
        UsageError: if ``folder`` was begun with other choices or other pictures.
    """
    torch.manual_seed(choices.seed)
    model_class: Any = AutoencoderKLLTXVideo
    vae = model_class(**NANO_16PX)
    for parameter in vae.parameters():
        if parameter.ndim > 1:
            parameter.register_hook(_centred)
    distance = build_lpips()
    held = held_sets("train", choices.seed + JUDGED_SEED, *JUDGED_BY)
    best = Best(folder, distance, held, say)

    def watch(step: int, mean: dict[str, Tensor]) -> None:
        if step % choices.judge_every == 0 or step == choices.steps:
            best.judge(step, vae, mean)

    def start() -> None:
        start_from_pairs(vae, _signed(pictures.stills), _signed(pictures.clips), choices.seed)
        best.judge(0, vae, dict(vae.named_parameters()))

    progress = run_steps(
        vae,
        lambda step: _loss_at(vae, distance, pictures, choices, step),
        choices,
        {"choices": asdict(choices), "pictures": pictures.fingerprints},
        folder,
        start=start,
        save_every_s=save_every_s,
        say=say,
        watch=watch,
    )
    vae.load_state_dict(vae.state_dict() | best.parameters())
    set_statistics(vae, pictures, choices)
    return vae.eval(), progress, best.figures


class Best:
    """The state that is kept so far, on disk, so that an interrupted run goes on with it."""

    def __init__(
        self, folder: Path, distance: PerceptualDistance, held: Mapping[str, HeldSet], say: Callable[[str], None]
    ) -> None:
        self._path, self._distance, self._held, self._say = folder / BEST, distance, held, say
        self._without_output = {name: references(one, distance) for name, one in held.items()}
        self.figures: dict[str, Any] = {"kept": None, "judged": {}}
        if self._path.is_file():
            with safe_open(self._path, "pt") as opened:
                self.figures = json.loads(opened.metadata()["figures"])

    def judge(self, step: int, vae: Any, mean: Mapping[str, Tensor]) -> None:
        """Compare the state with the one kept, and keep the better; equal ones leave the earlier."""
        present = {name: parameter.detach().clone() for name, parameter in vae.named_parameters()}
        vae.load_state_dict(vae.state_dict() | dict(mean))
        found = judged(lambda clips: reconstructed(vae, clips), self._held, self._distance, known=self._without_output)
        vae.load_state_dict(vae.state_dict() | present)
        worst = {name: round(min(margins(one).values()), 4) for name, one in found.items()}
        shortfall, margin = standing(found)
        kept = self.figures["kept"]
        entry = {"shortfall": round(shortfall, 5), "mean_margin": round(margin, 5), "worst_margin": worst}
        self.figures["judged"][str(step)] = entry
        better = kept is None or (shortfall, margin) > tuple(kept["standing"])
        tensors = {name: tensor.detach().clone().contiguous() for name, tensor in mean.items()}
        if better:
            self.figures["kept"] = {"step": step, "standing": [shortfall, margin]}
        else:
            tensors = self.parameters()
        self._path.parent.mkdir(parents=True, exist_ok=True)
        written = self._path.with_suffix(".tmp")
        save_file(tensors, written, {"figures": json.dumps(self.figures)})
        written.replace(self._path)
        self._say(f"judged {step}{' kept' if better else ''}: {json.dumps(entry)}")
        for name, one in found.items():
            self._say(f"  {name}: {one}")

    def parameters(self) -> dict[str, Tensor]:
        """Of the state kept, by name."""
        with safe_open(self._path, "pt") as opened:
            return {key: opened.get_tensor(key) for key in opened.keys()}  # noqa: SIM118


def judged(
    round_trip: Callable[[Tensor], Tensor],
    held: Mapping[str, HeldSet],
    distance: PerceptualDistance,
    *,
    known: Mapping[str, tuple[float, float | None]] | None = None,
) -> dict[str, RoundTrip]:
    """Means over the pictures of each set.

    Args:
        round_trip: Is given and gives [B, T, 3, H_px, W_px] in [0, 1].
        held: Pictures by set.
        distance: LPIPS.
        known: ``references`` of each set, where they were computed before.
    """
    found = {}
    for name, one in held.items():
        target = one.clips
        output = torch.cat([round_trip(block) for block in torch.split(target, 8)])
        of_mean, of_target = references(one, distance) if known is None else known[name]
        found[name] = RoundTrip(
            lpips=float(distance(output, target).mean()),
            lpips_of_mean_picture=of_mean,
            psnr=float(psnr(output, target).mean()),
            object_iou=None if one.masks is None else float(object_iou(output, target, one.masks).nanmean()),
            object_iou_of_target=of_target,
            change_kept=float(change_kept(output, target).mean()) if target.shape[1] > 1 else None,
        )
    return found


def references(one: HeldSet, distance: PerceptualDistance) -> tuple[float, float | None]:
    """What does not depend on an output: LPIPS of the mean picture, and the pictures' own object IoU."""
    mean = one.mean_picture.expand_as(one.clips).contiguous()
    own = None if one.masks is None else float(object_iou(one.clips, one.clips, one.masks).nanmean())
    return float(distance(mean, one.clips).mean()), own


def reconstructed(vae: Any, clips: Tensor) -> Tensor:
    """What the autoencoder makes of clips. [B, T, 3, H_px, W_px] in [0, 1], twice"""
    with torch.no_grad(), cheap_stills(vae):
        latents = vae.encode(clips.transpose(1, 2) * 2 - 1).latent_dist.mode()
        pixels: Tensor = vae.decode(latents).sample
    return pixels.transpose(1, 2).add(1).div(2).clamp(0, 1)


def _loss_at(
    vae: Any, distance: PerceptualDistance, pictures: Pictures, choices: CeilingChoices, step: int
) -> tuple[Tensor, float]:
    generator = generator_of(choices, step)
    way = step / choices.steps
    clips = step % choices.clips_every == 1
    if clips:
        pixels = pictures.draw_clips(generator, CLIPS_AT_ONCE, CROP_PX)
    elif way < choices.crops_until:
        pixels = pictures.draw(generator, choices.batch, CROP_PX)
    else:
        pixels = pictures.draw(generator, max(1, choices.batch // 4), WHOLE_PX)
    with cheap_stills(vae):
        posterior = vae.encode(pixels).latent_dist
        latents = posterior.mean + posterior.std * torch.randn(posterior.mean.shape, generator=generator)
        output = vae.decode(latents).sample
    loss = picture_loss(output, pixels, distance, choices)
    spread = posterior.mean.square() + posterior.var - 1 - posterior.logvar
    return loss + choices.divergence * 0.5 * spread.mean(), float(loss.detach())


def picture_loss(output: Tensor, target: Tensor, distance: PerceptualDistance, choices: CeilingChoices) -> Tensor:
    """Error of pixels, of differences between neighbours and between frames, and LPIPS. [B, 3, T, H, W], twice -> []"""
    error = output - target
    edges = error.diff(dim=-1).abs().mean() + error.diff(dim=-2).abs().mean()
    loss = error.abs().mean() + error.square().mean() + choices.edges * edges
    if target.shape[2] > 1:
        loss = loss + choices.changes * error.diff(dim=2).abs().mean()
    shown, wanted = (clips.transpose(1, 2) / 2 + 0.5 for clips in (output, target))
    return loss + choices.perceptual * distance.loss(shown, wanted)


@torch.no_grad()
def set_statistics(vae: Any, pictures: Pictures, choices: CeilingChoices, count: int = 256) -> None:
    """Mean and deviation of each latent channel over training stills, where the published checkpoints keep theirs."""
    generator = torch.Generator().manual_seed(choices.seed)
    with cheap_stills(vae):
        parts = [vae.encode(pictures.draw(generator, 16, WHOLE_PX)).latent_dist.mode() for _ in range(count // 16)]
    latents = torch.cat(parts).transpose(0, 1).flatten(1)
    vae.latents_mean.copy_(latents.mean(1))
    vae.latents_std.copy_(latents.std(1))


def _centred(gradient: Tensor) -> Tensor:
    """Without the mean over a filter's inputs, which all hold the one large constant: that is its bias's to move."""
    return gradient - gradient.mean(dim=tuple(range(1, gradient.ndim)), keepdim=True)


def _signed(pixels: Tensor) -> Tensor:
    return pixels.float() / 127.5 - 1
