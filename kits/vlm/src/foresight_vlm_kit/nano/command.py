"""The command behind every plugin's ``train_nano``: pictures, steps, weights in the published layout, a record."""

from __future__ import annotations

import argparse
import hashlib
import json
import platform
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Protocol

import torch
from foresight_harness.contracts.errors import ForesightError
from foresight_harness.parts.training.resumable import Progress
from safetensors.torch import save_file
from torch import Tensor, nn

from foresight_vlm_kit.nano.captions import OBJECTIVES
from foresight_vlm_kit.nano.loop import Choices, run_steps
from foresight_vlm_kit.nano.pictures import DATA_SEED, Pool, held_out, pools
from foresight_vlm_kit.nano.rates import rates
from foresight_vlm_kit.nano.words import IDS

WEIGHTS = "model.safetensors"
HELD_OUT = 500


class Family(Protocol):
    """What a plugin brings: its real class, and how it reads captions."""

    name: str
    """Of its nano sizes, without the objective."""

    def start(self, seed: int) -> nn.Module:
        """The whole model as the plugin's own building code initialises it."""
        ...

    def load(self, folder: Path) -> nn.Module:
        """The whole model from a folder that this command wrote."""
        ...

    def read(self, model: nn.Module, pixels: Tensor, words: Tensor, corners: Tensor | None = None) -> Tensor:
        """See ``loop.Reader``."""
        ...

    def published(self, model: nn.Module) -> tuple[dict[str, Tensor], Mapping[str, Any]]:
        """Tensors under their names in published checkpoints, and ``config.json``."""
        ...


@dataclass(frozen=True)
class Folders:
    """Where a training reads and writes."""

    output: Path
    work: Path
    pictures: Path


def main(family: Family, arguments: Sequence[str] | None = None) -> int:
    """Run the command; its exit status."""
    parser = argparse.ArgumentParser(
        description=f"Train a {family.name} twin on one core; goes on where it was killed."
    )
    parser.add_argument("--objective", choices=OBJECTIVES, required=True)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("-o", "--output", type=Path, required=True, help="folder of the checkpoint")
    parser.add_argument("--after", type=Path, help="start from this checkpoint instead of the seed's own start")
    parser.add_argument("--work", type=Path, help="where the state is saved; default OUTPUT/work")
    parser.add_argument("--pictures", type=Path, help="where pictures are kept; default WORK")
    parser.add_argument("--close-steps", type=int, default=Choices.close_steps)
    parser.add_argument("--kinds-steps", type=int, default=Choices.kinds_steps)
    parser.add_argument("--whole-steps", type=int, default=Choices.whole_steps)
    parser.add_argument("--share", type=float, default=1.0, help="share of the pictures, for a trial")
    parser.add_argument("--save-every", type=float, default=30.0, metavar="SECONDS")
    asked = parser.parse_args(arguments)
    choices = Choices(asked.objective, asked.seed, asked.close_steps, asked.kinds_steps, asked.whole_steps)
    work = asked.work or asked.output / "work"
    folders = Folders(asked.output, work, asked.pictures or work)
    torch.set_num_threads(1)
    try:
        trained(family, choices, folders, after=asked.after, share=asked.share, save_every_s=asked.save_every)
    except ForesightError as error:
        print(f"train_nano: {error}", file=sys.stderr)
        return 2
    return 0


def trained(
    family: Family,
    choices: Choices,
    folders: Folders,
    *,
    after: Path | None = None,
    share: float = 1.0,
    save_every_s: float = 30.0,
) -> str:
    """Train one twin, write it and its record; returns the sha256 of the weights.

    Raises:
        UsageError: where the work folder was begun with other choices or pictures.
        CheckpointError: where its state is damaged.
    """
    drawn = pools(folders.pictures, share)
    model = family.load(after) if after else family.start(choices.seed)
    identity = {
        "family": family.name,
        "choices": asdict(choices),
        "pictures": {name: pool.digest for name, pool in drawn.items()},
        "start": _sha256(after / WEIGHTS) if after else f"seed {choices.seed}",
    }
    model.train().requires_grad_(True)
    progress = run_steps(model, family.read, drawn, choices, identity, folders.work, save_every_s=save_every_s, say=say)
    folders.output.mkdir(parents=True, exist_ok=True)
    digest = write_checkpoint(family, model, folders.output)
    shipped = family.load(folders.output).eval()
    found = rates(shipped, family.read, held_out(max(2, round(HELD_OUT * share))), choices.objective)
    write_json(folders.output / "training.json", record(identity, drawn, progress, found, digest))
    say(f"wrote {folders.output}: {digest}")
    return digest


def write_checkpoint(family: Family, model: nn.Module, folder: Path) -> str:
    """Weights in bfloat16 and configuration as published, and the vocabulary; returns the sha256 of the weights.

    Rotary frequencies stay as they are where a checkpoint holds them: not trained, and others if rounded.
    """
    tensors, config = family.published(model)
    rounded = {
        name: (tensor if name.endswith("inv_freq") else tensor.detach().to(torch.bfloat16)).contiguous()
        for name, tensor in tensors.items()
    }
    save_file(rounded, folder / WEIGHTS, {"format": "pt"})
    (folder / WEIGHTS).chmod(0o644)
    write_json(folder / "config.json", {**config, "torch_dtype": "bfloat16"})
    write_json(folder / "vocabulary.json", IDS)
    return _sha256(folder / WEIGHTS)


def record(
    identity: Mapping[str, Any], drawn: Mapping[str, Pool], progress: Progress, found: Mapping[str, float], digest: str
) -> dict[str, Any]:
    """What is kept of a training, as JSON values."""
    window = max(1, len(progress.losses) // 20)
    means = [
        round(sum(part) / len(part), 4)
        for at in range(0, len(progress.losses), window)
        if (part := progress.losses[at : at + window])
    ]
    return {
        **identity,
        "pictures": {name: {"count": len(pool), "fingerprint": pool.digest} for name, pool in drawn.items()},
        "data_seed": DATA_SEED,
        "split": "train",
        "steps": progress.step,
        "losses": {"window": window, "means": means},
        "held_out": {"split": "test", "pictures": HELD_OUT, "rates": dict(found)},
        "cpu_s": round(progress.cpu_s, 1),
        "threads": torch.get_num_threads(),
        "versions": {name: version(name) for name in ("numpy", "torch", "transformers")}
        | {"python": platform.python_version()},
        "sha256": digest,
    }


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """One value an entry and line, so that changes can be read."""
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def say(line: str) -> None:
    """Print at once, also into a file."""
    print(line, flush=True)


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
