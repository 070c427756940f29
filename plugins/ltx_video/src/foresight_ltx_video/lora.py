"""Low-rank changes of the frozen video transformer, by ``peft``: the fit's own, bound in while it trains or samples.

*Source*: LoRA, arXiv 2106.09685. ``peft`` makes the layers; their parameters are lent by whichever fit is at work.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from foresight_harness import UsageError
from torch import nn

TARGETS = ("to_q", "to_k", "to_v", "to_out.0")
"""Linear maps of self- and cross-attention, in every block."""
SLOTS = "fit"
"""Name of the adapter whose layers are lent to fits, one at a time."""
MARK = "lora_"
"""In the names of ``peft``'s own parameters."""


class LoraTuning(nn.ParameterDict):
    """Pairs of narrow matrices by the map that they change; the second of each starts at zero."""


def build_tuning(transformer: nn.Module, rank: int) -> LoraTuning:
    """Parameters of one fit, drawn from torch's global generator.

    Args:
        transformer: Frozen; gets layers that can be changed, which do nothing until ``tuned`` lends them parameters.
        rank: Of every change.

    Raises:
        UsageError: where ``peft`` is not installed.
    """
    _inject(transformer, rank)
    found = {}
    for name, slot in _slots(transformer).items():
        fresh = torch.zeros(slot.shape, dtype=torch.float32, device=slot.device)
        if "lora_A" in name:
            nn.init.kaiming_uniform_(fresh, a=math.sqrt(5))
        found[name.replace(".", "/")] = nn.Parameter(fresh)
    return LoraTuning(found)


@contextmanager
def tuned(transformer: nn.Module, tuning: nn.Module) -> Iterator[None]:
    """Within, the transformer is changed by these parameters; afterwards it is what it was, to the bit."""
    lent = {name.replace("/", "."): parameter for name, parameter in tuning.named_parameters()}
    slots = _slots(transformer)
    if lent.keys() != slots.keys():
        raise UsageError("these changes are of another transformer than this one; fit them again")
    _switch(transformer, on=True)
    for name, parameter in lent.items():
        _bind(transformer, name, parameter)
    try:
        yield
    finally:
        for name, slot in slots.items():
            _bind(transformer, name, slot)
        _switch(transformer, on=False)


def own_parameters(transformer: nn.Module) -> int:
    """Parameters of the transformer itself, without layers that a fit may change it by."""
    return sum(value.numel() for name, value in transformer.named_parameters() if MARK not in name)


def _inject(transformer: nn.Module, rank: int) -> None:
    """Put ``peft``'s layers around the targets, once; their own parameters are never used and never learn."""
    if _slots(transformer):
        return
    try:
        from peft import LoraConfig, inject_adapter_in_model
    except ImportError:
        raise UsageError(
            "tuning the video transformer needs peft, which is not installed: pip install 'foresight-ltx-video[lora]'"
        ) from None
    config = LoraConfig(r=rank, lora_alpha=rank, target_modules=list(TARGETS))
    with torch.random.fork_rng(devices=[]):
        inject_adapter_in_model(config, transformer, adapter_name=SLOTS)
    _switch(transformer, on=False)


def _switch(transformer: nn.Module, *, on: bool) -> None:
    """Let changes through or not; ``peft`` makes its own parameters learn on the way, which they never do here."""
    for module in transformer.modules():
        enable: Any = getattr(module, "enable_adapters", None)
        if enable is not None and module is not transformer:
            enable(on)
    for slot in _slots(transformer).values():
        slot.requires_grad_(False)


def _slots(transformer: nn.Module) -> dict[str, nn.Parameter]:
    """``peft``'s parameters by name; none before the first ``build_tuning``."""
    return {name: value for name, value in transformer.named_parameters() if MARK in name}


def _bind(transformer: nn.Module, name: str, parameter: nn.Parameter) -> None:
    owner, _, own = name.rpartition(".")
    transformer.get_submodule(owner)._parameters[own] = parameter
