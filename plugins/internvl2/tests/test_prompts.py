"""The conversation in ids of a checkpoint's own tokenizer, or in stand-in ids."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from foresight_harness import BuildRequest, CheckpointError
from foresight_internvl2 import spec_of
from foresight_internvl2.architecture import MEAN, STD
from foresight_internvl2.presets import PRESETS
from foresight_internvl2.prompts import CHAT, PICTURE, chat_text, ids_before_pictures, video_text
from foresight_vlm_kit.pictures import squash
from torch import Tensor

TINY = PRESETS[0].architecture
SPECIAL = ("<|im_start|>", "<|im_end|>", "<img>", "</img>", PICTURE)


def write_tokenizer(folder: Path, words: dict[str, int]) -> None:
    """A tokenizer of characters and special words."""
    from tokenizers import AddedToken, Regex, Tokenizer, models, pre_tokenizers

    characters = sorted({letter for letter in video_text(9) if letter not in "\n"} | {"\n"})
    vocabulary = {**{letter: index + 10 for index, letter in enumerate(characters)}, **words}
    tokenizer: Any = Tokenizer(models.WordLevel(vocabulary, unk_token="F"))
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(r"[\s\S]"), "isolated")
    tokenizer.add_special_tokens([AddedToken(word, special=True) for word in words])
    tokenizer.save(str(folder / "tokenizer.json"))


def special_words(start: int = 240) -> dict[str, int]:
    return dict(zip(SPECIAL, (200, 201, start, 242, 243), strict=True))


def test_stand_in_ids_are_one_a_character_and_one_a_special_word() -> None:
    (ids,) = ids_before_pictures(chat_text(), TINY, None)
    special = 3 + 1  # two turns begin, one ends, and <img>
    letters = len(CHAT) - 2 * len("<|im_start|>") - len("<|im_end|>")
    assert len(ids) == len(TINY.start_ids) + special + letters
    assert ids[0] == 1
    assert ids[-1] == 248
    assert max(ids) < 256
    assert ids == ids_before_pictures(chat_text(), TINY, None)[0]


def test_each_frame_has_its_number_before_it() -> None:
    first, second, third = ids_before_pictures(video_text(3), TINY, None)
    assert len(first) > len(second) == len(third)
    assert [index for index, (one, other) in enumerate(zip(second, third, strict=True)) if one != other] == [7]


def test_ids_are_those_of_the_checkpoints_tokenizer(
    write_checkpoint: Callable[..., Path],
    architecture_of: Callable[..., Any],
    native_model: Callable[..., Any],
    reference: Callable[..., dict[str, Tensor]],
) -> None:
    from tokenizers import Tokenizer

    architecture = architecture_of("internlm2")
    model = native_model(architecture)
    folder = write_checkpoint(None, architecture, model)
    write_tokenizer(folder, special_words())
    ids = (1, *Tokenizer.from_file(str(folder / "tokenizer.json")).encode(f"{CHAT}<img>").ids)
    clips = torch.rand(1, 1, 3, 70, 50, generator=torch.Generator().manual_seed(5))
    encoder = spec_of(PRESETS[0], "chat").build(BuildRequest(weights="pretrained", source=str(folder)))
    found = encoder.encode(clips, ["post_projector", "llm.02"])
    expected = reference(model, squash(clips, 224, MEAN, STD), ids)
    for tap, grid in found.items():
        torch.testing.assert_close(grid.tokens.flatten(1, 3), expected[tap], rtol=1e-4, atol=1e-4, msg=tap)
    assert "checkpoint's tokenizer" in encoder.facts()["prompt"]


def test_tokenizers_that_cannot_be_used_are_refused(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"has no tokenizer.json, which the conversation before a picture needs"):
        ids_before_pictures(chat_text(), TINY, tmp_path)
    (tmp_path / "tokenizer.json").write_text(json.dumps({"model": 3}))
    with pytest.raises(CheckpointError, match="is not a tokenizer"):
        ids_before_pictures(chat_text(), TINY, tmp_path)
    write_tokenizer(tmp_path, {word: index for word, index in special_words().items() if word != "<img>"})
    with pytest.raises(CheckpointError, match="does not write <img>"):
        ids_before_pictures(chat_text(), TINY, tmp_path)
    write_tokenizer(tmp_path, special_words())
    with pytest.raises(CheckpointError, match=r"writes <img> as id 240, not 248"):
        ids_before_pictures(chat_text(), TINY, tmp_path)
