"""What the plugin offers."""

from __future__ import annotations

import subprocess
import sys

import pytest
from foresight_harness import BuildRequest, EncoderSpec, UsageError
from foresight_internvl2 import foresight_encoders


def test_importing_the_plugin_and_asking_for_its_specs_imports_neither_torch_nor_transformers() -> None:
    code = (
        "import sys, foresight_internvl2 as plugin; assert len(list(plugin.foresight_encoders())) == 6; "
        "print(sorted({'torch', 'transformers', 'numpy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_every_published_size_is_on_offer_with_its_hub_id() -> None:
    offered = {spec.name: spec.repo for spec in foresight_encoders()}
    assert offered == {
        "internvl2_tiny": None,
        "internvl2_1b": "OpenGVLab/InternVL2-1B",
        "internvl2_2b": "OpenGVLab/InternVL2-2B",
        "internvl2_8b": "OpenGVLab/InternVL2-8B",
        "internvl2_26b": "OpenGVLab/InternVL2-26B",
        "internvl2_40b": "OpenGVLab/InternVL2-40B",
    }


def test_the_8b_model_has_the_300m_tower_and_32_layers() -> None:
    spec = {spec.name: spec for spec in foresight_encoders()}["internvl2_8b"]
    taps = [tap.name for tap in spec.taps]
    assert taps[0] == "patch_embed"
    assert taps[1:25] == [f"block.{index:02d}" for index in range(24)]
    assert taps[25:27] == ["pre_shuffle", "post_projector"]
    assert taps[27:] == [f"llm.{depth:02d}" for depth in range(1, 33)]
    assert (spec.tap("pre_shuffle").width, spec.tap("pre_shuffle").stride_px) == (1024, 14)
    assert (spec.tap("llm.14").width, spec.tap("llm.14").stride_px) == (4096, 28)
    assert not any(tap.normed for tap in spec.taps)


def test_an_unknown_tap_is_refused_with_the_nearest_names(spec: EncoderSpec) -> None:
    import torch

    with pytest.raises(UsageError, match=r"no tap 'block\.99'; nearest: block\.0\d, "):
        spec.build(BuildRequest()).encode(torch.zeros(1, 1, 3, 32, 32), ["block.99"])


def test_a_tiny_encoder_offers_random_weights_only_so_that_a_run_of_pretrained_ones_falls_back() -> None:
    offered = {spec.size: spec.weights for spec in foresight_encoders()}
    assert offered == {"tiny": ("random",), "published": ("random", "pretrained")}


def test_nano_weights_are_refused(spec: EncoderSpec) -> None:
    with pytest.raises(UsageError, match="no nano weights"):
        spec.build(BuildRequest(weights="nano"))


def test_a_side_that_gives_no_whole_groups_is_refused_with_one_that_does(spec: EncoderSpec) -> None:
    with pytest.raises(UsageError, match=r"input_px=230 .* multiple of 28, such as 224"):
        spec.build(BuildRequest(input_px=230))


def test_a_model_beyond_the_memory_is_refused_before_anything_is_allocated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("foresight_harness.parts.weights.preflight._free_bytes", lambda device: 2**30)
    spec = {spec.name: spec for spec in foresight_encoders()}["internvl2_26b"]
    with pytest.raises(UsageError, match=r"internvl2_26b \(vision\) needs 21\.1 GiB"):
        spec.build(BuildRequest())


def test_language_layers_that_do_not_fit_beside_the_vision_side_are_refused_before_it_is_allocated(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from foresight_internvl2 import encoder

    monkeypatch.setattr("foresight_harness.parts.weights.preflight._free_bytes", lambda device: 24 * 2**30)
    monkeypatch.setattr(encoder, "materialise", lambda *given: pytest.fail("the vision side was allocated"))
    spec = {spec.name: spec for spec in foresight_encoders()}["internvl2_26b"]
    with pytest.raises(UsageError, match=r"internvl2_26b \(vision and language model, 14 layers\) needs \d+\.\d GiB"):
        spec.build(BuildRequest(taps=("patch_embed", "llm.14")))
