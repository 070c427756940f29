from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from foresight_detectors.building import random_model
from foresight_detectors.grounding_text import WORDS
from foresight_detectors.presets import OWLV2_TINY, SIZES
from foresight_detectors.sizes import Size

BY_NAME = {size.name: size for size in (*SIZES, OWLV2_TINY)}
TINY = [name for name, size in BY_NAME.items() if size.is_tiny]
VOCABULARY = {"[CLS]": 101, "[SEP]": 102, ".": 1012, **{word: place for place, word in enumerate(WORDS, 1)}}
"""Of the text of Grounding DINO, with the ids that random weights are given."""


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture
def size() -> Callable[[str], Size]:
    return BY_NAME.__getitem__


@pytest.fixture(params=TINY)
def tiny(request: pytest.FixtureRequest) -> Size:
    """Each size that is small enough to be run here."""
    return BY_NAME[request.param]


@pytest.fixture
def write_checkpoint(tmp_path: Path) -> Callable[..., Path]:
    """Write random weights of a size in the published layout, as ``save_pretrained`` does."""

    def write(name: str, *, seed: int = 7, shard: str = "5GB") -> Path:
        folder = tmp_path / name
        model = random_model(BY_NAME[name], seed, "sdpa")
        model.save_pretrained(folder, max_shard_size=shard)  # type: ignore[operator]
        if BY_NAME[name].family == "grounding_dino":
            (folder / "tokenizer.json").write_text(json.dumps({"model": {"vocab": VOCABULARY}}))
        return folder

    return write
