"""The command behind ``train_nano_transformer.py``: draw and encode the pictures, train, write weights and record."""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from foresight_harness.contracts.errors import ForesightError

from foresight_ltx_video.nano.command import OUTPUT, run_facts, say, write_json, write_part
from foresight_ltx_video.nano.flow import FlowChoices, train_flow
from foresight_ltx_video.nano.sampler import CANVAS_PX
from foresight_ltx_video.nano.scenes import LANGUAGE_SEED, SOURCES, build_scenes
from foresight_ltx_video.presets import NANO_TRANSFORMER


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; its exit status."""
    parser = argparse.ArgumentParser(description="Train a small transformer on latents of ltx_video_nano.")
    parser.add_argument("--seed", type=int, default=FlowChoices.seed)
    parser.add_argument("--steps", type=int, default=FlowChoices.steps)
    parser.add_argument("--batch", type=int, default=FlowChoices.batch)
    parser.add_argument("--share", type=float, default=1.0, help="share of the training pictures, for a trial")
    parser.add_argument(
        "--work", type=Path, default=Path("runs/train_nano_transformer"), help="where the state is saved"
    )
    parser.add_argument("--output", type=Path, default=OUTPUT, help="pipeline folder")
    parser.add_argument("--save-every", type=float, default=60.0, metavar="SECONDS")
    asked = parser.parse_args(arguments)
    choices = FlowChoices(seed=asked.seed, steps=asked.steps, batch=asked.batch)
    try:
        scenes = build_scenes(choices.seed, asked.share)
        transformer, progress = train_flow(choices, scenes, asked.work, save_every_s=asked.save_every, say=say)
    except ForesightError as error:
        print(f"train_nano_transformer: {error}", file=sys.stderr)
        return 2
    digest = write_pipeline(transformer, asked.output)
    facts = {
        "choices": asdict(choices),
        "pictures": {name: round(count * asked.share) for name, (_, count) in SOURCES.items()},
        "canvas_px": CANVAS_PX,
        "split": "train",
        "fingerprints": scenes.fingerprints,
        "prompts": f"mean colours of quarters of cells under a fixed random map (seed {LANGUAGE_SEED}), and places",
        **run_facts(progress),
        "sha256": digest,
    }
    write_json(asked.output / "transformer_training.json", facts)
    say(f"wrote {asked.output}")
    return 0


def write_pipeline(transformer: Any, output: Path) -> str:
    """Transformer in half precision, schedule, committed autoencoder, as published; the sha256 of its weights."""
    tensors = {name: tensor.half() for name, tensor in transformer.state_dict().items()}
    config = {"_class_name": type(transformer).__name__, **NANO_TRANSFORMER.config}
    digest = write_part(tensors, config, output / "transformer")
    (output / "scheduler").mkdir(exist_ok=True)
    schedule = {"_class_name": "FlowMatchEulerDiscreteScheduler", **NANO_TRANSFORMER.schedule}
    write_json(output / "scheduler" / "scheduler_config.json", schedule)
    if output.resolve() != OUTPUT.resolve():
        shutil.copytree(OUTPUT / "vae", output / "vae", dirs_exist_ok=True)
    return digest
