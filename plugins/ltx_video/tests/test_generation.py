"""Clips from prompts of our own: from a folder in the published layout, seeded, with no text encoder and no network."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import diffusers
import pytest
import torch
from diffusers import LTXPipeline
from foresight_harness import BuildRequest
from foresight_harness.contracts.errors import CheckpointError, GridError
from foresight_ltx_video.generation import VideoGenerator
from foresight_ltx_video.presets import SHIFTED, AutoencoderPreset, TransformerPreset

SIZE: dict[str, Any] = {"frames": 9, "height_px": 64, "width_px": 96, "steps": 2}


def prompts(batch: int = 2, seed: int = 0) -> torch.Tensor:
    return torch.randn(batch, 6, 64, generator=torch.Generator().manual_seed(seed))


@pytest.fixture
def generator(
    checkpoint: Path, tiny_transformer: TransformerPreset, tiny: AutoencoderPreset, monkeypatch: pytest.MonkeyPatch
) -> VideoGenerator:
    def refuse(*arguments: object) -> None:
        raise AssertionError("a connection was opened")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    request = BuildRequest(weights="pretrained", source=str(checkpoint))
    return VideoGenerator.build(tiny_transformer, tiny, request)


def test_clips_come_out_in_the_size_that_was_asked_for(generator: VideoGenerator) -> None:
    clips = generator.generate(prompts(), seeds=[1, 2], **SIZE)
    assert clips.shape == (2, 9, 3, 64, 96)
    assert 0 <= float(clips.min()) < float(clips.max()) <= 1
    assert generator.decoder.facts()["latent_statistics"] == "checkpoint"
    assert {key: generator.schedule[key] for key in SHIFTED} == SHIFTED


def test_sampling_is_the_librarys_pipeline_on_the_same_noise(generator: VideoGenerator, parts: dict[str, Any]) -> None:
    found = generator.sample(prompts(), seeds=[5, 6], **SIZE)
    noise = torch.stack([torch.randn(2, 2, 3, 128, generator=torch.Generator().manual_seed(seed)) for seed in (5, 6)])
    pipeline: Any = LTXPipeline(**parts, text_encoder=None, tokenizer=None)  # type: ignore[no-untyped-call]
    pipeline.set_progress_bar_config(disable=True)
    packed = pipeline(
        prompt_embeds=prompts(),
        prompt_attention_mask=torch.ones(2, 6),
        guidance_scale=1.0,
        height=64,
        width=96,
        num_frames=9,
        num_inference_steps=2,
        latents=LTXPipeline._pack_latents(noise.permute(0, 4, 1, 2, 3)),
        output_type="latent",
    ).frames
    torch.testing.assert_close(found, LTXPipeline._unpack_latents(packed, 2, 2, 3).permute(0, 2, 3, 4, 1))


def test_seed_and_prompt_decide_a_clip_and_its_neighbours_do_not(generator: VideoGenerator) -> None:
    both = generator.sample(prompts(), seeds=[1, 2], **SIZE)
    torch.manual_seed(99)
    alone = generator.sample(prompts()[1:], seeds=[2], **SIZE)
    torch.testing.assert_close(alone[0], both[1], atol=1e-4, rtol=1e-4)
    assert not torch.allclose(generator.sample(prompts()[1:], seeds=[3], **SIZE), alone, atol=1e-2)
    assert not torch.allclose(generator.sample(prompts(1, seed=7), seeds=[2], **SIZE), alone, atol=1e-6)


def test_guidance_moves_away_from_the_negative(generator: VideoGenerator) -> None:
    plain = generator.sample(prompts(1), seeds=[1], **SIZE)
    same = generator.sample(prompts(1), seeds=[1], guidance=3.0, negative=prompts(1), **SIZE)
    guided = generator.sample(prompts(1), seeds=[1], guidance=3.0, negative=prompts(1, seed=4), **SIZE)
    torch.testing.assert_close(same, plain, atol=1e-4, rtol=1e-4)
    assert not torch.equal(guided, plain)


def test_single_pictures_can_be_sampled(generator: VideoGenerator) -> None:
    assert generator.generate(prompts(1), seeds=[1], **(SIZE | {"frames": 1})).shape == (1, 1, 3, 64, 96)


def test_random_parts_need_no_folder(tiny_transformer: TransformerPreset, tiny: AutoencoderPreset) -> None:
    built = VideoGenerator.build(tiny_transformer, tiny, BuildRequest())
    assert built.schedule == SHIFTED
    assert torch.isfinite(built.generate(prompts(1), seeds=[1], **SIZE)).all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"seeds": [1]}, "1 seeds for 2 prompts"),
        ({"frames": 8}, "8 frames"),
        ({"width_px": 100}, "64x100 px"),
        ({"guidance": 3.0}, "guidance 3.0 needs negative"),
        ({"negative": prompts()}, "guidance 1.0 does not use negative"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_cannot_be_sampled_is_refused(options: dict[str, Any], message: str, generator: VideoGenerator) -> None:
    with pytest.raises(GridError, match=message):
        generator.sample(prompts(), **({"seeds": [1, 2]} | SIZE | options))


def test_another_familys_pipeline_is_refused(
    checkpoint: Path, tiny_transformer: TransformerPreset, tiny: AutoencoderPreset, rewrite: Callable[..., None]
) -> None:
    rewrite(checkpoint / "model_index.json", _class_name="LTX2Pipeline")
    request = BuildRequest(weights="pretrained", source=str(checkpoint))
    with pytest.raises(CheckpointError, match="is a 'LTX2Pipeline'; LTX-Video needs"):
        VideoGenerator.build(tiny_transformer, tiny, request)


def test_a_part_alone_cannot_generate(
    checkpoint: Path, tiny_transformer: TransformerPreset, tiny: AutoencoderPreset
) -> None:
    request = BuildRequest(weights="pretrained", source=str(checkpoint / "vae"))
    with pytest.raises(CheckpointError, match=r"scheduler_config\.json does not exist; generation needs a whole"):
        VideoGenerator.build(tiny_transformer, tiny, request)


def test_another_scheduler_is_refused(
    checkpoint: Path, tiny_transformer: TransformerPreset, tiny: AutoencoderPreset, rewrite: Callable[..., None]
) -> None:
    path = checkpoint / "scheduler" / "scheduler_config.json"
    rewrite(path, _class_name="DDIMScheduler")
    request = BuildRequest(weights="pretrained", source=str(checkpoint))
    with pytest.raises(CheckpointError, match="is a 'DDIMScheduler'"):
        VideoGenerator.build(tiny_transformer, tiny, request)
    path.write_text(json.dumps([]))
    with pytest.raises(CheckpointError, match="holds a list"):
        VideoGenerator.build(tiny_transformer, tiny, request)


FIRST = torch.rand(2, 3, 64, 96, generator=torch.Generator().manual_seed(9))


def test_a_clip_continues_the_first_frame_that_it_is_given(generator: VideoGenerator) -> None:
    found = generator.continue_from(FIRST, prompts(), frames=9, seeds=[1, 2], steps=4)
    assert found.shape == (2, 2, 2, 3, 128)
    given = generator.decoder.encode(FIRST[:, None])
    swapped = generator.continue_from(FIRST.flip(0), prompts(), frames=9, seeds=[1, 2], steps=4)
    # Near the frame's own latents, which the pipeline draws from the posterior, and nearer than to the other frame's.
    for index in (0, 1):
        own, other = ((found[index, 0] - latents[index, 0]).square().mean() for latents in (given, given.flip(0)))
        assert own < other
    assert not torch.allclose(found[:, 1], swapped[:, 1])


def test_the_first_frame_goes_through_the_librarys_pipeline_with_prompts_from_outside(
    generator: VideoGenerator, parts: dict[str, Any]
) -> None:
    found = generator.continue_from(FIRST, prompts(), frames=9, seeds=[5, 6], steps=3)
    library: Any = diffusers
    plain = library.FlowMatchEulerDiscreteScheduler(
        **(SHIFTED | {"use_dynamic_shifting": False, "shift_terminal": None})
    )
    pipeline: Any = library.LTXConditionPipeline(**(parts | {"scheduler": plain}), text_encoder=None, tokenizer=None)
    pipeline.set_progress_bar_config(disable=True)
    latents = pipeline(
        image=FIRST,
        prompt_embeds=prompts(),
        prompt_attention_mask=torch.ones(2, 6),
        guidance_scale=1.0,
        height=64,
        width=96,
        num_frames=9,
        num_inference_steps=3,
        generator=[torch.Generator().manual_seed(seed) for seed in (5, 6)],
        output_type="latent",
    ).frames
    torch.testing.assert_close(found, latents.permute(0, 2, 3, 4, 1))
    alone = generator.continue_from(FIRST[1:], prompts()[1:], frames=9, seeds=[6], steps=3)
    torch.testing.assert_close(alone[0], found[1], atol=1e-4, rtol=1e-4)


def test_first_frames_that_cannot_be_continued_are_refused(generator: VideoGenerator) -> None:
    with pytest.raises(GridError, match="2 first frames for 2 prompts and 1 seeds"):
        generator.continue_from(FIRST, prompts(), frames=9, seeds=[1])
    with pytest.raises(GridError, match="8 frames"):
        generator.continue_from(FIRST, prompts(), frames=8, seeds=[1, 2])
