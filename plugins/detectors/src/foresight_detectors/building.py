"""From a size and a request to a built encoder: random weights by seed, or a checkpoint that fits exactly."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from pathlib import Path
from typing import Any

import torch
from foresight_harness import BuildRequest, CheckpointError, UsageError
from foresight_harness.weights import (
    check_folder,
    checkpoint_folder,
    differing,
    read_by_library,
    read_tensors,
    require_complete,
    require_facts,
    require_memory,
    require_processor,
    resolve_attention,
    seeded_model,
)
from torch import nn

from foresight_detectors.detr import DetrNetwork
from foresight_detectors.encoder import DetectorEncoder, Network
from foresight_detectors.owl import OwlNetwork, without_text
from foresight_detectors.places import seen_places
from foresight_detectors.prompts import require_vocabulary
from foresight_detectors.published_names import UNUSED, library_name
from foresight_detectors.sizes import ATTENTION, Size

TOWER = (
    *("hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size", "hidden_act"),
    *("layer_norm_eps", "patch_size", "image_size"),
)
"""What decides the features of a tower of OWL; the last two are of its vision tower."""
DETR = (
    *("d_model", "encoder_layers", "decoder_layers", "encoder_attention_heads", "decoder_attention_heads"),
    *("encoder_ffn_dim", "decoder_ffn_dim", "num_queries", "activation_function", "position_embedding_type"),
    "dilation",
)
"""The same of DETR behind its backbone, whose depth the names of the tensors tell."""


def build(size: Size, request: BuildRequest) -> DetectorEncoder:
    """Build an encoder.

    Raises:
        CheckpointError: if pretrained weights cannot be found or trusted, or do not fill the model.
        UsageError: if memory, attention, weights or side cannot be granted.
    """
    input_px = request.input_px or size.input_px
    if input_px < size.step_px:
        raise UsageError(f"{size.name}: a side of {input_px} px is less than one cell ({size.step_px} px)")
    attention = resolve_attention(request.attention, ATTENTION, request.device, request.dtype)
    require_memory(size.name, size.params, request.device, request.dtype)
    dtype = getattr(torch, request.dtype)
    if request.weights == "random":
        model = random_model(size, request.seed, attention, dtype)
    elif request.weights == "pretrained":
        folder = checkpoint_folder(request.source, size.repo, None)
        model = pretrained_model(size, folder, attention, dtype)
    else:
        raise UsageError(f"{size.name}: {request.weights} weights are not on offer; use random or pretrained")
    model = model.to(request.device).eval().requires_grad_(False)
    network: Network = OwlNetwork(model, size) if size.is_owl else DetrNetwork(model)
    params = sum(parameter.numel() for parameter in model.parameters())
    facts = {"attention": attention, "dtype": request.dtype, "params": params}
    return DetectorEncoder(network, size, input_px=input_px, facts=facts)


def bare_model(size: Size, attention: str = "sdpa", dtype: torch.dtype = torch.float32) -> nn.Module:
    """The library's whole detector, text tower included, with weights that are still to be given."""
    from transformers.initialization import no_init_weights

    # A ResNet attends to nothing, and the library refuses to be asked.
    chosen = attention if size.is_owl else {"": attention, "backbone_config": "eager"}
    with no_init_weights():
        model: nn.Module = _model_class(size)._from_config(_config(size), attn_implementation=chosen, dtype=dtype)
    return model


def read_part(size: Size) -> nn.Module:
    """The parts that some tap reads, as ``params`` counts them."""
    model = bare_model(size)
    if size.is_owl:
        without_text(model.get_submodule(size.family))
    return model


def random_model(size: Size, seed: int, attention: str, dtype: torch.dtype = torch.float32) -> nn.Module:
    """Seeded weights in which places matter; global generators are left alone."""
    model = seeded_model(lambda: bare_model(size, attention, dtype), seed, size.family)
    seen_places(model, size, seed)
    return model


def pretrained_model(size: Size, folder: Path, attention: str, dtype: torch.dtype) -> nn.Module:
    """Weights of a folder in the published layout.

    Raises:
        CheckpointError: in one line.
    """
    found = check_folder(folder, model_types=(size.model_type,), expected=size.name)
    _require_size(size, found, folder)
    require_processor(folder, size.preprocessing, size.name)
    if size.family == "owlvit" and not size.is_tiny:
        require_vocabulary(folder)
    with torch.random.fork_rng(devices=[]), _quiet():
        model = bare_model(size, attention, dtype)
    shapes = model.state_dict()
    tensors = {library_name(size.family, name): tensor for name, tensor in read_tensors(folder)}
    require_complete(
        folder,
        missing=shapes.keys() - tensors.keys(),
        unexpected=tensors.keys() - shapes.keys(),
        mismatched=differing(tensors, shapes),
        ignore=UNUSED,
    )
    model.load_state_dict(tensors, strict=False)
    return model


def _require_size(size: Size, found: Mapping[str, Any], folder: Path) -> None:
    """Compare sizes before any tensor is read. Raises: CheckpointError naming the first difference."""
    where = folder / "config.json"
    with read_by_library(where), _quiet():
        whole, built = (config.to_dict() for config in (type(_config(size)).from_dict(dict(found)), _config(size)))
    if not size.is_owl:
        require_facts(where, whole, built, DETR, size.name)
        return
    for part in ("vision_config", "text_config"):
        if not isinstance(whole.get(part), Mapping):
            raise CheckpointError(f"{where}: {part} is no object. Is it of this model?")
        require_facts(f"{where}, {part}", whole[part], built[part], TOWER, size.name)


def _model_class(size: Size) -> Any:
    import transformers

    names = {"owlvit": "OwlViTForObjectDetection", "owlv2": "Owlv2ForObjectDetection", "detr": "DetrForObjectDetection"}
    return getattr(transformers, names[size.family])


def _config(size: Size) -> Any:
    import transformers

    given = deepcopy(dict(size.config))
    if size.family == "detr":
        backbone = given.pop("backbone_config")
        arguments = {key: value for key, value in backbone.items() if key != "model_type"}
        return transformers.DetrConfig(**given, backbone_config=transformers.ResNetConfig(**arguments))
    names = {"owlvit": transformers.OwlViTConfig, "owlv2": transformers.Owlv2Config}
    return names[size.family](**given)


@contextmanager
def _quiet() -> Iterator[None]:
    """Without the library's remarks on configurations: what matters is said in one line here."""
    from transformers.utils import logging as library_logging

    logging: Any = library_logging
    level = logging.get_verbosity()
    logging.set_verbosity_error()
    try:
        yield
    finally:
        logging.set_verbosity(level)
