"""The encoder that was trained without labels: its origin, its start, and what training hides from it."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import foresight_dinov2
import pytest
import torch
from foresight_dinov2 import train_nano
from foresight_dinov2.nano.choices import Choices
from foresight_dinov2.nano.masked import HIDDEN_SHARE, MaskedAutoencoder, patches_of, random_order
from foresight_dinov2.nano.pictures import build_pool
from foresight_dinov2.presets import NANO
from foresight_dinov2.specs import encoder_spec
from foresight_harness import BuildRequest, CheckpointError, UsageError
from foresight_harness.parts.training import resumable
from foresight_harness.weights import provenance_of

FOLDER = Path(foresight_dinov2.__file__).parent / "weights" / NANO.name
SPEC = encoder_spec(NANO)
CLIPS = torch.rand(1, 1, 3, 128, 128, generator=torch.Generator().manual_seed(3))


def test_weights_are_carried_small_and_the_record_is_of_them() -> None:
    found = provenance_of(SPEC.name, SPEC.config, BuildRequest(weights="nano"), repo=SPEC.repo)
    assert found.kind == "nano"
    assert (FOLDER / train_nano.WEIGHTS).stat().st_size < 1_000_000
    record = json.loads((FOLDER / "training.json").read_text(encoding="utf-8"))
    assert record["sha256"] == hashlib.sha256((FOLDER / train_nano.WEIGHTS).read_bytes()).hexdigest()
    assert record["choices"] == vars(Choices())
    assert (record["start"], record["steps"]) == ("seed 0", Choices.steps)


def test_training_starts_at_the_random_weights_of_its_seed_and_ends_elsewhere() -> None:
    features = {
        kind: SPEC.build(BuildRequest(weights=kind)).encode(CLIPS, ["last"])["last"].tokens  # type: ignore[arg-type]
        for kind in ("random", "nano")
    }
    assert not torch.allclose(features["random"], features["nano"], atol=0.1)
    twin = encoder_spec(NANO).build(BuildRequest(seed=5))
    own = train_nano.start(5).state_dict()
    assert torch.equal(twin._norm.weight, own["layernorm.weight"])  # type: ignore[attr-defined]
    built = twin._blocks[3].mlp.fc1.weight  # type: ignore[attr-defined]
    assert torch.equal(built, own["encoder.layer.3.mlp.fc1.weight"])


def test_other_kinds_of_weights_are_refused_with_those_on_offer() -> None:
    with pytest.raises(UsageError, match="pretrained weights are not on offer; use random or nano"):
        SPEC.build(BuildRequest(weights="pretrained"))


def test_hidden_patches_are_painted_from_the_others_alone() -> None:
    torch.manual_seed(0)
    model = MaskedAutoencoder(train_nano.start(0), NANO.width, NANO.heads, 16).eval()
    pixels, order = torch.randn(2, 3, 224, 224), random_order(torch.Generator().manual_seed(0), 2, 256)
    hidden = round(HIDDEN_SHARE * 256)
    assert torch.equal(order.sort(dim=1).values, torch.arange(256).expand(2, -1))
    changed = pixels.clone()
    for picture, places in enumerate(order[:, -hidden:]):
        for place in places.tolist():
            row, col = divmod(place, 16)
            changed[picture, :, row * 14 : row * 14 + 14, col * 14 : col * 14 + 14] = 0
    painted = model.painted(pixels, order)
    assert painted.shape == (2, hidden, 588)
    torch.testing.assert_close(model.painted(changed, order), painted, atol=1e-5, rtol=1e-4)
    assert not torch.allclose(model.painted(pixels.flip(3), order), painted, atol=1e-2)
    assert patches_of(changed).eq(0).all(dim=2).sum().item() == 2 * hidden
    torch.testing.assert_close(model(changed, order), painted.square().mean())


def test_pictures_are_drawn_from_every_source_in_all_symmetries() -> None:
    pool = build_pool(0.005)
    assert set(pool.fingerprints) == {"shapes", "kinds", "photos", "digits"}
    assert pool.pixels.shape[1:] == (3, 128, 128)
    single = type(pool)(pool.pixels[:1], {})
    drawn = {single.draw(torch.Generator().manual_seed(seed), 1).numpy().tobytes() for seed in range(60)}
    assert len(drawn) == 8


@pytest.mark.slow
def test_a_killed_training_ends_with_the_digest_of_an_undisturbed_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def train(name: str, *more: str) -> int:
        asked = ["-o", str(tmp_path / name), "--share", "0.005", "--steps", "4", "--save-every", "0", *more]
        return train_nano.main(asked)

    assert train("whole") == 0
    real, calls = train_nano.random_order, []

    def killed(*arguments: Any) -> Any:
        calls.append(arguments)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return real(*arguments)

    monkeypatch.setattr(train_nano, "random_order", killed)
    with pytest.raises(KeyboardInterrupt):
        train("parts")
    monkeypatch.setattr(train_nano, "random_order", real)
    assert train("parts") == 0
    digests = [json.loads((tmp_path / name / "training.json").read_text())["sha256"] for name in ("whole", "parts")]
    assert digests[0] == digests[1]
    assert train("parts", "--seed", "1") == 2
    assert "begun with other choices" in capsys.readouterr().err
    (tmp_path / "parts" / "work" / resumable.FILE).write_bytes(b"damaged")
    assert train("parts") == 2
    assert "cannot be gone on from" in capsys.readouterr().err
    encoder = SPEC.build(BuildRequest(weights="nano", source=str(tmp_path / "whole")))
    assert encoder.encode(CLIPS, ["last"])["last"].tokens.isfinite().all()
    with pytest.raises(CheckpointError):
        SPEC.build(BuildRequest(weights="nano", source=str(tmp_path / "nowhere")))
