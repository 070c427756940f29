"""Modules of plugins as exports: each runs without harness and plugin, and gives what the harness gives."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import foresight_ltx_video
import numpy as np
import pytest
import torch
from foresight_harness.contracts.specs import BuildRequest, GridShape
from foresight_harness.grids import TensorBatches
from foresight_harness.measuring.conditioning import PipelineModules, build_modules
from foresight_harness.measuring.fitting.adapters import TrainedAdapter, build_adapter, fit_linear
from foresight_harness.measuring.fitting.conditioned_decoders import OwnAdapter
from foresight_harness.measuring.fitting.fitted import Fitted
from foresight_harness.measuring.fitting.phases import conditioning_shape
from foresight_harness.measuring.fitting.set_readers import SetReader
from foresight_harness.planning.candidates import ResolvedCandidate, parse_candidate, resolve
from foresight_harness.planning.registry import Registry, load_registry
from foresight_harness.running.kept_fits import ShapedFit
from foresight_harness.surface.fit_export import writing
from foresight_harness.surface.fit_export.obtaining import Obtained, inputs_of
from PIL import Image, ImageSequence
from safetensors.torch import save_file

SCRIPT = Path(__file__).resolve().parents[2] / "docs" / "examples" / "condition_ltx.py"
ONE = (GridShape(rows=8, cols=8, width=24),)
TWO = (*ONE, GridShape(rows=4, cols=6, width=32))
LATENTS = GridShape(rows=4, cols=4, width=128)
STREAM, OTHER = "dinov2_tiny@last", "siglip_tiny@last"

CASES = {
    "linear": f"{STREAM}/identity/single/ltx_video_nano",
    "conv": f"{STREAM}/identity/single/conv",
    "sem": f"{STREAM}/sem/single/conv",
    "perceiver": f"{STREAM}+pixels@patch/identity/perceiver/conv",
    "dual_stream": f"{STREAM}+pixels@patch/sem_coord/dual_stream/ltx_video_nano",
    "set": f"{STREAM}+pixels@patch/identity/qformer/conv",
    "prompts": f"{STREAM}/identity/single/ltx_video_dit_nano",
}


@dataclass(frozen=True)
class Made:
    """A fit with modules away from where they start, as a stand-in for one that was trained."""

    candidate: ResolvedCandidate
    fitted: Fitted
    taps: list[list[GridShape]]


@pytest.fixture(scope="module")
def registry() -> Registry:
    return load_registry()


def made(registry: Registry, name: str) -> Made:
    candidate = resolve(parse_candidate(name), registry)
    taps = [[shape] for shape in (TWO if len(candidate.streams) > 1 else ONE)]
    modules = build_modules(candidate, taps, 0)
    shape = conditioning_shape(candidate, taps)
    size = (LATENTS.rows, LATENTS.cols)
    torch.manual_seed(1)
    reader = None
    if shape.is_set and candidate.decoder.adapter != "own":
        reader = SetReader(shape.width, *size, getattr(modules.fusion, "anchors", None))
        shape = GridShape(rows=size[0], cols=size[1], width=shape.width)
    for module in (modules, reader):
        for parameter in () if module is None else module.parameters():
            parameter.data.add_(0.05 * torch.randn_like(parameter))
    modules.eval()
    return Made(candidate, Fitted(modules, reader, adapter_of(candidate, shape, modules), None, "cpu"), taps)


def adapter_of(candidate: ResolvedCandidate, shape: GridShape, modules: PipelineModules) -> Any:
    spec = candidate.decoder
    size = (LATENTS.rows, LATENTS.cols)
    if spec.adapter == "own":
        decoder = spec.build(BuildRequest(weights="nano"))
        return OwnAdapter(decoder.build_adapter(shape, **spec.adapter_choices), decoder, (1, *size))
    if spec.adapter == "linear":
        grids = TensorBatches(torch.randn(12, 1, shape.rows, shape.cols, shape.width))
        return fit_linear(grids, TensorBatches(torch.randn(12, 1, *size, LATENTS.width)), spec.adapter_cells)
    return TrainedAdapter(build_adapter(spec, shape, LATENTS.width, size), LATENTS.frames, None)


def shaped(one: Made) -> ShapedFit:
    return ShapedFit(one.fitted, one.taps, LATENTS)


def exported(one: Made, registry: Registry, folder: Path) -> tuple[Path, dict[str, Any]]:
    """The part ``latents`` as a run's export has it."""
    cell = SimpleNamespace(
        candidate=one.candidate, dataset="none", protocol=dict, split=None, workshop=SimpleNamespace(registry=registry)
    )
    folder.mkdir(exist_ok=True)
    record = SimpleNamespace(protocol=None)
    part = writing.part_of(Obtained(cell, "latents", 0, shaped(one), True, record))  # type: ignore[arg-type]
    content = writing.write_part(folder, "latents", part)
    (folder / "config.json").write_text(json.dumps({"parts": {"latents": content}}))
    (folder / "load.py").write_bytes(writing.LOADER.read_bytes())
    return folder, content


@pytest.mark.parametrize("case", CASES)
def test_an_export_gives_what_the_harness_gives(
    case: str, registry: Registry, tmp_path: Path, run_alone: Callable[..., dict[str, Any]]
) -> None:
    one = made(registry, CASES[case])
    folder, content = exported(one, registry, tmp_path)
    assert len(content["inputs"]) == len(one.taps)
    _, shapes, order = inputs_of(SimpleNamespace(candidate=one.candidate), shaped(one))  # type: ignore[arg-type]
    own = writing.example_of(one.fitted, order, shapes, None, (LATENTS.frames, LATENTS.rows, LATENTS.cols))
    said = run_alone(folder, "latents", own.tokens, own.output)
    assert own.output.abs().max() > 0.01
    assert said["difference"] <= 1e-6 * max(1.0, float(own.output.abs().max()))
    assert said["trainable"] > 0
    assert said["foresight"] == []
    assert (folder / "latents" / "program.pt2").stat().st_size < 2**20, "the weights lie in safetensors alone"


def test_the_documented_script_conditions_the_librarys_pipeline_as_the_harness_does(
    registry: Registry, tmp_path: Path
) -> None:
    one = made(registry, CASES["prompts"])
    adapter, content = exported(one, registry, tmp_path / "adapter")
    (name,) = (read["stream"] for read in content["inputs"])
    tokens = torch.randn(1, 1, 8, 8, 24, generator=torch.Generator().manual_seed(4))
    save_file({name: tokens}, tmp_path / "tokens.safetensors")
    decoder = one.fitted.adapter.decoder
    with torch.no_grad():
        latents = decoder.generator.sample(
            one.fitted.adapter.network(tokens), frames=9, height_px=64, width_px=64, seeds=[3], steps=2
        )
        own = decoder.decode(latents)[0]
    weights = Path(foresight_ltx_video.__file__).parent / "weights" / "ltx_video_nano"
    command = [sys.executable, str(SCRIPT), str(adapter), str(tmp_path / "tokens.safetensors"), "--ltx", str(weights)]
    command += ["-o", str(tmp_path / "clip.webp"), "--steps", "2", "--seed", "3"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    with Image.open(tmp_path / "clip.webp") as clip:
        frames = np.stack([np.asarray(frame.convert("RGB")) for frame in ImageSequence.Iterator(clip)])
    told = (own.permute(0, 2, 3, 1).clamp(0, 1) * 255).round().byte().numpy()
    assert frames.shape == told.shape == (9, 64, 64, 3)
    assert np.abs(frames.astype(int) - told.astype(int)).max() <= 1
