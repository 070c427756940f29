"""The command behind ``train_ceiling.py``: draw the pictures, train, write weights and record."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from foresight_harness import BuildRequest
from foresight_harness.contracts.errors import ForesightError
from foresight_harness.parts.metrics.perceptual import build_lpips

from foresight_ltx_video.ceiling.criteria import margins
from foresight_ltx_video.ceiling.pictures import build_pictures, held_sets
from foresight_ltx_video.ceiling.training import CeilingChoices, judged, train
from foresight_ltx_video.decoder import build_decoder
from foresight_ltx_video.nano.command import run_facts, say, write_json, write_part
from foresight_ltx_video.presets import NANO_16PX, NANO_16PX_PRESET

OUTPUT = Path(__file__).resolve().parent.parent / "weights" / "ltx_video_16px_nano"
TESTED_BY = (32, 4)
"""Stills and clips of each set that the shipped weights are tested by."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; its exit status."""
    parser = argparse.ArgumentParser(description="Train ltx_video_16px_nano on one core; needs LPIPS's trunk.")
    parser.add_argument("--seed", type=int, default=CeilingChoices.seed)
    parser.add_argument("--steps", type=int, default=CeilingChoices.steps)
    parser.add_argument("--batch", type=int, default=CeilingChoices.batch)
    parser.add_argument("--share", type=float, default=1.0, help="share of the training pictures, for a trial")
    parser.add_argument("--work", type=Path, default=Path("runs/train_ceiling"), help="where the state is saved")
    parser.add_argument("--output", type=Path, default=OUTPUT, help="folder of the checkpoint")
    parser.add_argument("--save-every", type=float, default=60.0, metavar="SECONDS")
    asked = parser.parse_args(arguments)
    choices = CeilingChoices(seed=asked.seed, steps=asked.steps, batch=asked.batch)
    torch.set_num_threads(1)
    try:
        pictures = build_pictures(choices.seed, asked.share)
        vae, progress, states = train(choices, pictures, asked.work, save_every_s=asked.save_every, say=say)
    except ForesightError as error:
        print(f"train_ceiling: {error}", file=sys.stderr)
        return 2
    tensors = {
        name: (tensor if name.startswith("latents_") else tensor.half()) for name, tensor in vae.state_dict().items()
    }
    digest = write_part(tensors, {"_class_name": type(vae).__name__, **NANO_16PX}, asked.output / "vae")
    record = {
        "choices": asdict(choices),
        "share": asked.share,
        "split": "train",
        "fingerprints": pictures.fingerprints,
        "start": "principal components of patches and of pairs of frames",
        **run_facts(progress),
        **states,
        "sha256": digest,
    }
    write_json(asked.output / "training.json", record)
    write_json(asked.output / "round_trip.json", round_trip(asked.output))
    say(f"wrote {asked.output}")
    return 0


def round_trip(source: Path) -> dict[str, Any]:
    """What encoding and decoding test pictures scores, read from files as a download is, as JSON values."""
    decoder = build_decoder(NANO_16PX_PRESET, BuildRequest(weights="nano", source=str(source)))
    held = held_sets("test", 0, *TESTED_BY)
    with torch.inference_mode():
        found = judged(lambda clips: decoder.decode(decoder.encode(clips)), held, build_lpips())
    return {"split": "test", "canvas_px": 128} | {
        name: {
            "fingerprint": held[name].fingerprint,
            "n": len(held[name].clips),
            **{key: None if value is None else round(value, 4) for key, value in asdict(one).items()},
            "margins": {key: round(value, 4) for key, value in margins(one).items()},
        }
        for name, one in found.items()
    }
