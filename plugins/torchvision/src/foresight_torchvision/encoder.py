"""The built encoder: feature maps at named places of a network, run as deep as the deepest tap asked for."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from foresight_harness.grids import TokenGrid
from torch import Tensor, nn
from torchvision.models.feature_extraction import create_feature_extractor

from foresight_torchvision.preprocessing import preprocess
from foresight_torchvision.presets import Preset


class TorchvisionEncoder:
    """A network of torchvision, read at its taps.

    Args:
        model: In evaluation mode, on its device.
        preset: Its taps and sides.
        input_px: Shorter side of the resized picture.
        facts: What was really used.
    """

    def __init__(self, model: nn.Module, preset: Preset, *, input_px: int, facts: Mapping[str, Any]) -> None:
        self._model = model
        self._preset = preset
        self._input_px = input_px
        self._dtype = next(model.parameters()).dtype
        self._facts = dict(facts)
        self._widths = {tap.name: tap.width for tap in preset.taps}
        self._extractors: dict[int, nn.Module] = {}

    def facts(self) -> Mapping[str, Any]:
        """Attention (there is none to choose), dtype and parameters."""
        return self._facts

    @torch.no_grad()
    def encode(self, clips: Tensor, taps: Sequence[str]) -> dict[str, TokenGrid]:
        """Read features; frames are encoded independently.

        Args:
            clips: Pixels in [0, 1]. [B, T, 3, H_px, W_px]
            taps: Of the preset.

        Returns:
            One grid per tap. [B, T, H, W, C]
        """
        batch, frames = clips.shape[:2]
        pixels = preprocess(clips.flatten(0, 1), self._input_px, self._preset, self._dtype)
        maps = self._extractor(taps)(pixels)
        found = {}
        for tap in taps:
            grid = _channels_last(maps[tap], self._widths[tap])
            found[tap] = TokenGrid(grid.reshape(batch, frames, *grid.shape[1:]))
        return found

    def _extractor(self, taps: Sequence[str]) -> nn.Module:
        """The part of the network up to the deepest of these taps; it shares the network's weights."""
        names = [tap.name for tap in self._preset.taps]
        deepest = max(names.index(tap) for tap in taps)
        if deepest not in self._extractors:
            nodes = dict(zip(self._preset.nodes[: deepest + 1], names[: deepest + 1], strict=True))
            self._extractors[deepest] = extractor_of(self._model, nodes)
        return self._extractors[deepest]


def extractor_of(model: nn.Module, nodes: Mapping[str, str]) -> nn.Module:
    """The part of a network that these nodes need, giving their outputs by tap; it shares the network's modules.

    Tracing leaves circles of references behind, which hold what was traced until Python looks through all objects. So
    a copy without values is traced, and what came of it is given the network's own.
    """
    made: nn.Module = create_feature_extractor(
        _without_values(model), eval_return_nodes=dict(nodes), train_return_nodes=dict(nodes)
    )
    _take_over(made, model)
    made.eval().requires_grad_(False)
    for graph in (made.train_graph, made.eval_graph):
        graph.owning_module = None  # type: ignore[union-attr, assignment]
    return made


def _take_over(made: nn.Module, own: nn.Module) -> None:
    """Put a network's modules and tensors in the places of their copies; what only holds others stays."""
    for name in made._parameters:
        made._parameters[name] = own.get_parameter(name)
    for name in made._buffers:
        made._buffers[name] = own.get_buffer(name)
    for name, child in made._modules.items():
        if child is not None and type(child) is nn.Module:
            _take_over(child, own.get_submodule(name))
        else:
            made._modules[name] = own.get_submodule(name)


def _without_values(model: nn.Module) -> nn.Module:
    """A copy whose tensors are on no device."""
    tensors = {id(one): torch.empty_like(one, device="meta") for one in model.buffers()}
    tensors |= {id(one): nn.Parameter(torch.empty_like(one, device="meta"), False) for one in model.parameters()}
    return copy.deepcopy(model, tensors)


def _channels_last(maps: Tensor, width: int) -> Tensor:
    """[N, C, H, W], or already [N, H, W, C], to [N, H, W, C]"""
    return maps.movedim(1, -1) if maps.shape[1] == width else maps
