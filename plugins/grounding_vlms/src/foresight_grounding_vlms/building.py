"""From a size and a request to a built encoder: seeded weights, or those of a checkpoint that fits exactly."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from foresight_harness import BuildRequest, UsageError
from foresight_harness.parts.weights.seeding import fill_parameters
from foresight_harness.weights import differing, read_tensors, require_complete, require_memory
from foresight_vlm_kit.library import LibraryModel, config_of
from foresight_vlm_kit.origin import Origin, origin_of
from foresight_vlm_kit.presets import require_whole_groups, squashed
from torch import nn

from foresight_grounding_vlms.encoder import TowerEncoder
from foresight_grounding_vlms.presets import Size
from foresight_grounding_vlms.towers import FlorenceTower, KosmosTower, Tower

ATTENTION = ("eager", "sdpa")
EXPECTED = {"florence2": "Florence-2", "kosmos2": "Kosmos-2"}
FLORENCE: Mapping[str, tuple[str, ...]] = {
    "vision_config": (
        *("depths", "embed_dim", "num_heads", "num_groups", "window_size", "projection_dim", "patch_size"),
        *("patch_stride", "patch_prenorm", "mlp_ratio", "max_position_embeddings", "activation_function"),
    )
}
KOSMOS: Mapping[str, tuple[str, ...]] = {
    "vision_config": (
        *("hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size", "image_size", "patch_size"),
        *("hidden_act", "layer_norm_eps"),
    )
}
"""What decides a tower's features: a checkpoint must share it with the size that was asked for."""
BESIDE = 0.25
"""Factor of Florence-2's depthwise convolutions where they are random: two a block look at neighbours, and add up."""
PROJECTOR = r"^(model\.)?multi_modal_projector\."


def build_encoder(preset: Size, request: BuildRequest) -> TowerEncoder:
    """Build a tower.

    Raises:
        UsageError: if memory, attention, side or kind of weights do not allow it.
        CheckpointError: if the checkpoint is absent, damaged, unsafe or of another size.
    """
    origin = origin_of(
        preset,
        request,
        model_types=[preset.config["model_type"]],
        expected=EXPECTED[preset.family],
        attention=ATTENTION,
        preprocessing=squashed(preset.input_px, *preset.colours),
    )
    input_px = request.input_px or preset.input_px
    require_whole_groups(preset.name, input_px, preset.step_px, 1)
    require_memory(preset.name, preset.params, request.device, request.dtype)
    tower = _florence(preset, origin, input_px) if preset.family == "florence2" else _kosmos(preset, origin)
    return TowerEncoder(tower, preset, origin, input_px)


def _florence(preset: Size, origin: Origin, input_px: int) -> Tower:
    from transformers.models.florence2 import modeling_florence2 as modeling
    from transformers.models.florence2.configuration_florence2 import Florence2Config

    config = config_of(Florence2Config, preset.config, origin, FLORENCE)
    most = int(config.vision_config.max_position_embeddings) * preset.step_px
    if input_px > most:
        raise UsageError(f"{preset.name} at {input_px} px: its positions reach {most} px; ask for no more")
    model = _tower_of(
        config,
        origin,
        modeling.Florence2VisionBackbone,
        r"^(model\.)?vision_tower\.",
        (PROJECTOR, r"^(model\.)?language_model\.", r"^lm_head\.", r"^final_logits_bias$"),
    )
    with torch.random.fork_rng(devices=[]):
        projector = modeling.Florence2MultiModalProjector(config).to(origin.torch_dtype)
    tower = model.build_tower()
    if origin.folder is None:
        _centre(tower)
    return FlorenceTower(tower, _filled(projector, origin))


@torch.no_grad()
def _centre(tower: nn.Module) -> None:
    """Let the random convolutions beside each block's identity say less than it: tokens stay at their places."""
    for module in tower.modules():
        if isinstance(module, nn.Conv2d) and module.groups > 1:
            module.weight.mul_(BESIDE)


def _kosmos(preset: Size, origin: Origin) -> Tower:
    from transformers.models.kosmos2.configuration_kosmos2 import Kosmos2Config
    from transformers.models.kosmos2.modeling_kosmos2 import Kosmos2VisionModel

    config = config_of(Kosmos2Config, preset.config, origin, KOSMOS)
    others = (r"^text_model\.", r"^image_to_text_projection\.", r"(^|\.)position_ids$")
    return KosmosTower(_tower_of(config, origin, Kosmos2VisionModel, r"^vision_model\.", others).build_tower())


def _tower_of(config: Any, origin: Origin, tower: Any, keys: str, others: tuple[str, ...]) -> LibraryModel:
    """The model as far as it is read: no language model of it is built."""
    return LibraryModel(
        config=config,
        origin=origin,
        whole=None,
        tower=tower,
        text=None,
        tower_name="vision_tower",
        tower_keys=keys,
        text_keys="",
        not_tower=others,
        not_text=(),
        unused=(),
    )


def _filled(projector: nn.Module, origin: Origin) -> nn.Module:
    """Seeded values, or the checkpoint's. Raises: CheckpointError if one is missing, unexpected or of another shape."""
    if origin.folder is None:
        fill_parameters(projector, origin.seed, "projector")
    else:
        own = projector.state_dict()
        tensors = {
            name.partition("multi_modal_projector.")[2]: tensor
            for name, tensor in read_tensors(origin.folder, lambda name: "multi_modal_projector." in name)
        }
        require_complete(
            origin.folder,
            missing=own.keys() - tensors.keys(),
            unexpected=tensors.keys() - own.keys(),
            mismatched=differing(tensors, own),
        )
        projector.load_state_dict(tensors)
    return projector.to(origin.device).eval().requires_grad_(False)
