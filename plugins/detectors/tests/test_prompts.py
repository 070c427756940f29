from __future__ import annotations

import json
from pathlib import Path

import pytest
from foresight_detectors.prompts import PROMPTS, VOCABULARY, prompt_ids, require_vocabulary
from foresight_harness import CheckpointError


def test_published_ids_begin_and_end_as_clips_do_and_are_of_one_length() -> None:
    ids = prompt_ids(49408)
    assert ids[0] == [49406, 320, 1125, 539, 550, 14115, 49407]
    assert len(ids) == len(PROMPTS)
    assert {len(row) for row in ids} == {7}


def test_tiny_ids_keep_their_order_so_that_the_end_is_the_largest() -> None:
    tiny, published = prompt_ids(13), prompt_ids(49408)
    for ours, theirs in zip(tiny, published, strict=True):
        assert sorted(range(7), key=ours.__getitem__) == sorted(range(7), key=theirs.__getitem__)
    assert max(map(max, tiny)) == 12


def test_a_tokenizer_in_the_folder_is_held_to_the_ids(tmp_path: Path) -> None:
    require_vocabulary(tmp_path)
    (tmp_path / "vocab.json").write_text(json.dumps(VOCABULARY))
    (tmp_path / "tokenizer.json").write_text(json.dumps({"model": {"vocab": dict(VOCABULARY)}}))
    require_vocabulary(tmp_path)
    (tmp_path / "tokenizer.json").write_text(json.dumps({"model": {"vocab": {**VOCABULARY, "shape</w>": 3}}}))
    with pytest.raises(CheckpointError, match=r"shape</w> has id 3, the prompts of OWL-ViT take 6448"):
        require_vocabulary(tmp_path)


@pytest.mark.parametrize("content", ["[]", "{", '{"model": 3}'])
def test_what_is_no_vocabulary_is_refused_in_one_line(content: str, tmp_path: Path) -> None:
    (tmp_path / "tokenizer.json").write_text(content)
    with pytest.raises(CheckpointError, match="holds no vocabulary") as caught:
        require_vocabulary(tmp_path)
    assert "\n" not in str(caught.value)
