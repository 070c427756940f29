"""The small transformer that is carried, and its training: places learned first, runs that go on."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers import LTXVideoTransformer3DModel
from foresight_harness import BuildRequest, DataRequest
from foresight_harness.parts.datasets.shapes import Shapes
from foresight_ltx_video import foresight_decoders
from foresight_ltx_video.conditioned import build_conditioned
from foresight_ltx_video.conditioning import flow_matching_loss, place_encoding
from foresight_ltx_video.nano.command import OUTPUT
from foresight_ltx_video.nano.flow import PLACE_WIDTH, FlowChoices, train_flow
from foresight_ltx_video.nano.flow_command import main, write_pipeline
from foresight_ltx_video.nano.scenes import THUMBNAIL_PX, Scenes, build_scenes, scene_prompts
from foresight_ltx_video.presets import NANO_CONDITIONED, NANO_TRANSFORMER
from torch.nn import functional as F


@pytest.fixture
def scenes() -> Scenes:
    generator = torch.Generator().manual_seed(0)
    latents = torch.randn(6, 1, 4, 4, 128, generator=generator)
    return Scenes(latents, torch.rand(2, 6, 3, THUMBNAIL_PX, THUMBNAIL_PX, generator=generator), {"noise": "0"})


def test_what_the_package_carries_is_what_training_wrote() -> None:
    record = json.loads((OUTPUT / "transformer_training.json").read_text(encoding="utf-8"))
    weights = OUTPUT / "transformer" / "diffusion_pytorch_model.safetensors"
    assert hashlib.sha256(weights.read_bytes()).hexdigest() == record["sha256"]
    assert record["steps"] == record["choices"]["steps"] == FlowChoices.steps
    assert "package:" not in json.dumps(record)


def test_with_the_weights_that_are_carried_prompts_matter_and_their_places_do() -> None:
    """Flow-matching error of 8 test pictures at pure noise: told right, told turned by half, told nothing."""
    (spec,) = [spec for spec in foresight_decoders() if spec.name == NANO_CONDITIONED.name]
    decoder: Any = spec.build(BuildRequest(weights="nano"))
    shapes = Shapes(DataRequest("test", 8, seed=3, canvas_px=128))
    clips = torch.stack([shapes[index].clip for index in range(8)])
    small = F.interpolate(clips[:, 0], (THUMBNAIL_PX, THUMBNAIL_PX), mode="area")
    right, turned = (scene_prompts(picture, 16, 128) for picture in (small, small.flip(-1, -2)))
    with torch.inference_mode():
        latents = decoder.encode(clips)
        noise = torch.randn(latents.shape, generator=torch.Generator().manual_seed(0))
        errors = [
            float(
                flow_matching_loss(
                    decoder.generator.transformer, latents, prompts, sigmas=torch.ones(8), noise=noise
                ).mean()
            )
            for prompts in (right, turned, torch.zeros(8, 1, 128))
        ]
    assert errors[0] < 0.7 * errors[1]
    assert errors[0] < 0.7 * errors[2]


def test_pictures_come_with_normalised_latents_and_their_parts_in_one_colour() -> None:
    found = build_scenes(0, share=0.002)
    assert found.latents.shape == (10, 1, 4, 4, 128)
    assert found.pictures.shape == (2, 10, 3, THUMBNAIL_PX, THUMBNAIL_PX)
    assert set(found.fingerprints) == {"shapes", "photos", "digits"}
    as_it_is, flat = found.pictures[:, :6]
    assert float(flat.diff(dim=-1).abs().median()) < 0.1 * float(as_it_is.diff(dim=-1).abs().median())
    assert torch.equal(found.pictures[0, 6:8], found.pictures[1, 6:8])  # photos: nothing is known of objects


def test_a_token_says_the_colours_of_its_quarters_and_its_place() -> None:
    pictures = torch.full((2, 3, THUMBNAIL_PX, THUMBNAIL_PX), 0.5)
    pictures[1, 0, :4, :4] = 1.0  # red in the first quarter of the first of 4 x 4 cells
    tokens = scene_prompts(pictures, 4, 24)
    places = place_encoding(1, 4, 4, 24).flatten(0, 2)
    torch.testing.assert_close(tokens[0], places)
    changed = (tokens[1] - places).norm(dim=-1)
    assert changed[0] == pytest.approx((24 / 12) ** 0.5, rel=1e-4)
    torch.testing.assert_close(changed[1:], torch.zeros(15), atol=1e-5, rtol=0)


def _run(scenes: Scenes, folder: Path, say: Any = lambda line: None) -> dict[str, torch.Tensor]:
    choices = FlowChoices(steps=4, batch=2, place_steps=2)
    transformer, _ = train_flow(choices, scenes, folder, save_every_s=0, say=say)
    return dict(transformer.state_dict())


def test_an_interrupted_run_ends_where_an_uninterrupted_one_does(scenes: Scenes, tmp_path: Path) -> None:
    whole = _run(scenes, tmp_path / "whole")

    def stop(line: str) -> None:
        if line.startswith("step 3/"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        _run(scenes, tmp_path / "parts", stop)
    resumed = _run(scenes, tmp_path / "parts")
    for name, tensor in whole.items():
        torch.testing.assert_close(resumed[name], tensor, msg=name)


def test_tokens_learn_where_they_stand_from_the_borders(scenes: Scenes, tmp_path: Path) -> None:
    choices = FlowChoices(steps=120, batch=16, rate=4e-3, warm_up=10, place_steps=120)
    _, progress = train_flow(choices, scenes, tmp_path, save_every_s=1e9, say=lambda line: None)
    variance = float(place_encoding(1, 4, 4, PLACE_WIDTH).flatten(0, 2).var(dim=0).mean())
    assert sum(progress.losses[-10:]) / 10 < 0.5 * variance


def test_a_pipeline_folder_that_training_wrote_is_read_as_one_and_draws(tmp_path: Path) -> None:
    transformer = LTXVideoTransformer3DModel(**NANO_TRANSFORMER.config)
    digest = write_pipeline(transformer, tmp_path / "checkpoint")
    weights = tmp_path / "checkpoint" / "transformer" / "diffusion_pytorch_model.safetensors"
    assert digest == hashlib.sha256(weights.read_bytes()).hexdigest()
    decoder = build_conditioned(NANO_CONDITIONED, BuildRequest(weights="nano", source=str(tmp_path / "checkpoint")))
    latents = decoder.sample(torch.zeros(1, 1, 128), (1, 2, 2), [0])
    assert decoder.decode(latents).shape == (1, 1, 3, 64, 64)


def test_the_command_says_in_one_line_what_it_was_asked_wrongly(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--steps", "many"])
    assert "invalid int value: 'many'" in capsys.readouterr().err
