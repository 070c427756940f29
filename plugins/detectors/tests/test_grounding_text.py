"""What Grounding DINO is asked for, and how its text encoder reads it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from foresight_detectors.building import build, random_model
from foresight_detectors.grounding import GroundingDinoNetwork
from foresight_detectors.grounding_text import TEXT, WORDS, text_ids
from foresight_harness import BuildRequest, CheckpointError, UsageError
from torch import Tensor

VOCABULARY = {"[CLS]": 101, "[SEP]": 102, ".": 1012, **{word: 2000 + place for place, word in enumerate(WORDS)}}


def write_vocabulary(folder: Path, words: dict[str, int]) -> None:
    lines = [f"[unused {number}]" for number in range(max(words.values()) + 1)]
    for word, number in words.items():
        lines[number] = word
    (folder / "vocab.txt").write_text("\n".join(lines))


def test_words_are_parted_by_full_stops_between_start_and_end(tmp_path: Path) -> None:
    assert TEXT == "object. thing. shape. person. animal. vehicle."
    assert text_ids(None) == [101, 1, 1012, 2, 1012, 3, 1012, 4, 1012, 5, 1012, 6, 1012, 102]
    write_vocabulary(tmp_path, VOCABULARY)
    expected = [101, 2000, 1012, 2001, 1012, 2002, 1012, 2003, 1012, 2004, 1012, 2005, 1012, 102]
    assert text_ids(tmp_path) == expected
    (tmp_path / "vocab.txt").unlink()
    (tmp_path / "tokenizer.json").write_text(json.dumps({"model": {"vocab": VOCABULARY}}))
    assert text_ids(tmp_path) == expected


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "has no vocab.txt or tokenizer.json, which the text of Grounding DINO needs"),
        ("[]", "holds no vocabulary"),
        (
            json.dumps({"model": {"vocab": {**VOCABULARY, ".": 7}}}),
            r"\. has id 7, the text encoder of Grounding DINO takes",
        ),
        (json.dumps({"model": {"vocab": {"[CLS]": 101, "[SEP]": 102, ".": 1012}}}), "has no word 'object'"),
    ],
)
def test_a_folder_without_its_vocabulary_is_refused_in_one_line(
    tmp_path: Path, content: str | None, message: str
) -> None:
    if content is not None:
        (tmp_path / "tokenizer.json").write_text(content)
    with pytest.raises(CheckpointError, match=message) as caught:
        text_ids(tmp_path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
def test_phrases_do_not_see_each_other_in_the_text_encoder(size: Any, attention: str) -> None:
    """As the published model was trained; the library's own mask has no such effect in its eager BERT."""
    model: Any = random_model(size("grounding_dino_tiny"), 0, attention).eval()

    def read(word: int) -> Tensor:
        found: list[Tensor] = []
        handle = model.model.text_backbone.register_forward_hook(lambda *call: found.append(call[2].last_hidden_state))
        ids = text_ids(None)
        ids[5] = word
        GroundingDinoNetwork(model, ids).read(torch.zeros(1, 3, 128, 128), ["block.00"])
        handle.remove()
        return found[0][0]

    with torch.no_grad():
        moved = (read(3) - read(9)).abs().amax(-1) > 1e-6
    assert moved.nonzero().flatten().tolist() == [5, 6], "a phrase is a word and its full stop"


def test_the_text_decides_what_is_seen(size: Any) -> None:
    tiny = size("grounding_dino_tiny")
    model = random_model(tiny, 0, "sdpa").eval()
    pixels = torch.rand(1, 3, 128, 160, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        asked, otherwise = (
            GroundingDinoNetwork(model, [101, word, 1012, 102]).read(pixels, ["stage.3", "block.01"])[0]
            for word in (1, 2)
        )
    assert torch.equal(asked["stage.3"], otherwise["stage.3"])
    assert float((asked["block.01"] - otherwise["block.01"]).abs().max()) > 1e-4


def test_stages_run_neither_text_nor_encoder_and_leave_the_model_as_it_was(size: Any) -> None:
    model: Any = random_model(size("grounding_dino_tiny"), 0, "sdpa").eval()
    ran: list[str] = []
    stages = model.model.backbone.conv_encoder.model.swin.encoder.layers
    for name, module in {
        "text": model.model.text_backbone,
        "deeper": stages[3],
        "encoder": model.model.encoder,
    }.items():
        module.register_forward_hook(lambda *call, name=name: ran.append(name))
    network = GroundingDinoNetwork(model, text_ids(None))
    with torch.no_grad():
        alone, _ = network.read(torch.zeros(1, 3, 128, 128), ["stage.2", "stage.3"])
        assert ran == []
        beside, _ = network.read(torch.zeros(1, 3, 128, 128), ["stage.3", "block.01"])
    assert torch.equal(alone["stage.3"], beside["stage.3"])
    assert model.model.backbone.conv_encoder.model.swin.encoder.layers is stages


def test_boxes_of_a_picture_do_not_depend_on_its_batch_to_the_last_digit(size: Any) -> None:
    """A choice among nearly equal scores would turn the rounding of a batch into other boxes."""
    encoder = build(size("grounding_dino_tiny"), BuildRequest())
    clips = torch.rand(5, 1, 3, 128, 128, generator=torch.Generator().manual_seed(2))
    together = encoder.encode(clips, ["level.16", "boxes"])["boxes"].tokens
    alone = torch.cat([encoder.encode(clip[None], ["boxes"])["boxes"].tokens for clip in clips.flip(0)]).flip(0)
    assert torch.equal(together, alone)


def test_a_picture_with_fewer_tokens_than_boxes_is_refused_in_one_line(size: Any) -> None:
    encoder = build(size("grounding_dino_tiny"), BuildRequest(input_px=64))
    encoder.encode(torch.rand(1, 1, 3, 64, 64), ["block.00", "boxes"])
    model: Any = random_model(size("grounding_dino_tiny"), 0, "sdpa").eval()
    model.config.num_queries = 900
    with pytest.raises(UsageError, match=r"chooses 900 tokens .* 128x160 px has 426; ask for a larger side"):
        GroundingDinoNetwork(model, text_ids(None)).read(torch.zeros(1, 3, 128, 160), ["boxes"])
