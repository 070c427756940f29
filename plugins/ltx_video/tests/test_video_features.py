"""FVD's network: the real class from a folder in the published layout that the test makes; nothing else is read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from foresight_harness.contracts.errors import CheckpointError
from foresight_harness.parts.metrics.frechet import frechet_distance
from foresight_ltx_video import foresight_metrics
from foresight_ltx_video.presets import FVD_VARIABLE
from foresight_ltx_video.video_features import build_features
from transformers import VideoMAEConfig, VideoMAEForVideoClassification

SMALL = {
    "hidden_size": 24,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 48,
    "image_size": 32,
    "num_frames": 4,
    "num_labels": 5,
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        model = VideoMAEForVideoClassification(VideoMAEConfig(**SMALL))
        for parameter in model.parameters():
            parameter.data.add_(0.02 * torch.randn_like(parameter))
    model.save_pretrained(tmp_path / "videomae")
    return tmp_path / "videomae"


def clips(count: int = 6, frames: int = 9, seed: int = 0) -> torch.Tensor:
    return torch.rand(count, frames, 3, 48, 48, generator=torch.Generator().manual_seed(seed))


def test_features_are_what_the_librarys_classifier_is_given(folder: Path) -> None:
    features = build_features(str(folder))
    found = features(clips())
    assert found.shape == (6, 24)
    assert found.dtype == torch.float64
    model = VideoMAEForVideoClassification.from_pretrained(folder).eval()
    pictures = torch.nn.functional.interpolate(
        clips()[:, [0, 3, 5, 8]].flatten(0, 1), (32, 32), mode="bilinear", antialias=True, align_corners=False
    )
    mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    shown = ((pictures - mean.view(3, 1, 1)) / std.view(3, 1, 1)).reshape(6, 4, 3, 32, 32)
    with torch.no_grad():
        logits = model(pixel_values=shown).logits
        again = torch.nn.functional.linear(found.float(), model.classifier.weight, model.classifier.bias)
    torch.testing.assert_close(again, logits, atol=1e-5, rtol=1e-5)


def test_a_clips_features_do_not_depend_on_its_neighbours_and_damage_is_farther(folder: Path) -> None:
    features = build_features(str(folder))
    together = features(clips())
    torch.testing.assert_close(features(clips()[5:]), together[5:], atol=1e-5, rtol=1e-5)
    noise = torch.randn(clips().shape, generator=torch.Generator().manual_seed(1))
    mild, strong = (frechet_distance(features((clips() + s * noise).clamp(0, 1)), together) for s in (0.05, 0.5))
    assert 0 <= mild < strong


def test_the_folders_own_normalisation_wins(folder: Path) -> None:
    before = build_features(str(folder))(clips(2))
    (folder / "preprocessor_config.json").write_text(json.dumps({"image_mean": [0.5] * 3, "image_std": [0.5] * 3}))
    assert not torch.allclose(build_features(str(folder))(clips(2)), before)
    (folder / "preprocessor_config.json").write_text(json.dumps({"image_std": [0.5, 0.0, 0.5]}))
    with pytest.raises(CheckpointError, match="deviations above 0"):
        build_features(str(folder))


def test_the_metric_is_offered_only_where_a_folder_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(FVD_VARIABLE, raising=False)
    assert list(foresight_metrics()) == []
    monkeypatch.setenv(FVD_VARIABLE, str(folder))
    (spec,) = foresight_metrics()
    assert (spec.name, spec.compares, spec.direction, spec.gateable) == (
        "fvd_videomae",
        "distributions",
        "lower",
        False,
    )
    facts = spec.build().facts()  # type: ignore[attr-defined]
    assert len(facts["sha256"]) == 64
    assert (facts["kind"], facts["frames"], facts["input_px"]) == ("pretrained", 4, 32)


def test_folders_that_hold_something_else_are_refused_in_one_line(folder: Path, tmp_path: Path) -> None:
    def refused(message: str, where: Path = folder) -> None:
        with pytest.raises(CheckpointError, match=message) as caught:
            build_features(str(where))
        assert "\n" not in str(caught.value)

    refused("is no folder", tmp_path / "absent")
    weights, config = folder / "model.safetensors", folder / "config.json"
    content, told = weights.read_bytes(), config.read_text()
    for fields, message in (
        ({"model_type": "vit"}, "is a 'vit' checkpoint"),
        ({"architectures": ["VideoMAEForPreTraining"]}, "is a VideoMAEForPreTraining"),
        ({"hidden_size": 48}, "does not fit the model"),
        ({"num_hidden_layers": 3}, "missing"),
    ):
        config.write_text(json.dumps(json.loads(told) | fields))
        refused(message)
    config.write_text(told)
    weights.write_bytes(content[:-100])
    refused("is damaged")
    weights.unlink()
    (folder / "pytorch_model.bin").write_bytes(b"pickle")
    refused("pickle")
