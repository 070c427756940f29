"""From a preset and a request to a built encoder: random weights by seed, or a file that fits exactly."""

from __future__ import annotations

import pickle
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from foresight_harness import BuildRequest, CheckpointError, UsageError
from foresight_harness.weights import (
    checkpoint_folder,
    library_file,
    require_complete,
    require_memory,
    resolve_attention,
    weight_files,
)
from torch import Tensor, nn

from foresight_torchvision.encoder import TorchvisionEncoder, extractor_of
from foresight_torchvision.preprocessing import fitting_side
from foresight_torchvision.presets import ATTENTION, Preset

CLASSIFIERS = (
    r"^classifier\.",
    r"^fc\.",
    r"^head\.",
    r"^heads\.",
    r"^AuxLogits\.",
    r"^aux[12]\.",
    r"num_batches_tracked$",
)
"""What stands behind the taps and is left out."""


def build(preset: Preset, request: BuildRequest) -> TorchvisionEncoder:
    """Build an encoder.

    Raises:
        CheckpointError: if pretrained weights cannot be found or trusted, or do not fill the model.
        UsageError: if memory, attention, weights or side cannot be granted.
    """
    asked = request.input_px or preset.input_px
    if asked < preset.step_px:
        raise UsageError(f"{preset.name}: a side of {asked} px is less than one cell ({preset.step_px} px)")
    attention = resolve_attention(request.attention, ATTENTION, request.device, request.dtype)
    require_memory(preset.name, preset.params, request.device, request.dtype)
    if request.weights not in ("random", "pretrained"):
        raise UsageError(f"{preset.name}: {request.weights} weights are not on offer")
    model = random_model(preset, request.seed)
    if request.weights == "pretrained":
        path = weights_file(preset, request)
        fill(model, path, read_state(path), trunk=preset.repo is not None)
    leave_classifier_out(model)
    model = model.to(device=request.device, dtype=getattr(torch, request.dtype)).eval().requires_grad_(False)
    whole = extractor_of(model, {preset.nodes[-1]: preset.taps[-1].name})
    params = sum(parameter.numel() for parameter in whole.parameters())
    facts = {"attention": attention, "dtype": request.dtype, "params": params}
    return TorchvisionEncoder(model, preset, input_px=fitting_side(asked, preset), facts=facts)


def random_model(preset: Preset, seed: int) -> nn.Module:
    """The network with the library's own initial values; the global generator stays as it is."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return bare_model(preset)


def bare_model(preset: Preset) -> nn.Module:
    """The network itself; of presets that name their trunk alone only that."""
    from torchvision import models

    if preset.repo is not None:
        wanted = torch.get_default_device()
        with torch.device("meta"):  # its classifier is 24 times its trunk, and drawing values for it takes 0.2 s
            trunk: nn.Module = models.alexnet(weights=None).features[: int(preset.nodes[-1]) + 1]
        trunk = trunk.to_empty(device=wanted)
        for layer in trunk.modules():  # in the order in which the library makes them: the same values
            if isinstance(layer, nn.Conv2d):
                layer.reset_parameters()
        return trunk
    whole: nn.Module = models.get_model(preset.architecture, weights=None)
    return whole


def leave_classifier_out(model: nn.Module) -> None:
    """Free the layers of a classifier, which no tap reads: VGG's are 13 times its trunk, and would count as built.

    An identity stands in each one's place, so that the network can still be traced.
    """
    for name, module in list(model.named_modules()):
        if not list(module.children()) and any(re.match(pattern, f"{name}.") for pattern in CLASSIFIERS):
            parent, _, own = name.rpartition(".")
            setattr(model.get_submodule(parent), own, nn.Identity())


def weights_file(preset: Preset, request: BuildRequest) -> Path:
    """The one file that holds the weights: named by the user, fetched, or torchvision's own.

    Raises:
        CheckpointError: in one line that says how to get it.
    """
    if request.source is not None and Path(request.source).is_file():
        return Path(request.source)
    if request.source is None and preset.repo is None and preset.published is not None:
        return library_file(preset.published)
    files = weight_files(checkpoint_folder(request.source, preset.repo, None))
    if len(files) != 1:
        raise CheckpointError(f"{preset.name} lies in one file, {files[0].parent} holds {len(files)}")
    return files[0]


def read_state(path: Path) -> dict[str, Tensor]:
    """Tensors by name, of a safetensors file or of one that ``torch.save`` wrote and that holds tensors alone.

    Raises:
        CheckpointError: if it is damaged or holds anything else.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        state: Any = torch.load(path, map_location="cpu", weights_only=True)
    except (SafetensorError, pickle.UnpicklingError, RuntimeError, EOFError, ValueError, KeyError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise CheckpointError(f"{path} cannot be read ({reason}); download it again") from error
    if not isinstance(state, dict) or not all(isinstance(tensor, Tensor) for tensor in state.values()):
        raise CheckpointError(f"{path} is no state dict of torchvision")
    return dict(state)


def fill(model: nn.Module, path: Path, state: Mapping[str, Tensor], *, trunk: bool) -> None:
    """Fill a network exactly; classifiers behind the taps may be left out.

    Args:
        model: The network, or its trunk alone.
        path: Where the tensors come from, for messages.
        state: By their published names.
        trunk: Whether the model is a trunk whose tensors are published as ``features.N``.

    Raises:
        CheckpointError: in one line.
    """
    given = {name.removeprefix("features.") if trunk else name: tensor for name, tensor in state.items()}
    wanted = model.state_dict()
    shared = given.keys() & wanted.keys()
    require_complete(
        path,
        missing=wanted.keys() - given.keys(),
        unexpected=given.keys() - wanted.keys(),
        mismatched=[name for name in shared if given[name].shape != wanted[name].shape],
        ignore=CLASSIFIERS,
    )
    model.load_state_dict({name: given[name] for name in shared}, strict=False)
