"""Published tensors under native names.

Source: key names of the OpenGVLab/InternVL2 checkpoints (InternLM2, Qwen2 and Llama language models) and of the native
``InternVLForConditionalGeneration``. Nothing is converted but names and two fused projections.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from foresight_harness import CheckpointError

if TYPE_CHECKING:
    from torch import Tensor

    from foresight_internvl2.architecture import Architecture
    from foresight_internvl2.published import Layout

Part = Literal["tower", "projector", "language", "unread"]

_PARTS: dict[str, tuple[tuple[str, Part], ...]] = {
    "internvl_chat": (
        (r"^vision_model\.", "tower"),
        (r"^mlp1\.", "projector"),
        (r"^language_model\.(output|lm_head)\.weight$", "unread"),
        (r"^language_model\.model\.", "language"),
    ),
    "internvl": (
        (r"^(model\.)?vision_tower\.", "tower"),
        (r"^(model\.)?multi_modal_projector\.", "projector"),
        (r"^(language_model\.)?lm_head\.weight$", "unread"),
        (r"^(language_model\.model|model\.language_model)\.", "language"),
    ),
}

_TOWER_NAMES = (
    ("encoder.layers.", "encoder.layer."),
    ("embeddings.class_embedding", "embeddings.cls_token"),
    ("embeddings.position_embedding", "embeddings.position_embeddings"),
    ("embeddings.patch_embedding.", "embeddings.patch_embeddings.projection."),
    (".ls1", ".lambda_1"),
    (".ls2", ".lambda_2"),
    (".norm1.", ".layernorm_before."),
    (".norm2.", ".layernorm_after."),
    (".attn.proj.", ".attention.projection_layer."),
    (".attn.", ".attention."),
)

_PROJECTOR_NAMES = (("0.", "layer_norm."), ("1.", "linear_1."), ("3.", "linear_2."))

_INTERNLM2_NAMES = (
    ("tok_embeddings.", "embed_tokens."),
    ("attention.wo.", "self_attn.o_proj."),
    ("attention.wqkv.", "self_attn.wqkv."),
    ("feed_forward.w1.", "mlp.gate_proj."),
    ("feed_forward.w2.", "mlp.down_proj."),
    ("feed_forward.w3.", "mlp.up_proj."),
    ("attention_norm.", "input_layernorm."),
    ("ffn_norm.", "post_attention_layernorm."),
)


def part_of(name: str, layout: Layout) -> tuple[Part, str] | None:
    """Which part a published tensor belongs to, and its name there; None for a name that no InternVL2 has.

    ``unread`` is the language head, which no tap needs.
    """
    for pattern, part in _PARTS[layout]:
        rest, count = re.subn(pattern, "", name)
        if count:
            return part, rest
    return None


def layer_of(name: str) -> int | None:
    """Index of the language model's layer that a tensor belongs to; None outside the layers."""
    found = re.match(r"layers\.(\d+)\.", name)
    return int(found[1]) if found else None


def convert(
    part: Part, name: str, tensor: Tensor, layout: Layout, architecture: Architecture
) -> Iterator[tuple[str, Tensor]]:
    """Yield one published tensor as the native tensors that it holds.

    Args:
        part: From ``part_of``.
        name: Name within the part, from ``part_of``.
        tensor: As published.
        layout: Of the checkpoint.
        architecture: Heads of the language model.

    Raises:
        CheckpointError: if a fused projection has another shape than the configuration says.
    """
    if layout == "internvl":
        yield name, tensor
    elif part == "tower":
        native = _replace(name, _TOWER_NAMES)
        if ".attention.qkv." in native:
            for letter, third in zip("qkv", tensor.chunk(3), strict=True):
                yield native.replace(".qkv.", f".{letter}_proj."), third
        else:
            yield native, tensor
    elif part == "projector":
        yield _replace(name, _PROJECTOR_NAMES, prefix=True), tensor
    elif architecture.text["model_type"] == "internlm2":
        native = _replace(name, _INTERNLM2_NAMES)
        if ".wqkv." in native:
            for letter, piece in zip("qkv", split_wqkv(tensor, architecture), strict=True):
                yield native.replace(".wqkv.", f".{letter}_proj."), piece
        else:
            yield native, tensor
    else:
        yield name, tensor


def split_wqkv(tensor: Tensor, architecture: Architecture) -> tuple[Tensor, Tensor, Tensor]:
    """Take InternLM2's fused projection apart: per key head its group of query heads, then the key, then the value.

    Args:
        tensor: [(heads + 2 * kv_heads) * head_width, hidden]
        architecture: Heads of the language model.

    Returns:
        Query, key and value projections. [heads * head_width, hidden], [kv_heads * head_width, hidden] twice
    """
    text = architecture.text
    hidden, heads, kv_heads = text["hidden_size"], text["num_attention_heads"], text["num_key_value_heads"]
    groups, head = heads // kv_heads, hidden // heads
    if tuple(tensor.shape) != ((heads + 2 * kv_heads) * head, hidden):
        raise CheckpointError(
            f"a wqkv projection of shape {tuple(tensor.shape)} does not hold {heads} query and {kv_heads} key heads "
            f"of width {head}; do config.json and weights belong together?"
        )
    fused = tensor.view(kv_heads, groups + 2, head, hidden)
    query, key, value = fused[:, :groups], fused[:, groups], fused[:, groups + 1]
    return query.reshape(-1, hidden), key.reshape(-1, hidden), value.reshape(-1, hidden)


def _replace(name: str, pairs: tuple[tuple[str, str], ...], *, prefix: bool = False) -> str:
    for old, new in pairs:
        if prefix and name.startswith(old):
            return new + name[len(old) :]
        if not prefix and old in name:
            name = name.replace(old, new)
    return name
