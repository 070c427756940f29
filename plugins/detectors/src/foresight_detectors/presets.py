"""Sizes of the detectors as data, and tiny ones of the same classes.

Sources: the configuration classes and conversion scripts of the transformers library, and the public ``config.json`` of
each repository (Grounding DINO's on a Swin-T is the class's default); the commits and hashes of their weight files are
known to no public source that was found.
"""

from __future__ import annotations

from typing import Any

from foresight_detectors.sizes import Size


def _owl(
    vision: tuple[int, int, int], patch_px: int, side_px: int, text: tuple[int, int, int], vocabulary: int = 49408
) -> dict[str, Any]:
    """Vision and text towers as (width, blocks, heads)."""
    names = ("hidden_size", "num_hidden_layers", "num_attention_heads")
    ends = {"bos_token_id": vocabulary - 2, "eos_token_id": vocabulary - 1}
    towers = [{**dict(zip(names, tower, strict=True)), "intermediate_size": 4 * tower[0]} for tower in (vision, text)]
    return {
        "vision_config": {**towers[0], "patch_size": patch_px, "image_size": side_px},
        "text_config": {**towers[1], "vocab_size": vocabulary, "max_position_embeddings": 16, **ends},
        "projection_dim": text[0],
    }


def _detr(width: int, blocks: int, heads: int, queries: int, backbone: dict[str, Any]) -> dict[str, Any]:
    """Encoder and decoder of equally many blocks behind a ResNet of the same library."""
    return {
        "backbone_config": {"model_type": "resnet", "out_features": ["stage4"], **backbone},
        "d_model": width,
        "encoder_layers": blocks,
        "decoder_layers": blocks,
        "encoder_attention_heads": heads,
        "decoder_attention_heads": heads,
        "encoder_ffn_dim": 8 * width,
        "decoder_ffn_dim": 8 * width,
        "num_queries": queries,
        "num_labels": 91,
    }


def _grounding(
    swin: dict[str, Any], text: dict[str, Any], shape: tuple[int, int, int, int] = (256, 6, 8, 2048), queries: int = 900
) -> dict[str, Any]:
    """Encoder and decoder, each of a width, blocks, heads and inner width, over a Swin and a BERT."""
    width, blocks, heads, inner = shape
    return {
        "backbone_config": {"out_indices": [2, 3, 4], **swin},
        "text_config": text,
        "d_model": width,
        "encoder_layers": blocks,
        "decoder_layers": blocks,
        "encoder_attention_heads": heads,
        "decoder_attention_heads": heads,
        "encoder_ffn_dim": inner,
        "decoder_ffn_dim": inner,
        "num_queries": queries,
    }


_BASE, _LARGE = (768, 12, 12), (1024, 24, 16)
_BASE_TEXT, _LARGE_TEXT = (512, 12, 8), (768, 12, 12)
_OWLVIT_LARGE_TEXT = (768, 12, 16)
"""Its ``config.json`` says 16 heads, and so the library runs it."""
_NARROW = {"embedding_size": 16, "hidden_sizes": [16, 24, 32, 48], "depths": [1, 1, 1, 1], "layer_type": "basic"}
_SWIN_TINY = {"window_size": 7, "embed_dim": 16, "depths": [1, 1, 1, 1], "num_heads": [1, 2, 4, 8]}
_SWIN_T = {
    **{"window_size": 7, "image_size": 224, "embed_dim": 96},
    **{"depths": [2, 2, 6, 2], "num_heads": [3, 6, 12, 24]},
}
_SWIN_B = {
    **{"window_size": 12, "image_size": 384, "embed_dim": 128},
    **{"depths": [2, 2, 18, 2], "num_heads": [4, 8, 16, 32]},
}
_BERT_TINY = {
    **{"vocab_size": 1024, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2},
    **{"intermediate_size": 64, "max_position_embeddings": 32},
}

SIZES = (
    Size("owlvit_tiny", "owlvit", _owl((64, 4, 4), 16, 224, (32, 2, 4), vocabulary=13), 272_934, 224),
    Size("detr_tiny", "detr", _detr(64, 2, 4, 20, _NARROW), 453_648, 256),
    Size("grounding_dino_tiny", "grounding_dino", _grounding(_SWIN_TINY, _BERT_TINY, (64, 2, 2, 64), 64), 719_887, 128),
    Size(
        "owlvit_base_patch32", "owlvit", _owl(_BASE, 32, 768, _BASE_TEXT), 89_441_798, 768, "google/owlvit-base-patch32"
    ),
    Size(
        "owlvit_base_patch16", "owlvit", _owl(_BASE, 16, 768, _BASE_TEXT), 88_999_430, 768, "google/owlvit-base-patch16"
    ),
    Size(
        "owlvit_large_patch14",
        "owlvit",
        _owl(_LARGE, 14, 840, _OWLVIT_LARGE_TEXT),
        309_498_630,
        840,
        "google/owlvit-large-patch14",
    ),
    Size("owlv2_base_patch16", "owlv2", _owl(_BASE, 16, 960, _BASE_TEXT), 91_176_711, 960, "google/owlv2-base-patch16"),
    Size(
        "owlv2_base_patch16_ensemble",
        "owlv2",
        _owl(_BASE, 16, 960, _BASE_TEXT),
        91_176_711,
        960,
        "google/owlv2-base-patch16-ensemble",
    ),
    Size(
        "owlv2_large_patch14_ensemble",
        "owlv2",
        _owl(_LARGE, 14, 1008, _LARGE_TEXT),
        313_220_871,
        1008,
        "google/owlv2-large-patch14-ensemble",
    ),
    Size(
        "detr_resnet50",
        "detr",
        _detr(256, 6, 8, 100, {"depths": [3, 4, 6, 3]}),
        41_524_768,
        800,
        "facebook/detr-resnet-50",
    ),
    Size(
        "detr_resnet101",
        "detr",
        _detr(256, 6, 8, 100, {"depths": [3, 4, 23, 3]}),
        60_464_672,
        800,
        "facebook/detr-resnet-101",
    ),
    Size(
        "grounding_dino_swin_t",
        "grounding_dino",
        _grounding(_SWIN_T, {}),
        172_249_090,
        800,
        "IDEA-Research/grounding-dino-tiny",
    ),
    Size(
        "grounding_dino_swin_b",
        "grounding_dino",
        _grounding(_SWIN_B, {}),
        232_313_216,
        800,
        "IDEA-Research/grounding-dino-base",
    ),
)
"""Grounding DINO's sizes have the names of their Swin: a ``_tiny`` of the Hub would be taken for a tiny one of ours."""

OWLV2_TINY = Size("owlv2_tiny", "owlv2", _owl((64, 4, 4), 16, 224, (32, 2, 4), vocabulary=13), 281_319, 224)
"""Not on offer, since every tiny encoder costs every smoke run and OWL-ViT's stands for both there: tests run it."""
