"""The command behind ``train_nano.py``: draw the pictures, train, write weights and record."""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import platform
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from foresight_harness.contracts.errors import ForesightError
from safetensors.torch import save_file
from torch import Tensor

from foresight_ltx_video.nano.loop import Choices, Progress
from foresight_ltx_video.nano.roundtrip import round_trip
from foresight_ltx_video.nano.sampler import CANVAS_PX, CLIPS, CROP_PX, FRAMES, SOURCES, build_pool
from foresight_ltx_video.nano.training import train
from foresight_ltx_video.presets import NANO

HERE = Path(__file__).resolve().parent.parent
OUTPUT = HERE / "weights" / "ltx_video_nano"
WEIGHTS = "diffusion_pytorch_model.safetensors"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; its exit status."""
    parser = argparse.ArgumentParser(description="Train ltx_video_nano on two cores.")
    parser.add_argument("--seed", type=int, default=Choices.seed)
    parser.add_argument("--steps", type=int, default=Choices.steps)
    parser.add_argument("--batch", type=int, default=Choices.batch)
    parser.add_argument("--share", type=float, default=1.0, help="share of the training pictures, for a trial")
    parser.add_argument("--work", type=Path, default=Path("runs/train_nano"), help="where the state is saved")
    parser.add_argument("--output", type=Path, default=OUTPUT, help="folder of the checkpoint")
    parser.add_argument("--save-every", type=float, default=60.0, metavar="SECONDS")
    asked = parser.parse_args(arguments)
    choices = Choices(seed=asked.seed, steps=asked.steps, batch=asked.batch)
    try:
        pool = build_pool(choices.seed, asked.share)
        vae, progress = train(choices, pool, asked.work, save_every_s=asked.save_every, say=say)
    except ForesightError as error:
        print(f"train_nano: {error}", file=sys.stderr)
        return 2
    digest = write_checkpoint(vae, asked.output)
    write_json(asked.output / "training.json", record(choices, progress, pool.fingerprints, asked.share, digest))
    write_json(asked.output / "round_trip.json", round_trip(asked.output))
    say(f"wrote {asked.output}")
    return 0


def write_checkpoint(vae: Any, output: Path) -> str:
    """The autoencoder laid out as published; returns the sha256 of the weights."""
    tensors = {
        name: (tensor if name.startswith("latents_") else tensor.half()) for name, tensor in vae.state_dict().items()
    }
    return write_part(tensors, {"_class_name": type(vae).__name__, **NANO}, output / "vae")


def write_part(tensors: Mapping[str, Tensor], config: Mapping[str, Any], folder: Path) -> str:
    """Weights and configuration of one part, laid out as published; returns the sha256 of the weights."""
    folder.mkdir(parents=True, exist_ok=True)
    save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, folder / WEIGHTS, {"format": "pt"})
    (folder / WEIGHTS).chmod(0o644)
    write_json(folder / "config.json", config)
    with (folder / WEIGHTS).open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def record(
    choices: Choices, progress: Progress, fingerprints: dict[str, str], share: float, digest: str
) -> dict[str, Any]:
    """What is kept of a training run, as JSON values."""
    return {
        "choices": asdict(choices),
        "pictures": {name: round(count * share) for name, (_, count) in SOURCES.items()},
        "clips": {"moving_shapes": round(CLIPS * share), "frames": FRAMES, "crop_px": CROP_PX},
        "canvas_px": CANVAS_PX,
        "split": "train",
        "fingerprints": fingerprints,
        "start": "chain of principal components",
        **run_facts(progress),
        "sha256": digest,
    }


def run_facts(progress: Progress) -> dict[str, Any]:
    """How a run went and what it ran on, as JSON values."""
    window = max(1, len(progress.losses) // 20)
    return {
        "steps": progress.step,
        "losses": {
            "window": window,
            "means": [
                round(sum(progress.losses[at : at + window]) / len(progress.losses[at : at + window]), 5)
                for at in range(0, len(progress.losses), window)
            ],
        },
        "wall_s": round(progress.wall_s, 1),
        "cpu_s": round(progress.cpu_s, 1),
        "threads": torch.get_num_threads(),
        "cores": os.cpu_count(),
        "versions": {name: version(name) for name in ("diffusers", "numpy", "torch")}
        | {"python": platform.python_version()},
    }


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """One value an entry and line, so that changes can be read."""
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def say(line: str) -> None:
    """Print at once, also into a file."""
    print(line, flush=True)
