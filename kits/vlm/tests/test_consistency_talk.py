"""What is asked in words, through a tokenizer of the checkpoint's own, and what a checkpoint without one is told."""

from __future__ import annotations

from pathlib import Path

import pytest
from foresight_harness import CheckpointError
from foresight_vlm_kit.consistency.likeness import rouge_l
from foresight_vlm_kit.consistency.prompts import CAPTION, QUESTIONS, nano_text, text_of
from foresight_vlm_kit.consistency.talk import nano_talk, text_talk
from foresight_vlm_kit.nano.words import IDS
from foresight_vlm_kit.testing.tokenizer import write_tokenizer


def test_a_question_stands_between_the_texts_of_the_chat(tmp_path: Path) -> None:
    vocabulary = write_tokenizer(tmp_path, [CAPTION, *QUESTIONS, "Answer with yes or no."])
    talk = text_talk(tmp_path, "<a>", "<b>", [5])
    names = {number: word for word, number in vocabulary.items()}
    first = [names[word] for word in talk.questions[0].words]
    assert first[0] == "<a>"
    assert first[-1] == "<b>"
    assert first[1:3] == ["Is", "there"]
    assert first[-4:-1] == ["or", "no", "."]
    assert len(talk.questions) == len(QUESTIONS)
    assert {(names[one.yes], names[one.no]) for one in talk.questions} == {("Yes", "No")}
    assert talk.said([vocabulary[word] for word in ("Is", "there", ".")]) == ("is", "there")
    assert talk.likeness is rouge_l


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "is missing: questions in words need the checkpoint's own tokenizer"),
        ("{}", "is no tokenizer that can be read"),
    ],
)
def test_a_checkpoint_without_a_tokenizer_is_refused_in_one_line(tmp_path: Path, text: str | None, said: str) -> None:
    if text is not None:
        (tmp_path / "tokenizer.json").write_text(text, encoding="utf-8")
    with pytest.raises(CheckpointError, match=said) as refused:
        text_talk(tmp_path, "", "", [5])
    assert "\n" not in str(refused.value)


def test_an_answer_of_several_tokens_is_no_answer(tmp_path: Path) -> None:
    write_tokenizer(tmp_path, ["A B"], without=("Yes",))
    with pytest.raises(CheckpointError, match="writes 'Yes' as 3 tokens; the two answers"):
        text_talk(tmp_path, "", "", [5])


def test_nano_sizes_are_asked_every_pair_of_colours_in_their_own_words() -> None:
    talk = nano_talk([253])
    assert len({(one.yes, one.no) for one in talk.questions}) == 28
    assert {one.words for one in talk.questions} == {(253,)}
    assert talk.said([IDS["colour:red"], IDS["kind:disc"], 3]) == ("colour:red", "kind:disc", "id:3")


@pytest.mark.parametrize("kind", ["caption", "yesno"])
def test_what_is_asked_is_said_for_the_protocol(kind: str) -> None:
    assert (CAPTION if kind == "caption" else QUESTIONS[-1]) in text_of(kind)
    assert nano_text(kind) != text_of(kind)
