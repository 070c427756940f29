"""Features equal those that timm's own forward pass computes."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from foresight_harness import BuildRequest, UsageError
from foresight_timm.building import random_model
from foresight_timm.encoder import TimmEncoder
from foresight_timm.preprocessing import preprocess
from foresight_timm.presets import Preset, encoder_spec

ByName = Callable[[str], Preset]
CLIPS = torch.rand(1, 1, 3, 90, 130, generator=torch.Generator().manual_seed(2))


@pytest.mark.parametrize("name", ["siglip_tiny", "mae_tiny", "sam_tiny"])
def test_the_final_tap_is_what_timm_computes(name: str, preset: ByName) -> None:
    config = preset(name)
    model = random_model(config, config.input_px, seed=0).eval()
    pixels = preprocess(CLIPS[:, 0], config.input_px, config.colours, config.interpolation, torch.float32)
    with torch.no_grad():
        features = model.forward_features(pixels)
    if config.final == "neck":
        expected = features[0].permute(1, 2, 0)
    else:
        cells = config.input_px // config.patch_px
        expected = features[0, model.num_prefix_tokens :].reshape(cells, cells, -1)
    encoder = TimmEncoder(model, config, side_px=config.input_px, facts={})
    assert config.final is not None
    assert torch.allclose(encoder.encode(CLIPS, [config.final])[config.final].tokens[0, 0], expected, atol=1e-5)


def test_taps_may_be_asked_for_in_any_order(preset: ByName) -> None:
    encoder = encoder_spec(preset("mae_tiny")).build(BuildRequest())
    taps = ["last", "block.02", "patch_embed", "block.00"]
    together = encoder.encode(CLIPS, taps)
    assert list(together) == taps
    for tap in taps:
        assert torch.equal(together[tap].tokens, encoder.encode(CLIPS, [tap])[tap].tokens)


def test_another_side_gives_another_grid(preset: ByName) -> None:
    encoder = encoder_spec(preset("siglip_tiny")).build(BuildRequest(input_px=120))
    assert encoder.encode(CLIPS, ["last"])["last"].tokens.shape == (1, 1, 8, 8, 64)


def test_sam_refuses_another_side(preset: ByName) -> None:
    with pytest.raises(UsageError, match="sam_tiny reads 256 px only, 512 px were asked for"):
        encoder_spec(preset("sam_tiny")).build(BuildRequest(input_px=512))


def test_a_side_under_one_patch_is_refused(preset: ByName) -> None:
    with pytest.raises(UsageError, match="less than one patch"):
        encoder_spec(preset("mae_tiny")).build(BuildRequest(input_px=15))


def test_flash_attention_is_refused(preset: ByName) -> None:
    with pytest.raises(UsageError, match="does not support it"):
        encoder_spec(preset("mae_tiny")).build(BuildRequest(attention="flash_attention_2"))


def test_a_model_that_memory_cannot_hold_is_refused(preset: ByName, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("foresight_harness.parts.weights.preflight._free_bytes", lambda device: 2**30)
    with pytest.raises(UsageError, match=r"sam_h needs 2.4 GiB"):
        encoder_spec(preset("sam_h")).build(BuildRequest())


@pytest.mark.parametrize("name", ["mae_tiny", "sam_tiny", "siglip_tiny", "eva02_tiny"])
def test_a_random_encoder_sees_where_a_patch_is(name: str, preset: ByName) -> None:
    spec = encoder_spec(preset(name))
    tokens = spec.build(BuildRequest()).encode(torch.full((1, 1, 3, 64, 64), 0.5), [spec.default_tap])
    features = tokens[spec.default_tap].tokens
    assert features.std(dim=(2, 3)).mean() / features.std() > 0.2
