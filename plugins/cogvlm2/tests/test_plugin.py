"""What the plugin offers."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch
from foresight_cogvlm2 import foresight_encoders
from foresight_harness import BuildRequest, EncoderSpec, UsageError


def test_importing_the_plugin_and_asking_for_its_specs_imports_no_torch() -> None:
    code = (
        "import sys, foresight_cogvlm2 as plugin; assert len(list(plugin.foresight_encoders())) == 4; "
        "print(sorted({'torch', 'transformers', 'numpy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_both_published_models_are_on_offer_with_their_hub_ids() -> None:
    offered = {spec.name: spec.repo for spec in foresight_encoders() if spec.size == "published"}
    assert offered == {
        "cogvlm2_video": "THUDM/cogvlm2-video-llama3-chat",
        "cogvlm2_chat_19b": "THUDM/cogvlm2-llama3-chat-19B",
    }


def test_the_chat_model_has_63_blocks_and_reads_1344_px() -> None:
    spec = {spec.name: spec for spec in foresight_encoders()}["cogvlm2_chat_19b"]
    taps = [tap.name for tap in spec.taps]
    assert taps[:2] == ["patch_embed", "block.00"]
    assert taps[63:67] == ["block.62", "pre_conv", "post_conv", "vision_out"]
    assert taps[67:] == [f"llm.{depth:02d}" for depth in range(1, 33)]
    assert spec.input_px // spec.tap("pre_conv").stride_px == 96
    assert spec.input_px // spec.tap("vision_out").stride_px == 48
    assert [spec.tap(name).width for name in ("post_conv", "vision_out", "llm.07")] == [1792, 4096, 4096]


def test_only_the_chat_model_has_visual_experts() -> None:
    found = {spec.name: spec.config["text"]["visual_experts"] for spec in foresight_encoders()}
    assert found == {
        "cogvlm2_tiny": True,
        "cogvlm2_video_tiny": False,
        "cogvlm2_video": False,
        "cogvlm2_chat_19b": True,
    }


def test_an_unknown_tap_is_refused_with_the_nearest_names(offer: EncoderSpec) -> None:
    with pytest.raises(UsageError, match=r"no tap 'block\.99'; nearest: block\.0\d, "):
        offer.build(BuildRequest()).encode(torch.zeros(1, 1, 3, 32, 32), ["block.99"])


def test_a_tiny_encoder_offers_random_weights_only_so_that_a_run_of_pretrained_ones_falls_back() -> None:
    offered = {spec.size: spec.weights for spec in foresight_encoders()}
    assert offered == {"tiny": ("random",), "published": ("random", "pretrained")}


def test_nano_weights_are_refused(offer: EncoderSpec) -> None:
    with pytest.raises(UsageError, match="no nano weights"):
        offer.build(BuildRequest(weights="nano"))


def test_flash_attention_is_refused(offer: EncoderSpec) -> None:
    with pytest.raises(UsageError, match="flash_attention_2: this architecture does not support it"):
        offer.build(BuildRequest(attention="flash_attention_2"))


def test_a_side_that_gives_no_whole_groups_is_refused_with_one_that_does(offer: EncoderSpec) -> None:
    with pytest.raises(UsageError, match=r"input_px=230 .* multiple of 28, such as 224"):
        offer.build(BuildRequest(input_px=230))


def test_a_model_beyond_the_memory_is_refused_before_anything_is_allocated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("foresight_harness.parts.weights.preflight._free_bytes", lambda device: 2**30)
    spec = {spec.name: spec for spec in foresight_encoders()}["cogvlm2_chat_19b"]
    with pytest.raises(UsageError, match=r"cogvlm2_chat_19b \(vision\) needs 16\.7 GiB"):
        spec.build(BuildRequest())


def test_language_layers_that_do_not_fit_beside_the_vision_side_are_refused_before_it_is_allocated(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from foresight_cogvlm2 import encoder

    monkeypatch.setattr("foresight_harness.parts.weights.preflight._free_bytes", lambda device: 20 * 2**30)
    monkeypatch.setattr(encoder, "materialise", lambda *given: pytest.fail("the vision side was allocated"))
    spec = {spec.name: spec for spec in foresight_encoders()}["cogvlm2_chat_19b"]
    with pytest.raises(UsageError, match=r"19b \(vision and language model, 14 layers\) needs \d+\.\d GiB"):
        spec.build(BuildRequest(taps=("patch_embed", "llm.14")))
