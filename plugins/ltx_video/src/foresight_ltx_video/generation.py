"""Video from conditioning: the frozen transformer, its schedule and the decoder, with prompts from outside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from foresight_harness import BuildRequest
from foresight_harness.contracts.errors import CheckpointError, GridError
from foresight_harness.weights import checkpoint_folder, read_object
from torch import Tensor

from foresight_ltx_video.conditioning import FRAME_RATE
from foresight_ltx_video.decoder import LTXVideoDecoder, build_decoder
from foresight_ltx_video.legal_sizes import require_legal_size
from foresight_ltx_video.loading import part_folder, pretrained_part, random_part
from foresight_ltx_video.presets import (
    LATENT_CHANNELS,
    STRIDE_FRAMES,
    STRIDE_PX,
    AutoencoderPreset,
    TransformerPreset,
)

PIPELINES = ("LTXPipeline", "LTXConditionPipeline", "LTXImageToVideoPipeline")
"""Pipelines of this family; LTX-2 is another one."""
MEANING = (
    "attention_head_dim",
    "caption_channels",
    "cross_attention_dim",
    "in_channels",
    "num_attention_heads",
    "num_layers",
    "out_channels",
    "patch_size",
    "patch_size_t",
)
"""Entries of the configuration in which a checkpoint must agree with the size that was asked for."""


@dataclass(frozen=True)
class VideoGenerator:
    """Everything between prompt tokens and pixels; nothing of it is trained."""

    transformer: Any
    """``LTXVideoTransformer3DModel``"""
    decoder: LTXVideoDecoder
    schedule: Mapping[str, Any]
    """Configuration of ``FlowMatchEulerDiscreteScheduler``."""

    @classmethod
    def build(
        cls, transformer: TransformerPreset, autoencoder: AutoencoderPreset, request: BuildRequest
    ) -> VideoGenerator:
        """Build all parts with random weights, or from one checkpoint in the published pipeline layout.

        The text encoder and the tokenizer of a checkpoint are not read.

        Raises:
            CheckpointError: if the checkpoint is absent, damaged, of another family, or its parts of another size.
            UsageError: if weights do not fit into memory.
        """
        if request.weights == "random":
            return cls(
                build_transformer(transformer, request), build_decoder(autoencoder, request), transformer.schedule
            )
        whole = checkpoint_folder(request.source, transformer.repo, None, subfolder="scheduler")
        _require_family(whole)
        schedule = _schedule(whole)
        # One checkpoint for all parts: an autoencoder of another version normalises its latents differently.
        same = replace(request, source=request.source or transformer.repo)
        return cls(build_transformer(transformer, same), build_decoder(autoencoder, same), schedule)

    @torch.no_grad()
    def sample(
        self,
        prompts: Tensor,
        *,
        frames: int,
        height_px: int,
        width_px: int,
        seeds: Sequence[int],
        steps: int = 50,
        guidance: float = 1.0,
        negative: Tensor | None = None,
        frame_rate: float = FRAME_RATE,
    ) -> Tensor:
        """Denoise one clip for each prompt; a clip depends on its prompt and its seed alone.

        Args:
            prompts: Prompt tokens. [B, L, prompt_width]
            frames: Frames of the clip, 8k + 1.
            height_px: A multiple of 32.
            width_px: A multiple of 32.
            seeds: Seed of each clip's noise; equal seeds make candidates comparable. [B]
            steps: Denoising steps.
            guidance: Classifier-free guidance; above 1 it needs ``negative``.
            negative: Tokens to be guided away from (those of an uninformed grid, say). [B, L, prompt_width]
            frame_rate: Frames a second.

        Returns:
            Normalised latents. [B, T', H', W', 128] float32

        Raises:
            GridError: if a size is illegal, seeds and prompts differ in number, or guidance lacks its negative.
        """
        cells = _cells(frames, height_px, width_px)
        if len(seeds) != len(prompts):
            raise GridError(f"{len(seeds)} seeds for {len(prompts)} prompts; each clip has one")
        if (guidance > 1) != (negative is not None):
            raise GridError(f"guidance {guidance} {'needs' if guidance > 1 else 'does not use'} negative prompt tokens")
        # The pipeline multiplies the transformer's dtype with float32 latents: it expects prompts in its own dtype.
        dtype, device = self.transformer.dtype, self.transformer.device
        everything = torch.ones(prompts.shape[:2], dtype=dtype, device=device)
        packed: Tensor = self._pipeline()(
            prompt_embeds=prompts.to(device, dtype),
            prompt_attention_mask=everything,
            negative_prompt_embeds=None if negative is None else negative.to(device, dtype),
            negative_prompt_attention_mask=None if negative is None else everything,
            guidance_scale=guidance,
            height=height_px,
            width=width_px,
            num_frames=frames,
            frame_rate=frame_rate,
            num_inference_steps=steps,
            latents=torch.stack([_noise(cells, seed) for seed in seeds]).flatten(1, 3),
            output_type="latent",
        ).frames
        return packed.float().reshape(len(prompts), *cells, LATENT_CHANNELS)

    @torch.no_grad()
    def continue_from(
        self,
        first: Tensor,
        prompts: Tensor,
        *,
        frames: int,
        seeds: Sequence[int],
        steps: int = 50,
        frame_rate: float = FRAME_RATE,
    ) -> Tensor:
        """Clips whose first frame is given, by ``LTXConditionPipeline`` with prompts from outside.

        The pipeline has a schedule of its own (linear, then quadratic), without the shift of older checkpoints, and
        draws all noise itself, each clip's from its own generator.

        Args:
            first: Pictures in [0, 1]; sides are multiples of 32. [B, 3, H_px, W_px]
            prompts: Prompt tokens. [B, L, prompt_width]
            frames: Frames of the clip, 8k + 1.
            seeds: Seed of each clip's noise. [B]
            steps: Denoising steps.
            frame_rate: Frames a second.

        Returns:
            Normalised latents. [B, T', H', W', 128] float32

        Raises:
            GridError: if a size is illegal, or pictures, prompts and seeds differ in number.
        """
        height_px, width_px = int(first.shape[-2]), int(first.shape[-1])
        _cells(frames, height_px, width_px)
        if not len(first) == len(prompts) == len(seeds):
            raise GridError(f"{len(first)} first frames for {len(prompts)} prompts and {len(seeds)} seeds")
        dtype, device = self.transformer.dtype, self.transformer.device
        found: Tensor = self._pipeline("LTXConditionPipeline")(
            image=[first.to(device, dtype)],
            prompt_embeds=prompts.to(device, dtype),
            prompt_attention_mask=torch.ones(prompts.shape[:2], dtype=dtype, device=device),
            guidance_scale=1.0,
            height=height_px,
            width=width_px,
            num_frames=frames,
            frame_rate=frame_rate,
            num_inference_steps=steps,
            generator=[torch.Generator().manual_seed(seed) for seed in seeds],
            output_type="latent",
        ).frames
        return found.float().permute(0, 2, 3, 4, 1)

    def generate(self, prompts: Tensor, **options: Any) -> Tensor:
        """``sample`` and decode. [B, L, prompt_width] -> clips in [0, 1] [B, T, 3, H_px, W_px]"""
        return self.decoder.decode(self.sample(prompts, **options))

    def _pipeline(self, name: str = "LTXPipeline") -> Any:
        import diffusers

        library: Any = diffusers
        schedule = dict(self.schedule)
        if name == "LTXConditionPipeline":
            schedule |= {"use_dynamic_shifting": False, "shift_terminal": None}
        pipeline: Any = getattr(library, name)(
            scheduler=library.FlowMatchEulerDiscreteScheduler.from_config(schedule),
            vae=self.decoder.vae,
            text_encoder=None,
            tokenizer=None,
            transformer=self.transformer,
        )
        pipeline.set_progress_bar_config(disable=True)
        return pipeline


def build_transformer(preset: TransformerPreset, request: BuildRequest) -> Any:
    """The video transformer alone, frozen: what the flow-matching loss needs.

    Raises:
        CheckpointError: if the checkpoint is absent, damaged, unsafe, incomplete or of another size.
        UsageError: if its weights do not fit into memory.
    """
    from diffusers import LTXVideoTransformer3DModel

    what = f"LTX-Video ({preset.name})"
    if request.weights == "random":
        return random_part(LTXVideoTransformer3DModel, preset.config, request, what)
    folder = part_folder(request.source, preset.repo, "transformer")
    return pretrained_part(LTXVideoTransformer3DModel, preset.config, request, folder, what=what, same=MEANING)


def _cells(frames: int, height_px: int, width_px: int) -> tuple[int, int, int]:
    """Latent slots, rows and columns of a legal clip. Raises: GridError."""
    require_legal_size(frames, height_px, width_px)
    return (frames - 1) // STRIDE_FRAMES + 1, height_px // STRIDE_PX, width_px // STRIDE_PX


def _noise(cells: tuple[int, int, int], seed: int) -> Tensor:
    """A clip's own noise, made on the CPU so that it is the same on every device. [T', H', W', 128]"""
    return torch.randn((*cells, LATENT_CHANNELS), generator=torch.Generator().manual_seed(seed))


def _require_family(folder: Path) -> None:
    """Refuse a pipeline of another family; a folder without ``model_index.json`` is known by its parts."""
    index = folder / "model_index.json"
    if index.is_file():
        found = read_object(index).get("_class_name")
        if found not in PIPELINES:
            raise CheckpointError(f"{folder} is a {found!r}; LTX-Video needs {' or '.join(PIPELINES)}")


def _schedule(folder: Path) -> Mapping[str, Any]:
    path = folder / "scheduler" / "scheduler_config.json"
    if not path.is_file():
        raise CheckpointError(f"{path} does not exist; generation needs a whole pipeline folder, not one part of it")
    config = read_object(path)
    found = config.get("_class_name")
    if found != "FlowMatchEulerDiscreteScheduler":
        raise CheckpointError(f"{path} is a {found!r}; LTX-Video needs 'FlowMatchEulerDiscreteScheduler'")
    return {key: value for key, value in config.items() if not key.startswith("_")}
