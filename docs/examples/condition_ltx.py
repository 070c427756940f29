"""LTX-Video conditioned by an exported adapter: an encoder's tokens in, a clip out. Needs no harness and no plugin.

    python condition_ltx.py ADAPTER TOKENS.safetensors --ltx FOLDER -o clip.webp --frames 9 --height 64 --width 64

ADAPTER is what ``foresight-bench export-fit RUN CANDIDATE -o ADAPTER --part latents`` wrote for a candidate that ends
in ``ltx_video_dit`` or one of its sizes. TOKENS holds one tensor a stream, named ``encoder@tap`` as ``config.json``
lists them: [B, T, H, W, C] float32. FOLDER is a checkpoint in the layout of ``Lightricks/LTX-Video`` (``transformer``,
``vae``, ``scheduler``); text encoder and tokenizer are not read: the adapter's tokens take the place of the prompt.
"""

from __future__ import annotations

import argparse
import importlib.util
from pathlib import Path
from types import ModuleType

import torch
from diffusers import (
    AutoencoderKLLTXVideo,
    FlowMatchEulerDiscreteScheduler,
    LTXPipeline,
    LTXVideoTransformer3DModel,
)
from PIL import Image
from safetensors.torch import load_file


def loader_of(adapter: Path) -> ModuleType:
    """``load.py`` of an export, whatever the folder is called."""
    spec = importlib.util.spec_from_file_location("exported_fit", adapter / "load.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def pipeline_of(folder: Path) -> LTXPipeline:
    """The published pipeline without its text encoder."""
    pipeline = LTXPipeline(
        scheduler=FlowMatchEulerDiscreteScheduler.from_pretrained(folder, subfolder="scheduler"),
        vae=AutoencoderKLLTXVideo.from_pretrained(folder, subfolder="vae").eval(),
        text_encoder=None,
        tokenizer=None,
        transformer=LTXVideoTransformer3DModel.from_pretrained(folder, subfolder="transformer").eval(),
    )
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


@torch.no_grad()
def clips(adapter: Path, tokens: dict[str, torch.Tensor], options: argparse.Namespace) -> torch.Tensor:
    """One clip a sample. [B, T, 3, H_px, W_px] in [0, 1]"""
    prompts = loader_of(adapter).load(adapter, "latents")(tokens)
    if prompts.ndim != 3:
        raise SystemExit(
            f"{adapter} makes {tuple(prompts.shape)}, no prompt tokens [B, L, width]: export a ltx_video_dit"
        )
    pipeline = pipeline_of(options.ltx)
    prompts = prompts.to(pipeline.transformer.dtype)
    rows, cols = options.height // 32, options.width // 32
    cells = ((options.frames - 1) // 8 + 1, rows, cols, pipeline.transformer.config.in_channels)
    # Noise of a sample's own seed, so that a clip does not depend on what else is in the batch.
    seeds = range(options.seed, options.seed + len(prompts))
    noise = [torch.randn(cells, generator=torch.Generator().manual_seed(seed)) for seed in seeds]
    made: torch.Tensor = pipeline(
        prompt_embeds=prompts,
        prompt_attention_mask=torch.ones(prompts.shape[:2], dtype=prompts.dtype),
        guidance_scale=1.0,
        height=options.height,
        width=options.width,
        num_frames=options.frames,
        num_inference_steps=options.steps,
        latents=torch.stack(noise).flatten(1, 3),
        output_type="pt",
    ).frames
    return made


def main() -> None:
    """Read tokens, write the first clip."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("adapter", type=Path)
    parser.add_argument("tokens", type=Path)
    parser.add_argument("--ltx", type=Path, required=True, metavar="FOLDER")
    parser.add_argument("-o", "--output", type=Path, default=Path("clip.webp"))
    for name, value in (("frames", 9), ("height", 64), ("width", 64), ("steps", 20), ("seed", 0)):
        parser.add_argument(f"--{name}", type=int, default=value)
    options = parser.parse_args()
    made = clips(options.adapter, load_file(options.tokens), options)
    frames = [
        Image.fromarray((frame.permute(1, 2, 0).clamp(0, 1) * 255).round().byte().numpy()) for frame in made[0].float()
    ]
    frames[0].save(options.output, "WEBP", lossless=True, save_all=True, append_images=frames[1:], duration=160, loop=0)
    print(f"{len(made)} clips of {len(frames)} frames; the first is {options.output}")


if __name__ == "__main__":
    main()
