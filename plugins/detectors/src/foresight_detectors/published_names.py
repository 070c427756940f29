"""Names of tensors: as published, and as the library's models of today have them."""

from __future__ import annotations

import re

from foresight_detectors.sizes import Family

UNUSED = (
    *(r"(^|\.)position_ids$", r"(^|\.)num_batches_tracked$", r"(^|\.)relative_position_index$"),
    r"^model\.backbone\.conv_encoder\.model\.(swin\.)?layernorm\.",
)
"""Counters of older versions, and a norm that Grounding DINO does not read: no feature depends on them."""

_BACKBONE = r"^(model\.backbone\.)(?:conv_encoder\.)?(model\.)"
_DETR = (
    (_BACKBONE, r"\1\2"),
    (r"^(model\.(?:en|de)coder\.layers\.\d+\.\w*attn\.)out_proj\.", r"\1o_proj."),
    (r"^(model\.(?:en|de)coder\.layers\.\d+\.)(fc[12])\.", r"\1mlp.\2."),
)
_STEM = re.compile(r"^(model\.backbone\.model\.)(conv|bn)1\.")
_BLOCK = re.compile(r"^(model\.backbone\.model\.)layer(\d+)\.(\d+)\.(?:(conv|bn)(\d)|downsample\.(\d))\.")


_SWIN_PREFIX = "model.backbone.conv_encoder.model."
_SWIN = (
    (r"^(encoder|embeddings)\.", r"swin.\1."),
    (r"\.attention\.self\.(q|k|v)(?:uery|ey|alue)\.", r".attention.\1_proj."),
    (r"\.attention\.self\.(relative_position_bias)_table$", r".attention.\1.\1_table"),
    (r"\.attention\.output\.dense\.", ".attention.o_proj."),
    (r"\.intermediate\.dense\.", ".mlp.fc1."),
    (r"\.output\.dense\.", ".mlp.fc2."),
)


def library_name(family: Family, name: str) -> str:
    """The name in the library's model of a published tensor.

    DETR is published with a ResNet under timm's names (``layer1.0.conv1``) and, at another revision, under the
    library's own; both are read. Grounding DINO is published with the Swin's names of older versions of the library.
    OWL's names are the library's.

    Args:
        family: Of the model.
        name: As published.
    """
    if family == "grounding_dino" and name.startswith(_SWIN_PREFIX):
        inner = name.removeprefix(_SWIN_PREFIX)
        for pattern, replacement in _SWIN:
            inner = re.sub(pattern, replacement, inner)
        return _SWIN_PREFIX + inner
    if family != "detr":
        return name
    for pattern, replacement in _DETR:
        name = re.sub(pattern, replacement, name)
    stem = _STEM.match(name)
    if stem is not None:
        return f"{stem[1]}embedder.embedder.{_kind(stem[2])}.{name[stem.end() :]}"
    block = _BLOCK.match(name)
    if block is None:
        return name
    place = f"{block[1]}encoder.stages.{int(block[2]) - 1}.layers.{block[3]}."
    if block[6] is not None:
        return f"{place}shortcut.{'convolution' if block[6] == '0' else 'normalization'}.{name[block.end() :]}"
    return f"{place}layer.{int(block[5]) - 1}.{_kind(block[4])}.{name[block.end() :]}"


def _kind(short: str) -> str:
    return "convolution" if short == "conv" else "normalization"
