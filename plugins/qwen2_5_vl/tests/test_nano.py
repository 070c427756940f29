"""The trained twins: what they are, where their weights come from, and that their training can be gone on with."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import foresight_qwen2_5_vl
import pytest
import torch
from foresight_harness import BuildRequest
from foresight_harness.parts.training import resumable
from foresight_harness.weights import provenance_of
from foresight_qwen2_5_vl import spec_of
from foresight_qwen2_5_vl.cheap_stills import cheap_stills
from foresight_qwen2_5_vl.preprocessing import normalise, patchify
from foresight_qwen2_5_vl.presets import NANO
from foresight_qwen2_5_vl.train_nano import QwenFamily, main, positions_of
from foresight_vlm_kit.nano import loop

FOLDER = Path(foresight_qwen2_5_vl.__file__).parent / "weights"
SPECS = [spec_of(preset) for preset in NANO]
TRIAL = ["--share", "0.001", "--close-steps", "2", "--kinds-steps", "2", "--whole-steps", "2", "--save-every", "0"]


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("pictures")


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.name)
def test_weights_are_carried_small_and_their_origin_is_nano(spec: Any) -> None:
    found = provenance_of(spec.name, spec.config, BuildRequest(weights="nano"), repo=spec.repo)
    assert found.kind == "nano"
    assert str(FOLDER) not in json.dumps(found.as_json())
    assert (FOLDER / spec.name / "model.safetensors").stat().st_size < 1_500_000


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.name)
def test_the_record_is_of_these_weights(spec: Any) -> None:
    record = json.loads((FOLDER / spec.name / "training.json").read_text())
    weights = (FOLDER / spec.name / "model.safetensors").read_bytes()
    assert record["sha256"] == hashlib.sha256(weights).hexdigest()
    assert record["choices"] == vars(loop.Choices(spec.name.rpartition("_")[2], 0))
    assert record["steps"] == loop.Choices("what").steps
    assert record["start"] == "seed 0"


def test_twins_share_a_start_that_is_the_random_weights_of_their_seed() -> None:
    clip = torch.rand(2, 1, 3, 224, 224, generator=torch.Generator().manual_seed(0))
    taps = ["pre_merge", "llm.04"]
    first, last = (spec.build(BuildRequest(weights="random")).encode(clip, taps) for spec in (SPECS[0], SPECS[-1]))
    own = QwenFamily().start(0)
    with torch.no_grad():
        patches, grid = patchify(clip, patch=14, merge=2, slot_frames=1)
        with cheap_stills(own.model.visual):
            merged = own.model.visual(normalise(patches), grid_thw=torch.tensor([grid] * 2)).pooler_output
    expected = SPECS[1].build(BuildRequest(weights="random")).encode(clip, ["post_merge"])["post_merge"].tokens
    torch.testing.assert_close(merged, expected.reshape(merged.shape), atol=1e-4, rtol=1e-4)
    for tap in taps:
        assert torch.equal(first[tap].tokens, last[tap].tokens)


def test_cheap_stills_leave_the_class_as_it_was() -> None:
    model: Any = QwenFamily().start(1)
    with cheap_stills(model.model.visual):
        assert "forward" in vars(model.model.visual.patch_embed)
    assert not any("forward" in vars(module) for module in model.modules())


def test_scores_and_slopes_of_training_are_those_of_the_class_itself() -> None:
    family, source = QwenFamily(), torch.Generator().manual_seed(0)
    model: Any = family.start(0).requires_grad_(True)
    pixels, words = torch.rand(2, 3, 224, 224, generator=source), torch.randint(16, 60, (2, 5), generator=source)
    ids = torch.cat([torch.tensor([252, *[250] * 64, 253]).expand(2, -1), words[:, :-1]], dim=1)
    patches, grid = patchify(pixels.unsqueeze(1), patch=14, merge=2, slot_frames=2)
    own = model(
        input_ids=ids,
        pixel_values=normalise(patches),
        image_grid_thw=torch.tensor([grid] * 2),
        mm_token_type_ids=(ids == 250).int(),
    ).logits[:, 65:]
    read = family.read(model, pixels, words)
    torch.testing.assert_close(read, own, atol=1e-4, rtol=1e-4)
    parameters = [model.model.visual.blocks[0].attn.qkv.weight, model.model.visual.blocks[1].norm1.weight]
    slopes = (torch.autograd.grad(each.square().mean(), parameters) for each in (read, own))
    for slope, expected in zip(*slopes, strict=True):
        torch.testing.assert_close(slope, expected, atol=1e-6, rtol=1e-3)


def test_a_close_ups_tokens_keep_the_places_of_their_cells_in_the_whole_picture() -> None:
    whole = positions_of(1, (8, 8), 5, None, 1)
    close = positions_of(1, (4, 4), 5, torch.tensor([[1, 3]]), 1)
    cells = whole[:, 0, 1:65].view(3, 8, 8)[:, 1:5, 3:7].flatten(1)
    assert torch.equal(close[:, 0, 1:17], cells)
    assert torch.equal(close[..., 17:], whole[..., 65:])
    assert torch.equal(close[..., :1], whole[..., :1])


@pytest.mark.slow
def test_a_killed_training_ends_with_the_digest_of_an_undisturbed_one(
    tmp_path: Path, pictures: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def train(name: str, *more: str) -> int:
        return main(["--objective", "where", "-o", str(tmp_path / name), "--pictures", str(pictures), *TRIAL, *more])

    assert train("whole") == 0
    real, calls = loop.loss_at, []

    def killed(*arguments: Any) -> Any:
        calls.append(arguments)
        if len(calls) == 4:
            raise KeyboardInterrupt
        return real(*arguments)

    monkeypatch.setattr(loop, "loss_at", killed)
    with pytest.raises(KeyboardInterrupt):
        train("parts")
    monkeypatch.setattr(loop, "loss_at", real)
    assert train("parts") == 0
    digests = [json.loads((tmp_path / name / "training.json").read_text())["sha256"] for name in ("whole", "parts")]
    assert digests[0] == digests[1]
    assert train("parts", "--seed", "1") == 2
    assert "begun with other choices" in capsys.readouterr().err
    (tmp_path / "parts" / "work" / resumable.FILE).write_bytes(b"damaged")
    assert train("parts") == 2
    assert "cannot be gone on from" in capsys.readouterr().err
    encoder = SPECS[1].build(BuildRequest(weights="nano", source=str(tmp_path / "whole")))
    assert encoder.encode(torch.rand(1, 1, 3, 128, 128), ["llm.04"])["llm.04"].tokens.shape == (1, 1, 8, 8, 64)
