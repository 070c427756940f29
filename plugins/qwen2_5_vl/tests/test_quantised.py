"""In fewer bits and over several GPUs, without a GPU: what the library is told; it then loads whole numbers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from foresight_harness import BuildRequest, EncoderSpec, UsageError
from foresight_harness.parts.checks.pictures import random_clips
from foresight_harness.parts.weights import formats
from foresight_vlm_kit.counting import count, count_matrices
from foresight_vlm_kit.origin import Origin
from foresight_vlm_kit.placing import require_on_gpus
from transformers import PreTrainedModel

TAPS = ["block.02", "post_merge", "llm.02"]


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Arguments of each load, on a machine that claims to have everything."""
    monkeypatch.setattr(formats, "require_hardware", lambda *asked: None)
    monkeypatch.setattr("foresight_harness.parts.weights.preflight._free_on_all", lambda: 2**30)
    given: list[dict[str, Any]] = []
    load = PreTrainedModel.from_pretrained.__func__  # type: ignore[attr-defined]

    def record(cls: type, *where: Any, **arguments: Any) -> Any:
        own = {name: arguments.pop(name) for name in ("quantization_config", "device_map") if name in arguments}
        given.append(own | {"dtype": arguments["dtype"]})
        return load(cls, *where, **arguments)

    monkeypatch.setattr(PreTrainedModel, "from_pretrained", classmethod(record))
    return given


def _load(spec: EncoderSpec, folder: Path, **asked: Any) -> Any:
    return spec.build(BuildRequest(weights="pretrained", source=str(folder), **asked))


def _encode(encoder: Any) -> Any:
    return encoder.encode(random_clips((56, 84)), TAPS)


def test_nothing_more_is_told_where_neither_is_asked_for(
    spec: EncoderSpec, write_checkpoint: Callable[..., Path], told: list[dict[str, Any]]
) -> None:
    encoder = _load(spec, write_checkpoint())
    _encode(encoder)
    assert told == [{"dtype": torch.float32}] * 2
    assert not {"quantize", "device_map", "bytes_per_param"} & encoder.facts().keys()


def test_tower_and_language_model_are_quantised_alike_onto_the_one_device(
    spec: EncoderSpec, write_checkpoint: Callable[..., Path], told: list[dict[str, Any]]
) -> None:
    folder = write_checkpoint()
    encoder = _load(spec, folder, quantize="8bit", dtype="bfloat16")
    _encode(encoder)
    assert [one["device_map"] for one in told] == [{"": "cpu"}] * 2
    assert all(one["quantization_config"].load_in_8bit for one in told)
    assert encoder.facts()["quantize"] == "8bit"
    del told[:]
    _load(spec, folder, quantize="4bit", dtype="bfloat16")
    config = told[0]["quantization_config"]
    assert (config.load_in_4bit, config.bnb_4bit_quant_type) == (True, "nf4")
    assert (config.bnb_4bit_compute_dtype, config.bnb_4bit_use_double_quant) == (torch.bfloat16, False)


def test_a_map_is_left_to_the_library_and_outputs_meet_on_the_first_device(
    spec: EncoderSpec, write_checkpoint: Callable[..., Path], told: list[dict[str, Any]]
) -> None:
    folder = write_checkpoint()
    encoder = _load(spec, folder, device_map="auto")
    found = _encode(encoder)
    assert told == [{"dtype": torch.float32, "device_map": "auto"}] * 2
    assert (encoder.origin.meeting_place, encoder.facts()["device_map"]) == ("cpu", "auto")
    whole = _encode(_load(spec, folder))
    assert all(torch.equal(found[tap].tokens, whole[tap].tokens) for tap in TAPS)


def test_memory_is_refused_at_the_quantised_size(
    spec: EncoderSpec, write_checkpoint: Callable[..., Path], told: list[dict[str, Any]], monkeypatch: Any
) -> None:
    folder = write_checkpoint()
    tower = spec.build(BuildRequest()).tower  # type: ignore[attr-defined]
    params, matrices = count(tower), count_matrices(tower)
    assert matrices > params / 2
    need = (params - matrices) * 4 + matrices
    where = "foresight_harness.parts.weights.preflight._free_bytes"
    monkeypatch.setattr(where, lambda device: need)
    _load(spec, folder, quantize="8bit")
    monkeypatch.setattr(where, lambda device: need - 1)
    with pytest.raises(UsageError, match=r"qwen2_5_vl_tiny \(.*\) needs .* for its weights in 8 bits"):
        _load(spec, folder, quantize="8bit")


def test_random_weights_are_refused_before_anything_is_built(spec: EncoderSpec, told: list[dict[str, Any]]) -> None:
    with pytest.raises(UsageError, match="--quantize 4bit: qwen2_5_vl_tiny has random weights here"):
        spec.build(BuildRequest(quantize="4bit"))
    assert told == []


def test_numbers_of_packed_matrices_are_counted_by_their_own_shape() -> None:
    layer: Any = torch.nn.Linear(4, 6, bias=False)
    layer.weight = torch.nn.Parameter(torch.zeros(12, 1, dtype=torch.uint8), requires_grad=False)
    layer.weight.quant_state = type("State", (), {"shape": torch.Size((6, 4))})
    assert count(layer) == 24


def test_a_piece_that_was_left_off_the_gpus_ends_the_load() -> None:
    origin = Origin("vlm", Path("w"), 0, "cuda", "bfloat16", "sdpa", {}, device_map="auto")
    model: Any = type("Model", (), {"hf_device_map": {"layers.0": 0, "layers.1": "cpu", "norm": "disk"}})
    with pytest.raises(UsageError, match=r"vlm \(tower\): 2 of 3 pieces do not fit the GPUs \(layers\.1 is on cpu\)"):
        require_on_gpus(origin, "tower", model)
    model.hf_device_map = {"layers.0": 0, "layers.1": 1}
    require_on_gpus(origin, "tower", model)
