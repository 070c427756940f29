"""Names of the places where vision-language models are read, and the depth that a name asks for. No torch."""

from __future__ import annotations

from collections.abc import Iterable

from foresight_harness import TapSpec

PATCHES = "patch_embed"
"""Projected patches, before positions."""


def block_tap(index: int) -> str:
    """Tap of block ``index`` of the tower, counted from 0."""
    return f"block.{index:02d}"


def llm_tap(count: int) -> str:
    """Tap of the language model's state after ``count`` blocks, counted from 1."""
    return f"llm.{count:02d}"


def llm_depth(tap: str) -> int | None:
    """Blocks of the language model that ``tap`` needs; None for a tap of the vision side."""
    return int(tap.removeprefix("llm.")) if tap.startswith("llm.") else None


def llm_depths(taps: Iterable[str]) -> list[int]:
    """Blocks of the language model after which it is read, ascending; empty where no tap is the language model's."""
    return sorted({depth for tap in taps if (depth := llm_depth(tap)) is not None})


def blocks_needed(taps: Iterable[str]) -> int:
    """Blocks of the tower that the deepest ``block`` tap among ``taps`` needs; 0 where there is none."""
    return max((int(tap.removeprefix("block.")) + 1 for tap in taps if tap.startswith("block.")), default=0)


def tower_taps(blocks: int, width: int, stride_px: int, *, stride_frames: int = 1) -> list[TapSpec]:
    """Projected patches and every block of the tower."""
    names = (PATCHES, *map(block_tap, range(blocks)))
    return [TapSpec(name, width, stride_px, stride_frames=stride_frames) for name in names]


def llm_taps(blocks: int, width: int, stride_px: int, *, stride_frames: int = 1) -> list[TapSpec]:
    """The residual stream after each block of the language model, before any norm."""
    names = map(llm_tap, range(1, blocks + 1))
    return [TapSpec(name, width, stride_px, stride_frames=stride_frames) for name in names]
