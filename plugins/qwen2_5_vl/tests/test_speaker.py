"""What the whole model says of pictures, against the library's own class asked the same by its own generation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import foresight_qwen2_5_vl
import pytest
import torch
from foresight_harness import BuildRequest, CheckpointError, DataRequest, UsageError
from foresight_harness.parts.datasets.objects import clip_of
from foresight_harness.parts.datasets.shape_drawing import COLOURS
from foresight_harness.parts.datasets.shapes import Shapes, draw
from foresight_qwen2_5_vl import foresight_metrics, speaker
from foresight_qwen2_5_vl.presets import NANO, PRESETS
from foresight_qwen2_5_vl.speaker import AFTER, BEFORE, build_answerer
from foresight_vlm_kit.consistency.answerer import Answerer
from foresight_vlm_kit.consistency.metric import caption_agreement, yes_no_agreement
from foresight_vlm_kit.consistency.offers import consistency_metrics
from foresight_vlm_kit.consistency.prompts import ANSWER, CAPTION, MOST, QUESTIONS
from foresight_vlm_kit.nano.words import IDS
from foresight_vlm_kit.testing.tokenizer import write_tokenizer
from torch import Tensor

TINY, WHAT = PRESETS[0], NANO[0]
WEIGHTS = Path(foresight_qwen2_5_vl.__file__).parent / "weights"
MARKS = ("<|vision_end|>", "<|im_end|>", "<|im_start|>")
COUNT = 24


class Recoloured(Shapes):
    """The same pictures with some objects of the colour half the circle away."""

    def changed(self, index: int, count: int) -> Tensor:
        random, names = self._random(index), list(COLOURS)
        figures = self._composed(random)
        others = tuple(replace(one, colour=names[(names.index(one.colour) + 4) % 8]) for one in figures[:count])
        return clip_of(draw(random, others + figures[count:], 128)[0])


@pytest.fixture(scope="module")
def shapes() -> Recoloured:
    return Recoloured(DataRequest("test", COUNT, 0, canvas_px=128))


@pytest.fixture(scope="module")
def what() -> Answerer:
    return build_answerer(WHAT, BuildRequest(weights="nano"))


def own_words(model: Any, picture: Tensor, ids: Sequence[int], most: int, end: int) -> list[int]:
    """Ids that the library's own greedy generation gives after a picture of 224 px, its own processor before it."""
    from transformers.models.qwen2_vl.image_processing_qwen2_vl import Qwen2VLImageProcessor

    given = Qwen2VLImageProcessor()(
        images=[(picture * 255).round().to(torch.uint8)], do_resize=False, return_tensors="pt"
    )
    asked = torch.tensor([ids])
    told = model.generate(
        input_ids=asked,
        pixel_values=given["pixel_values"],
        image_grid_thw=given["image_grid_thw"],
        mm_token_type_ids=(asked == 250).int(),
        attention_mask=torch.ones_like(asked),
        do_sample=False,
        max_new_tokens=most,
        eos_token_id=end,
        pad_token_id=end,
    )
    return [int(word) for word in told[0, len(ids) :] if word != end]


@pytest.fixture(scope="module")
def own_what() -> Any:
    """The nano model as the library alone loads it."""
    from transformers.models.qwen2_5_vl.modeling_qwen2_5_vl import Qwen2_5_VLForConditionalGeneration

    return Qwen2_5_VLForConditionalGeneration.from_pretrained(WEIGHTS / WHAT.name, dtype=torch.float32).eval()


def eighths(count: int) -> Tensor:
    """Pictures of 224 px whose values survive 8 bits. [N, 3, 224, 224]"""
    drawn = torch.randint(0, 256, (count, 3, 14, 14), generator=torch.Generator().manual_seed(0)) / 255
    return drawn.repeat_interleave(16, -1).repeat_interleave(16, -2)


def test_captions_are_those_of_the_librarys_own_generation(what: Answerer, own_what: Any) -> None:
    names = {number: name for name, number in IDS.items()}
    shown = eighths(3)
    expected = [own_words(own_what, one, [252, *[250] * 64, 253], 20, 2) for one in shown]
    assert what.captions(shown) == [tuple(names.get(word, f"id:{word}") for word in row) for row in expected]
    assert len({tuple(row) for row in expected}) > 1


@torch.inference_mode()
def test_answers_are_the_likelier_of_two_by_log_probabilities_of_a_whole_forward(what: Answerer, own_what: Any) -> None:
    from transformers.models.qwen2_vl.image_processing_qwen2_vl import Qwen2VLImageProcessor

    shown, asked = eighths(2), torch.tensor([[252, *[250] * 64, 253]])
    for picture, answers in zip(shown, what.answers(shown), strict=True):
        pixels = (picture * 255).round().to(torch.uint8)
        given = Qwen2VLImageProcessor()(images=[pixels], do_resize=False, return_tensors="pt")
        logits = own_what(input_ids=asked, mm_token_type_ids=(asked == 250).int(), **given).logits[0, -1]
        likely = logits.log_softmax(-1)
        assert [bool(likely[one.yes] > likely[one.no]) for one in what.talk.questions] == list(answers)
        assert 0 < sum(answers) < 28


def test_a_published_checkpoint_is_asked_in_words_through_its_own_tokenizer(
    write_checkpoint: Callable[..., Path], whole_model: Any
) -> None:
    folder = write_checkpoint()
    with pytest.raises(CheckpointError, match="is missing: questions in words need"):
        build_answerer(TINY, BuildRequest(weights="pretrained", source=str(folder)))
    known = write_tokenizer(folder, [CAPTION, *QUESTIONS, ANSWER, "assistant"], specials=MARKS)
    assert max(known.values()) < 250
    names = {number: word for word, number in known.items()}
    found = build_answerer(TINY, BuildRequest(weights="pretrained", source=str(folder)))
    asked = [names[word] for word in found.talk.caption]
    assert (asked[0], asked[1], asked[-2:]) == (BEFORE, "Describe", ["<|im_start|>", "assistant"])
    assert AFTER.startswith(asked[-3])
    ids = [*TINY.prompt_ids, *[250] * 64, *found.talk.caption]
    shown = eighths(1)
    expected = found.talk.said(own_words(whole_model, shown[0], ids, MOST, 2))
    assert found.captions(shown) == [expected]
    assert len(found.answers(shown)[0]) == len(QUESTIONS)


def test_answers_are_the_same_whatever_is_asked_about_together(what: Answerer, shapes: Recoloured) -> None:
    shown = torch.stack([shapes.changed(index, 0)[0] for index in range(6)])
    for batch in (1, 4):
        alone = Answerer(what.speaker, what.talk, batch=batch)
        assert alone.captions(shown) == what.captions(shown)
        assert alone.answers(shown) == what.answers(shown)


def test_agreement_is_whole_with_itself_and_falls_with_every_object_of_another_colour(
    what: Answerer, shapes: Recoloured
) -> None:
    """The rules of docs/consistency.md, by means over few pictures; the study there has intervals over many."""
    several = [index for index in range(COUNT) if len(shapes.figures(index)) > 1]
    target = torch.stack([shapes.changed(index, 0) for index in several])
    everything = torch.stack([shapes.changed(index, 5) for index in several])
    for metric, most in ((caption_agreement(what), 0.85), (yes_no_agreement(what), 0.90)):
        assert metric(target, target).tolist() == [1.0] * len(several)
        assert float(metric(everything, target).mean()) <= most


def test_metrics_are_named_after_kind_model_and_prompts_and_random_weights_say_so() -> None:
    specs = {spec.name: spec for spec in foresight_metrics()}
    assert len(specs) == 2 * len(PRESETS)
    assert {"consistency_yesno_qwen2_5_vl_nano_what_v1", "consistency_caption_qwen2_5_vl_7b_v1"} < set(specs)
    assert all(spec.on_request and not spec.gateable and spec.range == (0.0, 1.0) for spec in specs.values())
    random = specs["consistency_yesno_qwen2_5_vl_tiny_random_v1"]
    assert all("random weights: means nothing" in said for said in (random.label, random.plain, random.reference))
    assert QUESTIONS[0] in specs["consistency_yesno_qwen2_5_vl_3b_v1"].reference


def test_the_protocol_holds_kind_and_hash_of_the_weights() -> None:
    specs = {spec.name: spec for spec in foresight_metrics()}
    said = specs["consistency_caption_qwen2_5_vl_nano_what_v1"].definition()
    assert "nano weights sha256 " in said
    assert said != specs["consistency_caption_qwen2_5_vl_nano_where_v1"].definition()
    assert "random weights sha256 " in specs["consistency_caption_qwen2_5_vl_tiny_random_v1"].definition()


def test_weights_that_are_not_there_are_said_in_one_line() -> None:
    absent = replace(WHAT, name="absent_nano", repo="package:foresight_qwen2_5_vl/weights/absent_nano")
    (spec, _) = consistency_metrics(speaker.__name__, [(absent, absent.config)])
    with pytest.raises(CheckpointError) as refused:
        spec.definition()
    assert "\n" not in str(refused.value)
    assert "absent_nano" in str(refused.value)
    with pytest.raises(UsageError, match="float16: its tower's activations overflow"):
        build_answerer(WHAT, BuildRequest(weights="nano", dtype="float16"))


def test_published_weights_that_are_not_there_advise_no_option_that_a_metric_does_not_read(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    published = next(preset for preset in PRESETS if preset.size == "published")
    for spec in consistency_metrics(speaker.__name__, [(published, published.config)]):
        for asked in (spec.definition, spec.build):
            with pytest.raises(CheckpointError, match=r"or leave the metric out\.$"):
                asked()


def test_random_weights_are_those_of_the_encoder() -> None:
    model = build_answerer(TINY, BuildRequest()).speaker.model  # type: ignore[attr-defined]
    encoder: Any = foresight_qwen2_5_vl.spec_of(TINY).build(BuildRequest())
    for name, tensor in encoder.tower.state_dict().items():
        assert torch.equal(model.model.visual.state_dict()[name], tensor), name
    found = model.model.language_model.state_dict()
    for name, tensor in encoder.language_of(4).language_model.state_dict().items():
        assert torch.equal(found[name], tensor), name
