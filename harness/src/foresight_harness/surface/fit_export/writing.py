"""From a run and a candidate to a folder: programs, weights by part, example, configuration, card, loader."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from foresight_harness.contracts.errors import UsageError
from foresight_harness.contracts.progress import Progress
from foresight_harness.contracts.specs import GridShape
from foresight_harness.contracts.specs.models import OWN
from foresight_harness.contracts.text import without_secrets_in
from foresight_harness.parts.closed_form import RidgeFit
from foresight_harness.parts.probes.dense_ridge import DenseRidge
from foresight_harness.planning.registry import Registry
from foresight_harness.running.run_folder.run_data import RunData
from foresight_harness.surface.fit_export.card import card
from foresight_harness.surface.fit_export.conditioner import (
    Conditioner,
    Example,
    MapHead,
    adapter_head,
    example_of,
    program_of,
    save_program,
)
from foresight_harness.surface.fit_export.obtaining import (
    Obtained,
    cell_of,
    inputs_of,
    obtain,
    records_by_objective,
    workshop_of,
)

SCHEMA = 1
LOADER = Path(__file__).with_name("load.py")


class Part(NamedTuple):
    """What is written of one objective."""

    obtained: Obtained
    names: list[str]
    shapes: list[GridShape]
    conditioner: Conditioner
    example: Example
    threshold: float | None
    """Of the probe's map; None for latents."""


class Wish(NamedTuple):
    """What of a candidate is to be exported."""

    candidate: str
    parts: tuple[str, ...] = ()
    """``latents`` and ``places``; none are those that the run scored."""
    dataset: str | None = None
    seed: int = 0


def export_fit(data: RunData, wish: Wish, folder: Path, registry: Registry, progress: Progress) -> dict[str, Any]:
    """Write the folder.

    Returns:
        What ``config.json`` says.

    Raises:
        UsageError: in one line, where the folder is in use, there is no such fit, or it cannot be written down.
    """
    require_free(folder)
    records = records_by_objective(data, wish.candidate, wish.dataset, registry)
    absent = [name for name in wish.parts if name not in records]
    if absent:
        raise UsageError(f"--part {absent[0]}: {wish.candidate} was scored for {', '.join(records)} alone")
    workshop = workshop_of(data, registry, progress)
    parts: dict[str, Part] = {}
    for objective in wish.parts or tuple(records):
        cell = cell_of(data, records[objective], registry, workshop)
        parts[objective] = part_of(obtain(data, cell, records[objective], objective, wish.seed))  # type: ignore[arg-type]
    fresh = folder.with_name(f".{folder.name}.being-written")
    shutil.rmtree(fresh, ignore_errors=True)
    try:
        fresh.mkdir(parents=True)
        content = _content(data, wish, {name: write_part(fresh, name, part) for name, part in parts.items()})
        (fresh / "config.json").write_text(json.dumps(content, indent=1, allow_nan=False) + "\n", encoding="utf-8")
        (fresh / "README.md").write_text(card(data, content, registry), encoding="utf-8")
        shutil.copyfile(LOADER, fresh / "load.py")
        if folder.is_dir():
            folder.rmdir()
        fresh.replace(folder)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return content


def require_free(folder: Path) -> None:
    """Refuse a place where something lies. Raises: UsageError."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(f"-o {folder} is there already and not empty; name another folder")


def part_of(obtained: Obtained) -> Part:
    cell, shaped = obtained.cell, obtained.shaped
    names, shapes, order = inputs_of(cell, shaped)
    fitted, latents = shaped.fitted, shaped.latents
    clips = tuple(cell.split("train").take([0]).shape[1:]) if fitted.modules.uses_image else None
    ridge, threshold, latent = None, None, None
    if latents is None:
        ridge, threshold = _probe(obtained)
        head: nn.Module = MapHead(ridge)
    else:
        assert fitted.adapter is not None
        latent = (latents.frames, latents.rows, latents.cols)
        head = adapter_head(fitted.adapter, latent)
    name = "probe" if latents is None else "adapter"
    conditioner = Conditioner(fitted, order, head, name)
    return Part(
        obtained, names, shapes, conditioner, example_of(fitted, order, shapes, clips, latent, ridge), threshold
    )


def _probe(obtained: Obtained) -> tuple[RidgeFit, float | None]:
    """The primary probe's map, fitted on the run's training pictures: in closed form, so the same every time."""
    cell = obtained.cell
    probe = cell.workshop.registry.primary_probe.of_boxes()
    if not isinstance(probe, DenseRidge):
        raise UsageError(f"--part places: the probe {probe.name} is none whose map can be exported; use --part latents")
    train = obtained.shaped.fitted.conditioning(cell.streams("train"), str(cell.candidate))
    probe.fit(train, cell.split("train").labels, obtained.seed)
    return probe.map_fit, probe.threshold


def write_part(folder: Path, name: str, part: Part) -> dict[str, Any]:
    """Files of one part; what ``config.json`` says of it."""
    from safetensors.torch import save_file

    (folder / name).mkdir()
    program = program_of(part.conditioner, part.example, str(part.obtained.cell.candidate))
    save_program(program, folder / name / "program.pt2")
    weights = []
    for owner, tensors in _by_part(part.conditioner).items():
        weights.append(f"{name}/{owner}.safetensors")
        save_file(tensors, folder / weights[-1])
    example = {f"tokens.{place}": tensor for place, tensor in enumerate(part.example.tokens)}
    if part.example.clips is not None:
        example["clips"] = part.example.clips
    save_file({**example, "output": part.example.output.contiguous()}, folder / name / "example.safetensors")
    files = [f"{name}/program.pt2", f"{name}/example.safetensors", *weights]
    return {
        "program": files[0],
        "example": files[1],
        "weights": weights,
        "files": {file: _sha256(folder / file) for file in files},
        "inputs": [
            {"stream": stream, "shape": [shape.frames, shape.rows, shape.cols, shape.width]}
            for stream, shape in zip(part.names, part.shapes, strict=True)
        ],
        "clips": None if part.example.clips is None else list(part.example.clips.shape[1:]),
        "output": _output(part),
        "params": {
            owner: sum(tensor.numel() for tensor in tensors.values())
            for owner, tensors in _by_part(part.conditioner).items()
        },
        "dataset": str(part.obtained.cell.dataset),
        "seed": part.obtained.seed,
        "fit": "kept by the run" if part.obtained.kept else "made again under the run's protocol",
        "protocol_digest": part.obtained.record.protocol,
        "protocol": json.loads(json.dumps(part.obtained.cell.protocol(), default=str)),
    }


def _output(part: Part) -> dict[str, Any]:
    """What comes out, and who reads it."""
    candidate, shape = part.obtained.cell.candidate, list(part.example.output.shape[1:])
    if part.obtained.objective == "places":
        return {"kind": "coverage", "shape": shape, "threshold": part.threshold}
    space = candidate.decoder.latent_space
    kind = "adapted" if candidate.decoder.adapter == OWN else "latents"
    return {
        "kind": kind,
        "shape": shape,
        "decoder": candidate.decoder.name,
        "channels": space.channels,
        "stride_px": space.stride_px,
        "stride_frames": space.stride_frames,
    }


def _by_part(conditioner: Conditioner) -> dict[str, dict[str, Tensor]]:
    """Parameters and buffers by part; parts without any are left out."""
    found: dict[str, dict[str, Tensor]] = {}
    for name, tensor in conditioner.state_dict().items():
        found.setdefault(name.partition(".")[0], {})[name] = tensor.detach().contiguous()
    return found


def _content(data: RunData, wish: Wish, parts: Mapping[str, Any]) -> dict[str, Any]:
    environment = data.manifest.get("environment") or {}
    return {
        "schema": SCHEMA,
        "candidate": wish.candidate,
        "run": data.path.name,
        "torch": torch.__version__,
        "versions": {str(name): str(value) for name, value in environment.items() if isinstance(value, str)},
        "parts": without_secrets_in(dict(parts)),
    }


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def sizes(content: Mapping[str, Any]) -> Sequence[str]:
    """Part, parameters and output, one line a part."""
    return [
        f"{name}: {sum(one['params'].values()):,} parameters ({', '.join(one['params'])}), {one['output']['kind']} "
        f"{' x '.join(map(str, one['output']['shape']))}, {one['fit']}"
        for name, one in content["parts"].items()
    ]
