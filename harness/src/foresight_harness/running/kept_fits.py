"""Fits that a run keeps (``--keep-fits``): parameters below ``fits/``, with what their modules are rebuilt from."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from foresight_harness.contracts.errors import RunFolderError
from foresight_harness.contracts.identity import digest
from foresight_harness.contracts.protocols import ConditionedDecoder, TunableDecoder
from foresight_harness.contracts.specs import DecoderSpec, GridShape
from foresight_harness.measuring.conditioning import build_modules
from foresight_harness.measuring.fitting.adapters import Adapter, LinearAdapter, TrainedAdapter, build_adapter
from foresight_harness.measuring.fitting.conditioned_decoders import OwnAdapter
from foresight_harness.measuring.fitting.fitted import Fitted
from foresight_harness.measuring.fitting.phases import SET_READER_CELLS, conditioning_shape
from foresight_harness.measuring.fitting.set_readers import SetReader
from foresight_harness.measuring.workshop.assignment import Assignment
from foresight_harness.measuring.workshop.fits import fit_in_memory
from foresight_harness.parts.closed_form import RidgeFit
from foresight_harness.parts.training.recipe import Objective

FOLDER = "fits"
OBJECTIVES: tuple[Objective, ...] = ("places", "latents")
KEY = "fit"
"""One entry of the file's header holds all that is said: the order of several is not the library's to keep."""


@dataclass(frozen=True)
class ShapedFit:
    """A fit, and the shapes that its modules were built for."""

    fitted: Fitted
    taps: list[list[GridShape]]
    """Of every tap, by stream."""
    latents: GridShape | None
    """Of the decoder's latents; None for a fit for places."""


def keep_fits(run: Path, cell: Assignment) -> None:
    """Write what was fitted for a cell and is not kept yet; parts without parameters leave no file."""
    from safetensors.torch import save_file

    for objective in OBJECTIVES:
        for seed in cell.seeds:
            path = kept_path(run, cell, objective, seed)
            fitted = None if path.exists() else fit_in_memory(cell, objective, seed)
            tensors = {} if fitted is None else tensors_of(fitted)
            if fitted is None or not tensors:
                continue
            path.parent.mkdir(exist_ok=True)
            fresh = path.with_name(f".{path.name}")
            save_file(tensors, fresh, {KEY: json.dumps(_said(cell, objective, seed), sort_keys=True)})
            fresh.replace(path)


def kept_path(run: Path, cell: Assignment, objective: Objective, seed: int) -> Path:
    """Where a run keeps a fit, if it does. Candidates that differ in the decoder share their fits for places."""
    return run / FOLDER / f"{digest(_names(cell, objective, seed))}.safetensors"


def tensors_of(fitted: Fitted) -> dict[str, Tensor]:
    """Parameters and buffers by part: ``modules.``, ``reader.`` , ``adapter.`` and ``tuning.``."""
    parts: dict[str, Mapping[str, Tensor]] = {"modules": fitted.modules.state_dict()}
    if fitted.reader is not None:
        parts["reader"] = fitted.reader.state_dict()
    if isinstance(fitted.adapter, LinearAdapter):
        parts["adapter"] = {"weight": fitted.adapter.ridge.weight, "bias": fitted.adapter.ridge.bias}
    elif isinstance(fitted.adapter, TrainedAdapter | OwnAdapter):
        parts["adapter"] = fitted.adapter.network.state_dict()
    if isinstance(fitted.adapter, OwnAdapter) and fitted.adapter.tuning is not None:
        parts["tuning"] = fitted.adapter.tuning.state_dict()
    return {
        f"{part}.{name}": tensor.detach().to("cpu", copy=True).contiguous()
        for part, tensors in parts.items()
        for name, tensor in tensors.items()
    }


def read_fit(run: Path, cell: Assignment, objective: Objective, seed: int) -> ShapedFit | None:
    """A kept fit with its modules built anew; None where the run keeps none.

    Raises:
        RunFolderError: in one line, where the file is damaged or of modules that are built otherwise today.
    """
    from safetensors import SafetensorError, safe_open

    path = kept_path(run, cell, objective, seed)
    if not path.is_file():
        return None
    try:
        with safe_open(path, "pt") as file:
            said = json.loads(file.metadata()[KEY])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  not a mapping
        taps = [[GridShape(**shape) for shape in stream] for stream in said["taps"]]
        latents = GridShape(**said["latents"]) if said["latents"] else None
        return ShapedFit(_rebuilt(cell, objective, taps, latents, tensors, said["closed_form"]), taps, latents)
    except (SafetensorError, OSError, ValueError, KeyError, TypeError) as error:
        raise RunFolderError(f"{path} is damaged or no kept fit ({type(error).__name__}); remove it") from error
    except RuntimeError as error:  # what load_state_dict raises
        raise RunFolderError(
            f"{path} does not fit the modules of {cell.candidate} as they are built today; remove it to fit them again"
        ) from error


def _names(cell: Assignment, objective: Objective, seed: int) -> dict[str, Any]:
    candidate = cell.candidate.candidate
    return {
        "objective": objective,
        "streams": [str(stream) for stream in candidate.streams],
        "enhancer": candidate.enhancer,
        "fusion": candidate.fusion,
        "decoder": candidate.decoder if objective == "latents" else None,
        "dataset": str(cell.dataset),
        "seed": seed,
    }


def _said(cell: Assignment, objective: Objective, seed: int) -> dict[str, Any]:
    """The header: what the fit is of, and every shape that its modules are built from."""
    fitted = fit_in_memory(cell, objective, seed)
    split, decoder = cell.split("train"), cell.candidate.decoder
    return _names(cell, objective, seed) | {
        "schema": 1,
        "taps": [[asdict(shape) for shape in stream] for stream in cell.streams("train").shapes()],
        "latents": asdict(cell.workshop.latents.of(decoder, split).shape) if objective == "latents" else None,
        "closed_form": fitted is not None and isinstance(fitted.adapter, LinearAdapter),
    }


def _rebuilt(
    cell: Assignment,
    objective: Objective,
    taps: list[list[GridShape]],
    latents: GridShape | None,
    tensors: Mapping[str, Tensor],
    closed_form: bool,
) -> Fitted:
    """Modules as a fit builds them, with kept parameters. Raises: RuntimeError where they do not fit."""
    modules = build_modules(cell.candidate, taps, 0)
    modules.load_state_dict(_of("modules", tensors))
    modules.eval()
    shape = conditioning_shape(cell.candidate, taps)
    side = (SET_READER_CELLS, SET_READER_CELLS) if latents is None else (latents.rows, latents.cols)
    reader: nn.Module | None = None
    if _of("reader", tensors):
        reader = SetReader(shape.width, *side, getattr(modules.fusion, "anchors", None))
        reader.load_state_dict(_of("reader", tensors))
        reader.eval()
        shape = replace(shape, rows=side[0], cols=side[1])
    adapter = None if latents is None else _adapter(cell, shape, latents, tensors, closed_form)
    return Fitted(modules, reader, adapter, None, "cpu")


def _adapter(
    cell: Assignment, shape: GridShape, latents: GridShape, tensors: Mapping[str, Tensor], closed_form: bool
) -> Adapter:
    spec, size = cell.candidate.decoder, (latents.frames, latents.rows, latents.cols)
    if closed_form:
        return LinearAdapter(
            RidgeFit(tensors["adapter.weight"], tensors["adapter.bias"], 0.0, float("nan")), spec.adapter_cells
        )
    own = cell.workshop.latents.conditioned(spec)
    with torch.random.fork_rng(devices=[]):
        network = (
            build_adapter(spec, shape, latents.width, size[1:])
            if own is None
            else own.build_adapter(shape, **spec.adapter_choices)
        )
    network.load_state_dict(_of("adapter", tensors))
    network.eval()
    if own is not None:
        return OwnAdapter(network, own, size, _tuning(own, spec, _of("tuning", tensors)))
    return TrainedAdapter(network, latents.frames, spec.adapter_cells if spec.adapter == "linear" else None)


def _tuning(own: ConditionedDecoder, spec: DecoderSpec, tensors: Mapping[str, Tensor]) -> nn.Module | None:
    """What the fit changed the decoder by; None where it left it alone."""
    if not tensors:
        return None
    if not isinstance(own, TunableDecoder):
        raise RuntimeError(f"{spec.name} cannot be tuned")
    with torch.random.fork_rng(devices=[]):
        tuning = own.build_tuning(**spec.tuning)
    tuning.load_state_dict(dict(tensors))
    return tuning.eval()


def _of(part: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(f"{part}."): found for name, found in tensors.items() if name.startswith(f"{part}.")}
