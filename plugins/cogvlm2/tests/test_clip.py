"""Whole clips in one sequence, against the layout written out id by id."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from foresight_cogvlm2 import clip, spec_of
from foresight_cogvlm2.presets import PRESETS, Size
from foresight_harness import BuildRequest, CheckpointError, EncoderSpec, UsageError
from foresight_vlm_kit.pictures import squash
from foresight_vlm_kit.presets import CLIP_MEAN, CLIP_STD
from foresight_vlm_kit.testing.tokenizer import write_tokenizer
from torch import Tensor

LLM = [f"llm.{depth:02d}" for depth in range(1, 5)]
FRAMES = 3
Write = Callable[..., Path]
Reference = Callable[..., dict[str, Tensor]]


@pytest.fixture
def preset() -> Size:
    """The tiny video model; checkpoints of the folder's fixtures are of its kind."""
    return {preset.name: preset for preset in PRESETS}["cogvlm2_video_tiny"]


@pytest.fixture
def pictures(preset: Size) -> EncoderSpec:
    """It frame by frame."""
    return spec_of(preset)


@pytest.fixture
def clips(pictures: EncoderSpec) -> EncoderSpec:
    """It on whole clips."""
    assert pictures.expand is not None
    return pictures.expand("clip")


def _random(size: tuple[int, int] = (60, 90), frames: int = FRAMES, batch: int = 1) -> Tensor:
    return torch.rand(batch, frames, 3, *size, generator=torch.Generator().manual_seed(7))


def _tensors(encoder: Any) -> dict[str, Tensor]:
    state = {f"model.vision.{name}": value for name, value in encoder.vision.state_dict().items()}
    return state | {
        f"model.{name}": value for name, value in encoder.language_of(4).language_model.state_dict().items()
    }


def _differences(found: dict[str, Any], given: Tensor, state: dict[str, Tensor], reference: Any) -> dict[str, float]:
    """Largest difference at each tap, in units of the expected values' largest or of one."""
    worst: dict[str, float] = {}
    for sample, frames in enumerate(given):
        for tap, expected in reference(state, squash(frames[None], 224, CLIP_MEAN, CLIP_STD)).items():
            off = (found[tap].tokens[sample].flatten(1, 2) - expected).abs().max()
            worst[tap] = max(worst.get(tap, 0.0), float(off / max(1.0, float(expected.abs().max()))))
    return worst


@pytest.fixture
def differences(preset: Size, clip_reference: Reference) -> Callable[..., dict[str, float]]:
    """``differences(encoder, found, given)`` from the published layout, with the stand-in ids of random weights."""

    def compare(encoder: Any, found: dict[str, Any], given: Tensor) -> dict[str, float]:
        texts = [(100 + frame,) for frame in range(given.shape[1])]

        def reference(state: dict[str, Tensor], pixels: Tensor) -> dict[str, Tensor]:
            return clip_reference(state, preset.architecture, pixels, texts)

        return _differences(found, given, _tensors(encoder), reference)

    return compare


@pytest.mark.parametrize(("size", "attention"), [((60, 90), "sdpa"), ((132, 70), "eager")])
def test_every_llm_tap_equals_the_published_layout_written_id_by_id(
    clips: EncoderSpec, differences: Any, size: tuple[int, int], attention: str
) -> None:
    encoder, given = clips.build(BuildRequest(attention=attention)), _random(size, batch=2)
    found = encoder.encode(given, LLM)
    assert {grid.tokens.shape for grid in found.values()} == {(2, FRAMES, 8, 8, 96)}
    worst = differences(encoder, found, given)
    assert set(worst) == set(LLM)
    assert max(worst.values()) <= 1e-5, worst


def test_planted_faults_differ_from_the_published_layout(
    clips: EncoderSpec, pictures: EncoderSpec, differences: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Frames in reverse order, no index behind a frame, the same index behind all, and each frame alone."""
    encoder, given = clips.build(BuildRequest()), _random()
    back = encoder.encode(given.flip(1), LLM)
    found = {"reversed": {tap: type(grid)(grid.tokens.flip(1)) for tap, grid in back.items()}}
    found["alone"] = pictures.build(BuildRequest()).encode(given, LLM)
    for name, ids in {"no index": (), "one index": (100,)}.items():
        with monkeypatch.context() as patch:
            patch.setattr(clip, "index_ids", lambda folder, frames, ids=ids: [ids] * frames)
            found[name] = encoder.encode(given, LLM)
    for name, grids in found.items():
        assert min(differences(encoder, grids, given).values()) > 1e-3, name
    assert max(differences(encoder, encoder.encode(given, LLM), given).values()) <= 1e-5


def test_a_frame_sees_all_earlier_frames_and_no_later_one(clips: EncoderSpec) -> None:
    encoder, given = clips.build(BuildRequest()), _random()
    before = encoder.encode(given, ["llm.03"])["llm.03"].tokens
    for changed in range(FRAMES):
        other = given.clone()
        other[:, changed] = 1 - other[:, changed]
        moved = (encoder.encode(other, ["llm.03"])["llm.03"].tokens - before).abs().amax((0, 2, 3, 4)) > 1e-5
        assert moved.tolist() == [frame >= changed for frame in range(FRAMES)]


def test_a_clip_of_one_frame_is_a_picture(clips: EncoderSpec, pictures: EncoderSpec) -> None:
    """The index stands behind the frame, and attention is causal."""
    given = _random(frames=1)
    alone, single = (spec.build(BuildRequest()).encode(given, LLM) for spec in (clips, pictures))
    for tap in LLM:
        torch.testing.assert_close(alone[tap].tokens, single[tap].tokens, atol=1e-5, rtol=1e-5)


def test_the_vision_side_reads_frame_by_frame(clips: EncoderSpec, pictures: EncoderSpec) -> None:
    taps = [tap.name for tap in clips.taps if tap.name not in LLM]
    whole, single = (spec.build(BuildRequest()).encode(_random(), taps) for spec in (clips, pictures))
    assert all(torch.equal(whole[tap].tokens, single[tap].tokens) for tap in taps)


@pytest.mark.parametrize("tap", ["vision_out", "llm.01"])
def test_more_frames_than_the_model_takes_are_refused(clips: EncoderSpec, tap: str) -> None:
    encoder = clips.build(BuildRequest())
    assert encoder.encode(_random((28, 28), frames=24), [tap])[tap].tokens.shape[1] == 24
    with pytest.raises(UsageError, match=r"cogvlm2_video_tiny:clip reads up to 24 frames .* a clip has 25; give 24 or"):
        encoder.encode(_random((28, 28), frames=25), [tap])


def _load(spec: EncoderSpec, folder: Path) -> Any:
    return spec.build(BuildRequest(weights="pretrained", source=str(folder)))


def test_a_published_checkpoint_is_read_with_the_ids_of_its_own_tokenizer(
    clips: EncoderSpec, preset: Size, state: dict[str, Tensor], write_checkpoint: Write, clip_reference: Reference
) -> None:
    folder, given = write_checkpoint(), _random((70, 50))
    vocabulary = write_tokenizer(folder, ["0 1 2 3"])
    texts = [(vocabulary[str(frame)],) for frame in range(FRAMES)]

    def reference(tensors: dict[str, Tensor], pixels: Tensor) -> dict[str, Tensor]:
        return clip_reference(tensors, preset.architecture, pixels, texts)

    encoder = _load(clips, folder)
    worst = _differences(encoder.encode(given, LLM), given, state, reference)
    assert max(worst.values()) <= 1e-5, worst
    assert encoder.facts()["text_behind_frames"] == "index as text, by the checkpoint's tokenizer"


def test_facts_of_random_weights_name_the_stand_in(clips: EncoderSpec) -> None:
    facts = clips.build(BuildRequest()).facts()
    assert facts["view"] == "all frames of a clip in one sequence"
    assert facts["text_behind_frames"] == "one stand-in id each, 100 + index: random weights know no words"


def test_a_checkpoint_that_cannot_write_indices_is_refused(clips: EncoderSpec, write_checkpoint: Write) -> None:
    folder = write_checkpoint()
    encoder = _load(clips, folder)
    assert encoder.encode(_random(), ["vision_out"])["vision_out"].tokens.isfinite().all()
    with pytest.raises(CheckpointError, match=r"has no tokenizer\.json, which writes the index behind each frame"):
        encoder.encode(_random(), ["llm.01"])
    (folder / "tokenizer.json").write_text("no tokenizer")
    with pytest.raises(CheckpointError, match=r"tokenizer\.json is not a tokenizer \(.*\); download it again"):
        encoder.encode(_random(), ["llm.01"])
    with pytest.raises(CheckpointError, match=r"template_version 'base', which writes no index .*:clip reads 'chat'"):
        _load(clips, write_checkpoint(template_version="base"))
