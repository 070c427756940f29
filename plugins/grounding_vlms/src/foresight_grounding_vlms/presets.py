"""Published configurations as data, in the layout of the Hub's ``config.json``. No torch.

Source: the configuration classes of the transformers library, whose defaults are Florence-2-base and Kosmos-2, and of
Florence-2-large arXiv:2311.06242, table 15: DaViT of widths 256 to 2048 before a BART of 12 + 12 blocks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from foresight_vlm_kit.presets import CLIP_MEAN, CLIP_STD, Preset

IMAGENET = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
Family = Literal["florence2", "kosmos2"]


@dataclass(frozen=True, kw_only=True)
class Size(Preset):
    """One size on offer; ``params`` are those of the parts that taps read: tower, and projection of Florence-2."""

    family: Family
    config: Mapping[str, Any]
    """In the layout of the published ``config.json``."""
    input_px: int

    @property
    def colours(self) -> tuple[Sequence[float], Sequence[float]]:
        """Mean and deviation of each channel, as the published processors have them."""
        return IMAGENET if self.family == "florence2" else (CLIP_MEAN, CLIP_STD)

    @property
    def step_px(self) -> int:
        """Sides are multiples of it."""
        return 32 if self.family == "florence2" else int(self.config["vision_config"]["patch_size"])

    @property
    def tolerance_cells(self) -> float:
        """Convolutions of Florence-2's blocks look at neighbours, and its strided ones are padded unevenly."""
        return 1.0 if self.family == "florence2" else 0.0


def _florence(
    width: int, depths: Sequence[int], projected: int, window: int, text: Mapping[str, Any]
) -> dict[str, Any]:
    """DaViT whose width doubles from stage to stage, with heads and groups of width 32."""
    widths = [width * 2**place for place in range(4)]
    heads = [max(1, one // 32) for one in widths]
    return {
        "model_type": "florence2",
        "vision_config": {
            "model_type": "florence_vision",
            "depths": list(depths),
            "embed_dim": widths,
            "num_heads": heads,
            "num_groups": heads,
            "window_size": window,
            "projection_dim": projected,
        },
        "text_config": {"model_type": "bart", **text},
    }


def _bart(width: int, blocks: int, heads: int, inner: int, vocabulary: int) -> dict[str, Any]:
    sides = ("encoder", "decoder")
    return {
        "d_model": width,
        "vocab_size": vocabulary,
        **{f"{side}_layers": blocks for side in sides},
        **{f"{side}_attention_heads": heads for side in sides},
        **{f"{side}_ffn_dim": inner for side in sides},
    }


def _kosmos(vision: Mapping[str, Any], text: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "model_type": "kosmos-2",
        "vision_config": {"model_type": "kosmos_2_vision_model", **vision},
        "text_config": {"model_type": "kosmos_2_text_model", **text},
    }


def _vit(width: int, blocks: int, heads: int, inner: int, side_px: int) -> dict[str, Any]:
    return {
        "hidden_size": width,
        "num_hidden_layers": blocks,
        "num_attention_heads": heads,
        "intermediate_size": inner,
        "image_size": side_px,
        "patch_size": 14,
    }


PRESETS = (
    Size(
        name="florence2_tiny",
        family="florence2",
        config=_florence(16, (1, 1, 2, 1), 64, 4, _bart(64, 1, 2, 64, 64)),
        input_px=160,
        params=754_944,
        size="tiny",
    ),
    Size(
        name="kosmos2_tiny",
        family="kosmos2",
        config=_kosmos(_vit(64, 4, 4, 128, 112), {"embed_dim": 64, "layers": 1, "ffn_dim": 64, "attention_heads": 2}),
        input_px=112,
        params=176_000,
        size="tiny",
    ),
    Size(
        name="florence2_base",
        family="florence2",
        config=_florence(128, (1, 1, 9, 1), 768, 12, _bart(768, 6, 12, 3072, 51289)),
        input_px=768,
        params=91_207_168,
        repo="florence-community/Florence-2-base",
        license="MIT",
    ),
    Size(
        name="florence2_large",
        family="florence2",
        config=_florence(256, (1, 1, 9, 1), 1024, 12, _bart(1024, 12, 16, 4096, 51289)),
        input_px=768,
        params=362_833_920,
        repo="florence-community/Florence-2-large",
        license="MIT",
    ),
    Size(
        name="kosmos2_patch14_224",
        family="kosmos2",
        config=_kosmos(_vit(1024, 24, 16, 4096, 224), {}),
        input_px=224,
        params=303_179_776,
        repo="microsoft/kosmos-2-patch14-224",
        license="MIT",
    ),
)
"""Tiny ones first."""
