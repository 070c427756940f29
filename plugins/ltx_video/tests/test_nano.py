"""The trained small autoencoder: what it is, what its round trip keeps, and that its training can be gone on with."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import foresight_ltx_video
import pytest
import torch
from diffusers import AutoencoderKLLTXVideo
from foresight_harness import BuildRequest, DataRequest
from foresight_harness.contracts.errors import CheckpointError, UsageError
from foresight_harness.parts.datasets.shapes import Shapes
from foresight_harness.parts.metrics.pixels import psnr
from foresight_harness.parts.metrics.segments import object_iou
from foresight_harness.weights import provenance_of
from foresight_ltx_video import foresight_decoders
from foresight_ltx_video.decoder import LTXVideoDecoder
from foresight_ltx_video.nano.command import main
from foresight_ltx_video.nano.loop import Choices
from foresight_ltx_video.nano.principal import balanced_turn, principal_basis
from foresight_ltx_video.nano.sampler import Pool
from foresight_ltx_video.nano.still import cheap_stills
from foresight_ltx_video.nano.training import train

FOLDER = Path(foresight_ltx_video.__file__).parent / "weights" / "ltx_video_nano"
SPEC = {spec.name: spec for spec in foresight_decoders()}["ltx_video_nano"]


@pytest.fixture(scope="module")
def nano() -> LTXVideoDecoder:
    return SPEC.build(BuildRequest(weights="nano"))  # type: ignore[return-value]


@pytest.fixture
def pool() -> Pool:
    generator = torch.Generator().manual_seed(0)
    noise = torch.nn.functional.interpolate(torch.rand(6, 3, 8, 8, generator=generator), size=(64, 64), mode="bilinear")
    stills = (noise * 255).to(torch.uint8)
    return Pool(stills, stills[:2].unsqueeze(1).repeat(1, 9, 1, 1, 1), {"noise": "0"})


def test_it_is_the_real_class_with_statistics_of_its_own_and_nano_provenance(nano: LTXVideoDecoder) -> None:
    assert type(nano.vae) is AutoencoderKLLTXVideo
    assert nano.facts()["latent_statistics"] == "checkpoint"
    found = provenance_of(SPEC.name, SPEC.config, BuildRequest(weights="nano"), repo=SPEC.repo, subfolder="vae")
    assert found.kind == "nano"
    assert str(FOLDER.parent) not in json.dumps(found.as_json())


def test_its_round_trip_keeps_pictures_and_places_of_objects(nano: LTXVideoDecoder) -> None:
    held = Shapes(DataRequest("test", 16, 0, canvas_px=128))
    samples = [held[index] for index in range(16)]
    target = torch.stack([sample.clip for sample in samples])
    with torch.inference_mode():
        output = nano.decode(nano.encode(target))
    assert float(psnr(output, target).mean()) >= 22
    assert float(object_iou(output, target, [sample.masks for sample in samples]).mean()) >= 0.75


def test_the_record_is_of_these_weights_and_meets_what_was_promised() -> None:
    record = json.loads((FOLDER / "training.json").read_text())
    weights = (FOLDER / "vae" / "diffusion_pytorch_model.safetensors").read_bytes()
    assert record["sha256"] == hashlib.sha256(weights).hexdigest()
    assert record["split"] == "train"
    scores = json.loads((FOLDER / "round_trip.json").read_text())["shapes"]
    assert scores["psnr"]["mean"] >= 22
    assert scores["decoded_iou"]["mean"] >= 0.8


def test_cheap_stills_give_what_the_class_gives(nano: LTXVideoDecoder) -> None:
    clips = torch.rand(1, 3, 1, 64, 64, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        usual = nano.vae.decode(nano.vae.encode(clips).latent_dist.mode()).sample
        with cheap_stills(nano.vae):
            cheap = nano.vae.decode(nano.vae.encode(clips).latent_dist.mode()).sample
    torch.testing.assert_close(cheap, usual, atol=1e-4, rtol=1e-4)
    assert "forward" not in vars(nano.vae.encoder.conv_in)


def test_components_are_those_of_a_singular_value_decomposition() -> None:
    pictures = torch.rand(40, 3, 16, 16, generator=torch.Generator().manual_seed(1)) * 2 - 1
    basis = principal_basis(pictures, 4, 5)
    every = torch.cat([pictures, pictures.flip(-1), pictures.flip(-2)])
    patches = torch.nn.functional.pixel_unshuffle(every, 4).permute(0, 2, 3, 1).flatten(0, 2)
    right = torch.linalg.svd((patches - patches.mean(0)).double(), full_matrices=False)[2][:5].float()
    torch.testing.assert_close((right @ basis.components).abs(), torch.eye(5), atol=1e-3, rtol=0)


def test_balanced_codes_add_up_to_zero_and_keep_lengths() -> None:
    turn = balanced_turn(9, 8, torch.Generator().manual_seed(0))
    torch.testing.assert_close(turn.sum(0), torch.zeros(8), atol=1e-5, rtol=0)
    torch.testing.assert_close(turn.T @ turn, torch.eye(8), atol=1e-5, rtol=0)
    with pytest.raises(ValueError, match="9 codes in 9 channels"):
        balanced_turn(9, 9, torch.Generator())


def run(choices: Choices, pool: Pool, folder: Path, **rest: Any) -> dict[str, torch.Tensor]:
    vae, _ = train(choices, pool, folder, save_every_s=0, say=rest.get("say", lambda line: None))
    return dict(vae.state_dict())


@pytest.mark.slow
def test_an_interrupted_run_ends_where_an_uninterrupted_one_does(pool: Pool, tmp_path: Path) -> None:
    choices = Choices(steps=4, batch=2)
    whole = run(choices, pool, tmp_path / "whole")

    def stop(line: str) -> None:
        if line.startswith("step 2/"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(choices, pool, tmp_path / "parts", say=stop)
    resumed = run(choices, pool, tmp_path / "parts")
    for name, tensor in whole.items():
        torch.testing.assert_close(resumed[name], tensor, msg=name)
    with pytest.raises(UsageError, match="begun with other choices"):
        run(Choices(steps=4, batch=2, seed=1), pool, tmp_path / "whole")
    (tmp_path / "whole" / "training.safetensors").write_bytes(b"damaged")
    with pytest.raises(CheckpointError, match="cannot be gone on from"):
        run(choices, pool, tmp_path / "whole")


def test_the_command_says_in_one_line_what_it_was_asked_wrongly(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--steps", "many"])
    assert "invalid int value: 'many'" in capsys.readouterr().err


def test_the_command_as_it_stands_makes_the_committed_weights_record() -> None:
    """Whoever runs it without options gets the choices that the committed training was run with."""
    record = json.loads((FOLDER / "training.json").read_text())
    assert record["choices"] == vars(Choices())
