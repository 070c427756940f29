from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from foresight_harness import CheckpointError
from foresight_harness.parts.weights.files.config_facts import require_facts, require_processor, require_unquantised

GPTQ = {"quant_method": "gptq", "bits": 4}
QUANTISED: dict[str, tuple[dict[str, Any], str]] = {
    "GPTQ": ({"quantization_config": GPTQ}, r"has a quantization_config \(gptq\)"),
    "bitsandbytes": ({"quantization_config": {"load_in_8bit": True}}, "has a quantization_config: "),
    "MLX": ({"quantization": {"bits": 4, "group_size": 64}}, "has a quantization: "),
    "of the language model alone": (
        {"text_config": {"quantization_config": GPTQ}},
        r"has a text_config\.quantization_config \(gptq\)",
    ),
}


@pytest.mark.parametrize(("config", "message"), QUANTISED.values(), ids=QUANTISED.keys())
def test_a_quantised_checkpoint_is_refused_by_the_entry_that_says_so(config: dict[str, Any], message: str) -> None:
    with pytest.raises(CheckpointError, match=message) as caught:
        require_unquantised(Path("some/config.json"), config)
    assert "use the checkpoint that they were made from" in str(caught.value)


@pytest.mark.parametrize("config", [{}, {"quantization_config": None}, {"quantization_config": {}}, {"a": 1}])
def test_a_checkpoint_that_is_not_quantised_passes(config: dict[str, Any]) -> None:
    require_unquantised(Path("config.json"), config)


BUILT = {"hidden_act": "gelu", "layer_norm_eps": 1e-6, "qkv_bias": True, "mean": (0.48145466, 0.5, 0.5), "ratio": 4}


@pytest.mark.parametrize(
    ("found", "message"),
    [
        ({"hidden_act": "quick_gelu"}, "hidden_act is 'quick_gelu', some has 'gelu'"),
        ({"layer_norm_eps": 1e-5}, "layer_norm_eps is 1e-05, some has 1e-06"),
        ({"qkv_bias": False}, "qkv_bias is False, some has True"),
        ({"mean": [0.485, 0.456, 0.406]}, r"mean is \[0.485"),
        ({"mean": [0.5]}, r"mean is \[0.5\]"),
        ({"ratio": 3.0}, "ratio is 3.0, some has 4"),
    ],
)
def test_a_fact_that_contradicts_what_is_built_is_refused_by_name(found: dict[str, Any], message: str) -> None:
    with pytest.raises(CheckpointError, match=message):
        require_facts("config.json", found, BUILT, BUILT, "some")


@pytest.mark.parametrize(
    "found",
    [{}, {"mean": [0.481, 0.5, 0.5]}, {"ratio": 4.0}, {"layer_norm_eps": 0.000001}, {"other": 1}],
    ids=["nothing said", "rounded colours", "a whole float", "another spelling", "not asked for"],
)
def test_facts_that_agree_pass(found: dict[str, Any]) -> None:
    require_facts("config.json", found, BUILT, BUILT, "some")


PREPROCESSING = {"mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225], "interpolation": "bicubic, antialiased"}


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"image_mean": [0.5] * 3}, r"image_mean is \[0.5, 0.5, 0.5\], some has \[0.485, 0.456, 0.406\]"),
        ({"image_std": [0.5] * 3}, "image_std is"),
        ({"resample": 2}, "resample is 'bilinear', some has 'bicubic'"),
        ("[]", "is no processor configuration"),
        ("{", "is no processor configuration"),
    ],
)
def test_a_processor_of_other_colours_is_refused(said: Any, message: str, tmp_path: Path) -> None:
    path = tmp_path / "preprocessor_config.json"
    path.write_text(said if isinstance(said, str) else json.dumps(said))
    with pytest.raises(CheckpointError, match=message) as caught:
        require_processor(tmp_path, PREPROCESSING, "some")
    assert str(path) in str(caught.value)


def test_a_processor_that_agrees_or_is_not_there_passes(tmp_path: Path) -> None:
    require_processor(tmp_path, PREPROCESSING, "some")
    said = {"image_mean": PREPROCESSING["mean"], "image_std": PREPROCESSING["std"], "resample": 3, "size": 256}
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(said))
    require_processor(tmp_path, PREPROCESSING, "some")
    require_processor(tmp_path, {}, "a model that says nothing of its colours")
