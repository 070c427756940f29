"""Runs an exported fit on an encoder's tokens. Needs torch and safetensors; no harness, no plugin.

    from load import load
    conditioner = load("FOLDER")                 # or load("FOLDER", "places")
    conditioner.inputs                           # {"encoder@tap": (frames, rows, columns, channels)}
    out = conditioner({"encoder@tap": tokens})   # tokens: [B, frames, rows, columns, channels] float32

``python load.py`` runs the example that lies beside the weights and says how far it is from what was written with it.
The modules are in evaluation mode and can be trained on: ``conditioner.module.parameters()`` have gradients.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor

TOLERANCE = 1e-5
"""Largest difference of the example, relative to its greatest value, that another machine's rounding explains."""


class Conditioner:
    """Tokens to latents, to a generator's prompt tokens, or to a map of object coverage."""

    def __init__(self, module: Any, facts: Mapping[str, Any], folder: Path) -> None:
        self.module, self.facts, self.folder = module, facts, folder
        self.inputs: dict[str, tuple[int, ...]] = {one["stream"]: tuple(one["shape"]) for one in facts["inputs"]}
        self.clips: tuple[int, ...] | None = tuple(facts["clips"]) if facts["clips"] else None

    def __call__(self, tokens: Mapping[str, Tensor], clips: Tensor | None = None) -> Tensor:
        """Condition.

        Args:
            tokens: By ``encoder@tap``, token grids in raster order, prefix tokens gone. [B, T, H, W, C] float32 each
            clips: The pictures in [0, 1], where ``self.clips`` says that they are read. [B, T, 3, H_px, W_px]

        Raises:
            ValueError: in one line, where a stream is missing or of another shape.
        """
        given = [*((name, tokens.get(name), shape) for name, shape in self.inputs.items())]
        if self.clips is not None:
            given.append(("clips", clips, self.clips))
        for name, found, shape in given:
            if found is None or tuple(found.shape[1:]) != shape:
                said = "nothing" if found is None else f"shape {tuple(found.shape)}"
                raise ValueError(f"{name}: expected [B, {', '.join(map(str, shape))}], got {said}")
        read = [found for name, found, _ in given if name != "clips"]
        made: Tensor = self.module(read) if self.clips is None else self.module(read, clips)
        return made


def load(folder: str | Path = ".", part: str | None = None, device: str = "cpu") -> Conditioner:
    """The exported modules.

    Args:
        folder: What ``export-fit`` wrote.
        part: ``latents`` or ``places``; default the first that the folder has.
        device: Where they are to run.

    Raises:
        ValueError: in one line, where the folder lacks the part, or a file is not the one that was written.
    """
    folder = Path(folder)
    facts = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    parts = facts["parts"]
    chosen = next(iter(parts)) if part is None else part
    if chosen not in parts:
        raise ValueError(f"{folder} has no part {chosen!r}; it has {', '.join(parts)}")
    own = parts[chosen]
    for name, stated in own["files"].items():
        with (folder / name).open("rb") as stream:
            if hashlib.file_digest(stream, "sha256").hexdigest() != stated:
                raise ValueError(f"{folder / name} is not the file that was exported (sha256 differs)")
    program = torch.export.load(folder / own["program"])
    if device != "cpu":
        from torch.export.passes import move_to_device_pass

        program = move_to_device_pass(program, device)
    module = program.module()
    weights = {name: tensor for file in own["weights"] for name, tensor in load_file(folder / file, device).items()}
    module.load_state_dict(weights, strict=True, assign=True)
    return Conditioner(module, own, folder)


def difference(conditioner: Conditioner) -> float:
    """How far the example's output is from the one that was written with it, relative to its greatest value."""
    example = load_file(conditioner.folder / conditioner.facts["example"])
    tokens = {name: example[f"tokens.{place}"] for place, name in enumerate(conditioner.inputs)}
    with torch.no_grad():
        made = conditioner(tokens, example.get("clips"))
    return float((made - example["output"]).abs().max() / example["output"].abs().max().clamp(min=1e-12))


def main() -> int:
    """Run the example of every part. 0 where all are as written."""
    here, worst = Path(__file__).resolve().parent, 0.0
    for part in json.loads((here / "config.json").read_text(encoding="utf-8"))["parts"]:
        found = difference(load(here, part))
        print(f"{part}: relative difference {found:.2g}")
        worst = max(worst, found)
    return 0 if worst <= TOLERANCE else 1


if __name__ == "__main__":
    sys.exit(main())
