"""Train ``dinov2_nano`` without labels: one command, seeded, resumable.

    python -m foresight_dinov2.train_nano --seed N -o FOLDER

The real class at its random start, trained as a masked autoencoder. Interrupted, it goes on when started again.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import platform
import sys
from collections.abc import Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from foresight_harness.contracts.errors import ForesightError
from foresight_harness.parts.training.resumable import Progress, generator_at, run_steps
from safetensors.torch import save_file
from torch import Tensor, nn

from foresight_dinov2.building import random_model
from foresight_dinov2.nano.choices import Choices, rate_at
from foresight_dinov2.nano.masked import MaskedAutoencoder, random_order
from foresight_dinov2.nano.pictures import DATA_SEED, build_pool
from foresight_dinov2.preprocessing import preprocess
from foresight_dinov2.presets import INPUT_PX, NANO, PATCH_PX

WEIGHTS = "model.safetensors"


def start(seed: int) -> nn.Module:
    """The encoder as the plugin builds it with random weights of that seed."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return random_model(NANO, "sdpa")


def trained(choices: Choices, output: Path, work: Path, *, share: float, save_every_s: float) -> str:
    """Train, write weights and record; returns the sha256 of the weights.

    Raises:
        UsageError: where the work folder was begun with other choices or pictures.
        CheckpointError: where its state is damaged.
    """
    pool, side = build_pool(share), INPUT_PX // PATCH_PX
    encoder = start(choices.seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(choices.seed)
        model = MaskedAutoencoder(encoder, NANO.width, NANO.heads, side)
    model.train().requires_grad_(True)
    identity = {"choices": asdict(choices), "pictures": pool.fingerprints}

    def loss_at(step: int) -> Tensor:
        generator = generator_at(choices.seed, step)
        pixels = preprocess(pool.draw(generator, choices.batch), INPUT_PX, torch.float32)
        loss: Tensor = model(pixels, random_order(generator, choices.batch, side * side))
        return loss

    optimiser = torch.optim.AdamW(
        model.parameters(), lr=choices.rate, betas=(0.9, choices.memory), weight_decay=choices.decay, fused=True
    )
    rates = tuple(rate_at(step, choices) for step in range(choices.steps))
    progress = run_steps(model, optimiser, loss_at, rates, identity, work, save_every_s=save_every_s, say=say)
    digest = write_checkpoint(encoder, output)
    write_json(output / "training.json", record(identity, len(pool.pixels), progress, digest))
    say(f"wrote {output}: {digest}")
    return digest


def write_checkpoint(encoder: nn.Module, folder: Path) -> str:
    """Weights in bfloat16 and configuration as on the Hub; returns the sha256 of the weights."""
    folder.mkdir(parents=True, exist_ok=True)
    rounded = {name: value.detach().to(torch.bfloat16).contiguous() for name, value in encoder.state_dict().items()}
    save_file(rounded, folder / WEIGHTS, {"format": "pt"})
    (folder / WEIGHTS).chmod(0o644)
    write_json(folder / "config.json", {"architectures": ["Dinov2Model"], **NANO.config, "torch_dtype": "bfloat16"})
    return hashlib.sha256((folder / WEIGHTS).read_bytes()).hexdigest()


def record(identity: dict[str, Any], count: int, progress: Progress, digest: str) -> dict[str, Any]:
    """What is kept of a training, as JSON values."""
    window = max(1, len(progress.losses) // 20)
    parts = [progress.losses[at : at + window] for at in range(0, len(progress.losses), window)]
    return {
        "objective": NANO.objective,
        **identity,
        "pictures_count": count,
        "data_seed": DATA_SEED,
        "split": "train",
        "start": f"seed {identity['choices']['seed']}",
        "steps": progress.step,
        "losses": {"window": window, "means": [round(sum(part) / len(part), 4) for part in parts]},
        "cpu_s": round(progress.cpu_s, 1),
        "threads": torch.get_num_threads(),
        "versions": {name: version(name) for name in ("numpy", "torch", "transformers")}
        | {"python": platform.python_version()},
        "sha256": digest,
    }


def write_json(path: Path, content: dict[str, Any]) -> None:
    """One value an entry and line, so that changes can be read."""
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def say(line: str) -> None:
    """Print at once, also into a file."""
    print(line, flush=True)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; its exit status."""
    parser = argparse.ArgumentParser(description="Train dinov2_nano on one core; goes on where it was killed.")
    parser.add_argument("--seed", type=int, default=Choices.seed)
    parser.add_argument("--steps", type=int, default=Choices.steps)
    parser.add_argument("-o", "--output", type=Path, required=True, help="folder of the checkpoint")
    parser.add_argument("--work", type=Path, help="where the state is saved; default OUTPUT/work")
    parser.add_argument("--share", type=float, default=1.0, help="share of the pictures, for a trial")
    parser.add_argument("--save-every", type=float, default=30.0, metavar="SECONDS")
    asked = parser.parse_args(arguments)
    torch.set_num_threads(1)
    choices = Choices(asked.seed, asked.steps)
    work = asked.work or asked.output / "work"
    try:
        trained(choices, asked.output, work, share=asked.share, save_every_s=asked.save_every)
    except ForesightError as error:
        print(f"train_nano: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
