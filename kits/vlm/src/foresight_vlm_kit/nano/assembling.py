"""Whole models out of the parts that an encoder builds, for plugins that lay out their models themselves."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from safetensors.torch import load_file
from torch import nn

from foresight_vlm_kit.blueprint import UNREAD, Blueprint, build_part, draw, fan_in_std
from foresight_vlm_kit.nano.command import WEIGHTS
from foresight_vlm_kit.origin import Origin


def assemble(
    blueprint: Blueprint,
    origin: Origin,
    construct: Callable[[], nn.Module],
    *,
    vision: str,
    language: str,
    unread: Mapping[str, str],
) -> nn.Module:
    """A model whose every value is that of an encoder of the same origin; its head is drawn by the same rule.

    Args:
        blueprint: Of the model.
        origin: Of its weights.
        construct: Makes the whole model; its values are drawn over.
        vision: What names of the vision side begin with in the whole model.
        language: The same of the language model.
        unread: What no tap needs: name in the whole model to name in checkpoints.

    Raises:
        CheckpointError: if the checkpoint is incomplete or of another size.
    """
    with torch.random.fork_rng(devices=[]):
        whole = construct()
    values = {vision + name: value for name, value in build_part(blueprint, origin).state_dict().items()}
    blocks = build_part(blueprint, origin, blueprint.blocks)
    values |= {language + name: value for name, value in blocks.state_dict().items()}
    given = {} if origin.folder is None else load_file(origin.folder / WEIGHTS)
    for name, published in unread.items():
        shape = whole.get_parameter(name).shape
        drawn = draw(f"{UNREAD}.{published}", shape, origin.seed, fan_in_std(shape))
        values[name] = given[published] if given else drawn
    whole.load_state_dict({name: value.float() for name, value in values.items()})
    return whole
