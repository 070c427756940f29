"""Names of tensors: as published, and as the library's models of today have them."""

from __future__ import annotations

import re

from foresight_detectors.sizes import Family

UNUSED = (r"(^|\.)position_ids$", r"(^|\.)num_batches_tracked$")
"""Counters of older versions: no feature depends on them."""

_BACKBONE = r"^(model\.backbone\.)(?:conv_encoder\.)?(model\.)"
_DETR = (
    (_BACKBONE, r"\1\2"),
    (r"^(model\.(?:en|de)coder\.layers\.\d+\.\w*attn\.)out_proj\.", r"\1o_proj."),
    (r"^(model\.(?:en|de)coder\.layers\.\d+\.)(fc[12])\.", r"\1mlp.\2."),
)
_STEM = re.compile(r"^(model\.backbone\.model\.)(conv|bn)1\.")
_BLOCK = re.compile(r"^(model\.backbone\.model\.)layer(\d+)\.(\d+)\.(?:(conv|bn)(\d)|downsample\.(\d))\.")


def library_name(family: Family, name: str) -> str:
    """The name in the library's model of a published tensor.

    DETR is published with a ResNet under timm's names (``layer1.0.conv1``) and, at another revision, under the
    library's own; both are read. OWL's names are the library's.

    Args:
        family: Of the model.
        name: As published.
    """
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
