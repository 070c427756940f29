"""What timm itself says of a model, read from its configuration and from the model on the meta device."""

from __future__ import annotations

import difflib
from functools import lru_cache
from typing import Any, Literal

import torch
from foresight_harness import CandidateError
from torch import nn

from foresight_timm.presets import Preset

INTERPOLATIONS = ("bicubic", "bilinear", "nearest")


@lru_cache(maxsize=64)
def describe(argument: str) -> Preset:
    """Everything a spec needs to know of a model of timm.

    Args:
        argument: timm's name, with or without the tag of its weights (``vit_base_patch16_224.mae``).

    Raises:
        CandidateError: if timm has no such model, or it is no plain ViT.
    """
    cfg = _pretrained_cfg(argument)
    model = meta_model(argument)
    final, final_width = _final(model)
    if cfg.interpolation not in INTERPOLATIONS:
        raise CandidateError(
            f"timm:{argument} resizes by {cfg.interpolation}; only {', '.join(INTERPOLATIONS)} are built"
        )
    patch_px = int(model.patch_embed.patch_size[0])
    return Preset(
        name=f"timm:{argument}",
        architecture=argument,
        input_px=int(model.patch_embed.img_size[0]) // patch_px * patch_px,
        patch_px=patch_px,
        width=int(model.embed_dim),
        blocks=len(model.blocks),
        params=sum(parameter.numel() for parameter in model.parameters()),
        final=final,
        final_width=final_width,
        colours=(tuple(cfg.mean), tuple(cfg.std)),
        interpolation=cfg.interpolation,
        repo=cfg.hf_hub_id,
        license=cfg.license,
        any_side=not is_sam(model),
    )


def meta_model(architecture: str, **arguments: Any) -> Any:
    """The model without memory. Raises: CandidateError if it is no plain ViT."""
    import timm

    with torch.device("meta"), torch.random.fork_rng(devices=[]):
        model = timm.create_model(architecture, pretrained=False, num_classes=0, **arguments)
    _require_plain(architecture, model)
    return model


def is_sam(model: nn.Module) -> bool:
    """Whether the model is SAM's: tokens stay on their grid, a neck follows, one side only."""
    from timm.models.vision_transformer_sam import VisionTransformerSAM

    return isinstance(model, VisionTransformerSAM)


def _pretrained_cfg(argument: str) -> Any:
    import timm

    architecture, _, tag = argument.partition(".")
    if not timm.is_model(architecture):
        near = difflib.get_close_matches(architecture, timm.list_models(), n=3)
        hint = f"; did you mean {' or '.join(near)}?" if near else "; timm.list_models() names all"
        raise CandidateError(f"timm has no model {architecture!r}{hint}")
    tags = [name.partition(".")[2] for name in timm.list_models(f"{architecture}.*", pretrained=True)]
    if tag and tag not in tags:
        raise CandidateError(f"timm has no weights {tag!r} of {architecture}; there are {', '.join(tags) or 'none'}")
    return timm.get_pretrained_cfg(argument)


def _require_plain(architecture: str, model: nn.Module) -> None:
    from timm.layers.patch_embed import PatchEmbed
    from timm.models.eva import Eva
    from timm.models.vision_transformer import VisionTransformer
    from timm.models.vision_transformer_sam import VisionTransformerSAM

    plain = isinstance(model, VisionTransformer | Eva | VisionTransformerSAM)
    if not plain or not isinstance(model.patch_embed, PatchEmbed):
        raise CandidateError(
            f"timm:{architecture} is a {type(model).__name__}; only plain ViTs (VisionTransformer, Eva, "
            "VisionTransformerSAM with a patch embedding) have one token grid from end to end"
        )


def _final(model: Any) -> tuple[Literal["last", "neck"] | None, int | None]:
    """A norm over single tokens, SAM's neck, or nothing: some classifiers average tokens before their only norm."""
    if is_sam(model):
        width = getattr(model.neck[0], "out_channels", None) if isinstance(model.neck, nn.Sequential) else None
        return ("neck", width) if width is not None else (None, None)
    return (None, None) if isinstance(model.norm, nn.Identity) else ("last", None)
