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
from torch import Tensor, nn

from foresight_detectors.detr import DetrNetwork
from foresight_detectors.encoder import DetectorEncoder, Network
from foresight_detectors.grounding import UNREAD, GroundingDinoNetwork
from foresight_detectors.grounding_text import text_ids
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
GROUNDING: Mapping[str | None, tuple[str, ...]] = {
    None: (
        *(field for field in DETR if field != "dilation"),
        *("num_feature_levels", "encoder_n_points", "decoder_n_points", "two_stage", "embedding_init_target"),
        *("positional_embedding_temperature", "max_text_len", "decoder_bbox_embed_share", "layer_norm_eps"),
    ),
    "backbone_config": ("embed_dim", "depths", "num_heads", "window_size", "patch_size", "mlp_ratio", "out_features"),
    "text_config": (*TOWER[:-2], "vocab_size"),
}
"""The same of Grounding DINO, by part."""


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
    folder: Path | None = None
    if request.weights == "random":
        model = random_model(size, request.seed, attention, dtype)
    elif request.weights == "pretrained":
        folder = checkpoint_folder(request.source, size.repo, None)
        model = pretrained_model(size, folder, attention, dtype)
    else:
        raise UsageError(f"{size.name}: {request.weights} weights are not on offer; use random or pretrained")
    model = model.to(request.device).eval().requires_grad_(False)
    network = _network(size, model, folder)
    params = sum(parameter.numel() for parameter in model.parameters())
    facts = {"attention": attention, "dtype": request.dtype, "params": params}
    return DetectorEncoder(network, size, input_px=input_px, facts=facts)


def _network(size: Size, model: nn.Module, folder: Path | None) -> Network:
    """The model as its family is read."""
    if size.is_owl:
        return OwlNetwork(model, size)
    return GroundingDinoNetwork(model, text_ids(folder)) if size.family == "grounding_dino" else DetrNetwork(model)


def bare_model(size: Size, attention: str = "sdpa", dtype: torch.dtype = torch.float32) -> nn.Module:
    """The library's whole detector, text tower included, with weights that are still to be given."""
    from transformers.initialization import no_init_weights

    # A ResNet attends to nothing, and the library refuses to be asked. Grounding DINO's own blocks are eager only; an
    # eager BERT there adds its mask to the scores, one for each pair that is allowed: phrases would see each other.
    by_family = {
        "detr": {"": attention, "backbone_config": "eager"},
        "grounding_dino": {"": "eager", "backbone_config": attention, "text_config": "sdpa"},
    }
    chosen = by_family.get(size.family, attention)
    with no_init_weights():
        model: nn.Module = _model_class(size)._from_config(_config(size), attn_implementation=chosen, dtype=dtype)
    if size.family == "grounding_dino":
        model.tie_weights()  # type: ignore[operator]  # without initialisation the library leaves shared heads apart
        model.set_submodule(UNREAD, nn.Identity())
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
    tensors |= _shared(model, tensors)
    require_complete(
        folder,
        missing=shapes.keys() - tensors.keys(),
        unexpected=tensors.keys() - shapes.keys(),
        mismatched=differing(tensors, shapes),
        ignore=UNUSED,
    )
    model.load_state_dict(tensors, strict=False)
    return model


def _shared(model: nn.Module, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Values of parameters that are given under another of their names: heads that blocks of a decoder share."""
    names: dict[int, list[str]] = {}
    for name, parameter in model.named_parameters(remove_duplicate=False):
        names.setdefault(id(parameter), []).append(name)
    found = {}
    for same in names.values():
        given = next((name for name in same if name in tensors), None)
        if given is not None:
            found.update({name: tensors[given] for name in same if name not in tensors})
    return found


def _require_size(size: Size, found: Mapping[str, Any], folder: Path) -> None:
    """Compare sizes before any tensor is read. Raises: CheckpointError naming the first difference."""
    where = folder / "config.json"
    with read_by_library(where), _quiet():
        whole, built = (config.to_dict() for config in (type(_config(size)).from_dict(dict(found)), _config(size)))
    owl = {"vision_config": TOWER, "text_config": TOWER}
    by_family: Mapping[str, Mapping[str | None, tuple[str, ...]]] = {"detr": {None: DETR}, "grounding_dino": GROUNDING}
    for part, fields in by_family.get(size.family, owl).items():
        if part is None:
            require_facts(where, whole, built, fields, size.name)
            continue
        if not isinstance(whole.get(part), Mapping):
            raise CheckpointError(f"{where}: {part} is no object. Is it of this model?")
        require_facts(f"{where}, {part}", whole[part], built[part], fields, size.name)


def _model_class(size: Size) -> Any:
    import transformers

    names = {
        "owlvit": "OwlViTForObjectDetection",
        "owlv2": "Owlv2ForObjectDetection",
        "detr": "DetrForObjectDetection",
        "grounding_dino": "GroundingDinoForObjectDetection",
    }
    return getattr(transformers, names[size.family])


def _config(size: Size) -> Any:
    import transformers

    given = deepcopy(dict(size.config))
    if size.family == "detr":
        backbone = given.pop("backbone_config")
        arguments = {key: value for key, value in backbone.items() if key != "model_type"}
        return transformers.DetrConfig(**given, backbone_config=transformers.ResNetConfig(**arguments))
    if size.family == "grounding_dino":
        swin = transformers.SwinConfig(**given.pop("backbone_config"))
        text = transformers.BertConfig(**given.pop("text_config"))
        return transformers.GroundingDinoConfig(**given, backbone_config=swin, text_config=text)
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
