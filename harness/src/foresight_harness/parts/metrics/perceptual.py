"""Perceptual distance of clips: LPIPS, or the same network with a random trunk under another name."""

from __future__ import annotations

import math
import warnings
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import lpips
import psutil
import torch
from torch import Tensor

from foresight_harness.contracts.devices import in_double
from foresight_harness.contracts.errors import DataError
from foresight_harness.parts.metrics.guards import require_pair
from foresight_harness.parts.metrics.trunks import (
    LPIPS,
    LPIPS_RANDOM_TRUNK,
    LPIPS_VGG,
    find_trunk,
    lpips_metric_name,
    read_trunk,
    verified_trunk,
)
from foresight_harness.parts.weights.lpips_trunks import Trunk

__all__ = [
    "LPIPS",
    "LPIPS_RANDOM_TRUNK",
    "LPIPS_VGG",
    "PerceptualDistance",
    "build_lpips",
    "build_random_trunk",
    "find_trunk",
    "lpips_metric_name",
]

RANDOM_TRUNK_SEED = 0
"""One seed for every run: values of two seeds differ by 10 %, their order hardly (Spearman 0.997)."""

REMEMBERED_BYTES = 4 * 2**30
"""Features of targets that are kept for the next call. The 128 pictures of 224 px of ``--scale small`` take 3 GiB with
VGG and 0.25 GiB with AlexNet."""

FREE_SHARE = 0.5
"""Share of all memory that remembering leaves free, whoever uses the rest: several workers remember side by side."""

REMEMBERED_TARGETS = 3
"""One for each data set of an ordinary run."""

LEAST_PX: dict[Trunk, int] = {"alex": 31, "vgg": 16}
"""Shortest side that survives the trunk's pooling."""


class _Target(NamedTuple):
    """A target and what is remembered of it."""

    target: Tensor
    version: int
    """Of its values, as torch counts writes."""
    chunks: dict[int, list[Tensor]]


class PerceptualDistance:
    """Distance of two clips in a trunk's feature space, calibrated per channel; 0 for equal clips.

    Source: Zhang et al., arXiv 1801.03924; heads v0.1 of package ``lpips``.
    """

    def __init__(self, network: torch.nn.Module, trunk: Trunk, *, chunk: int = 4) -> None:
        """Args:
        network: ``lpips.LPIPS`` with weights.
        trunk: Which trunk it has.
        chunk: Frames compared at once, which bounds memory: about 40 MiB a frame at 128 px with VGG.
        """
        self.network = network.eval().requires_grad_(False).to(memory_format=torch.channels_last)
        self.trunk = trunk
        self.chunk = chunk
        self._remembered: OrderedDict[tuple[int, int], _Target] = OrderedDict()

    def __call__(self, output: Tensor, target: Tensor) -> Tensor:
        """Mean over the frames of a sample. [B, T, 3, H_px, W_px] in [0, 1], twice -> [B] float64"""
        return self.per_frame(output, target).mean(dim=1)

    def per_frame(self, output: Tensor, target: Tensor) -> Tensor:
        """One value a frame. [B, T, 3, H_px, W_px] in [0, 1], twice -> [B, T] float64

        Raises:
            DataError: if the clips differ in shape, leave [0, 1] or are too small for the trunk.
        """
        given = target  # checking makes a new tensor, and what is remembered is known by the caller's
        output, target = require_pair(output, target)
        rows, cols = output.shape[-2:]
        if min(rows, cols) < LEAST_PX[self.trunk]:
            raise DataError(f"LPIPS with {self.trunk} needs sides of {LEAST_PX[self.trunk]} px, got {rows}x{cols}")
        first, second = output.flatten(0, 1), target.flatten(0, 1)
        self.network.to(output.device)
        with torch.inference_mode():
            known = self._features_of_target(given, second)
            parts = [
                self._distance(self._features(first[start : start + self.chunk]), features)
                for start, features in zip(range(0, len(first), self.chunk), known, strict=True)
            ]
            values = in_double(torch.cat(parts)).reshape(output.shape[:2])
        return values.clone()

    def loss(self, output: Tensor, target: Tensor) -> Tensor:
        """The same distance with a gradient to ``output``, for fits. [B, T, 3, H_px, W_px] in [0, 1], twice -> []

        Raises:
            DataError: if the clips differ in shape or are too small for the trunk.
        """
        rows, cols = output.shape[-2:]
        if output.shape != target.shape:
            raise DataError(f"output {tuple(output.shape)} and target {tuple(target.shape)} differ in shape")
        if min(rows, cols) < LEAST_PX[self.trunk]:
            raise DataError(f"LPIPS with {self.trunk} needs sides of {LEAST_PX[self.trunk]} px, got {rows}x{cols}")
        self.network.to(output.device)
        first, second = output.flatten(0, 1), target.flatten(0, 1)
        with torch.no_grad():
            known = self._features(second)
        return self._distance(self._features(first), known).mean()

    def _features_of_target(self, target: Tensor, pictures: Tensor) -> Iterator[list[Tensor]]:
        """Features of the target, chunk by chunk; of as many chunks as there is room for they are remembered.

        A run compares many candidates with one target, and the trunk is all of the cost: remembering halves it. Writes
        to the target through torch are noticed, those through a NumPy array that shares its memory are not.
        """
        known = self._known(target)
        for start in range(0, len(pictures), self.chunk):
            features = None if known is None else known.get(start)
            if features is None:
                features = self._features(pictures[start : start + self.chunk])
                if known is not None and self._has_room(features):
                    known[start] = features
            yield features

    def _known(self, target: Tensor) -> dict[int, list[Tensor]] | None:
        """What is remembered of a target by start of the chunk; None of one whose changes cannot be noticed."""
        version = -1 if target.is_inference() else target._version
        key = (id(target), self.chunk)
        if version < 0:
            return None
        known = self._remembered.get(key)
        if known is None or known.target is not target or known.version != version:
            self._remembered[key] = known = _Target(target, version, {})
            while len(self._remembered) > REMEMBERED_TARGETS:
                self._remembered.popitem(last=False)
        return known.chunks

    def _has_room(self, features: list[Tensor]) -> bool:
        """Whether one more chunk may be remembered."""
        held = sum(_bytes(chunk) for known in self._remembered.values() for chunk in known.chunks.values())
        if held + _bytes(features) > REMEMBERED_BYTES:
            return False
        free, total = memory_of(features[0].device)
        return free - _bytes(features) >= FREE_SHARE * total

    def _features(self, pictures: Tensor) -> list[Tensor]:
        """Unit-normalised features of each slice of the trunk."""
        network: Any = self.network
        outputs = network.net(network.scaling_layer(_layout(pictures)))
        return [lpips.normalize_tensor(outputs[index]) for index in range(network.L)]

    def _distance(self, first: list[Tensor], second: list[Tensor]) -> Tensor:
        """Calibrated squared difference, averaged over places and added up over slices. [b]"""
        network: Any = self.network
        slices = [
            head((one - other).square()).mean((2, 3)).squeeze(1)
            for head, one, other in zip(network.lins, first, second, strict=True)
        ]
        return torch.stack(slices).sum(0)


def build_lpips(trunk: Trunk = "alex") -> PerceptualDistance:
    """LPIPS proper, its trained trunk read from this machine, never downloaded.

    Raises:
        CheckpointError: if the trunk is absent, damaged or another.
    """
    path = verified_trunk(trunk).path
    network = _network(trunk)
    network.net.load_state_dict(_trunk_weights(path, trunk, network.net.state_dict()), strict=True)
    return PerceptualDistance(network, trunk)


def build_random_trunk(seed: int = RANDOM_TRUNK_SEED) -> PerceptualDistance:
    """The LPIPS network on a VGG trunk of random weights (Kaiming), bit-equal at every construction.

    It orders strengths of one distortion; over kinds it agrees with LPIPS on 69 % of pairs, and it ranks LPIPS's own
    example backwards. Its values are not LPIPS and meet no threshold. The global generator stays as it was.
    """
    network = _network("vgg")
    generator = torch.Generator().manual_seed(seed)
    for module in network.net.modules():
        if isinstance(module, torch.nn.Conv2d):
            fan_in = module.weight[0].numel()
            weight = torch.randn(module.weight.shape, generator=generator) * math.sqrt(2 / fan_in)
            module.weight.data.copy_(weight)
            if module.bias is not None:
                module.bias.data.zero_()
    return PerceptualDistance(network, "vgg")


def _network(trunk: Trunk) -> lpips.LPIPS:
    """LPIPS with its calibrated heads; the trunk's values are not set yet."""
    with warnings.catch_warnings():
        # lpips passes torchvision an argument that is deprecated there; nothing that the user could act upon.
        warnings.filterwarnings("ignore", category=UserWarning, module="torchvision")
        # Without storage: torchvision would draw 138 million values from the global generator, in 5 seconds.
        with torch.device("meta"):
            network = lpips.LPIPS(net=trunk, pnet_rand=True, pretrained=False, verbose=False)
    network = network.to_empty(device="cpu")
    network.scaling_layer = lpips.ScalingLayer()
    path = Path(lpips.__file__).parent / "weights" / "v0.1" / f"{trunk}.pth"
    heads = torch.load(path, map_location="cpu", weights_only=True)
    for index, head in enumerate(network.lins):
        head.model[1].weight.data.copy_(heads[f"lin{index}.model.1.weight"])
    return network


def _trunk_weights(path: Path, trunk: Trunk, wanted: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Weights of a trunk under the network's own names (``slice2.5.bias`` is ``features.5.bias``)."""
    tensors = read_trunk(path, trunk)
    return {name: tensors[f"features.{name.split('.', 1)[1]}"] for name in wanted}


def memory_of(device: torch.device) -> tuple[int, int]:
    """Free and total memory where a tensor lies, in bytes."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)
    memory = psutil.virtual_memory()
    return memory.available, memory.total


def _bytes(features: list[Tensor]) -> int:
    return sum(part.numel() * part.element_size() for part in features)


def _layout(pictures: Tensor) -> Tensor:
    """[0, 1] to the [-1, 1] that the network reads, channels last (twice as fast with VGG on CPU)."""
    return (2 * pictures - 1).contiguous(memory_format=torch.channels_last)
