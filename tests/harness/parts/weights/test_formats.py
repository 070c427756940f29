"""Fewer bits and several GPUs: granted where everything is there, else one line that says what is missing."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from foresight_harness import BuildRequest, UsageError
from foresight_harness.parts.weights import formats
from foresight_harness.parts.weights.formats import require_hardware, require_loading, require_offered
from foresight_harness.parts.weights.preflight import bytes_of, require_memory

BOTH = ("8bit", "4bit")
ASKED = BuildRequest(weights="pretrained", device="cuda", quantize="8bit", device_map="auto")


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
    """What it has; a test takes something away."""
    there: dict[str, object] = {"bitsandbytes": True, "accelerate": True, "gpus": 2}
    monkeypatch.setattr(formats, "find_spec", lambda package: object() if there[package] else None)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: there["gpus"])
    return there


def test_both_are_granted_where_plugin_weights_packages_and_gpus_are_there(machine: dict[str, object]) -> None:
    require_loading("vlm_7b", ASKED, BOTH, device_map=True)
    require_loading("vlm_7b", BuildRequest())  # nothing is asked for


@pytest.mark.parametrize(
    ("changes", "offers", "said"),
    [
        ({"quantize": "2bit"}, BOTH, "--quantize 2bit: unknown; choose one of none, 8bit, 4bit"),
        ({"device_map": "balanced"}, BOTH, "--device-map balanced: unknown; choose one of none, auto"),
        ({}, (), "--quantize 8bit: vlm_7b cannot, its plugin loads weights in --dtype only"),
        ({}, ("4bit",), "--quantize 8bit: vlm_7b cannot, it loads 4bit only"),
        ({"weights": "random"}, BOTH, "--quantize 8bit --device-map auto: vlm_7b has random weights here"),
    ],
)
def test_what_no_machine_could_do_is_refused_without_asking_it(
    changes: dict[str, str], offers: tuple[str, ...], said: str
) -> None:
    with pytest.raises(UsageError, match=f"^{said}"):
        require_offered("vlm_7b", replace(ASKED, **changes), offers, device_map=True)  # type: ignore[arg-type]


def test_a_map_is_refused_where_the_plugin_has_one_device() -> None:
    with pytest.raises(UsageError, match="--device-map auto: vlm_7b cannot, its plugin puts a model on one device"):
        require_offered("vlm_7b", replace(ASKED, quantize="none"), BOTH)


@pytest.mark.parametrize(
    ("lacking", "asked", "said"),
    [
        ({}, ("8bit", "none", "cpu"), r"--quantize 8bit: it needs a GPU \(--device cuda\), and --device is cpu"),
        ({}, ("none", "auto", "cuda:1"), r"--device-map auto: it takes all GPUs .* and --device is cuda:1"),
        (
            {"bitsandbytes": False},
            ("4bit", "none", "cuda"),
            r"--quantize 4bit: bitsandbytes not installed \(pip install 'foresight-vlm-kit\[quantize\]'\)",
        ),
        (
            {"accelerate": False},
            ("none", "auto", "cuda"),
            r"--device-map auto: accelerate not installed \(pip install 'foresight-vlm-kit\[device-map\]'\)",
        ),
        ({"gpus": 1}, ("none", "auto", "cuda"), r"--device-map auto: torch finds 1 GPU\(s\) .* a map needs two"),
    ],
)
def test_what_this_machine_lacks_is_named(
    machine: dict[str, object], lacking: dict[str, object], asked: tuple[str, str, str], said: str
) -> None:
    machine.update(lacking)
    with pytest.raises(UsageError, match=f"^{said}"):
        require_hardware(*asked)


def test_memory_is_counted_at_the_bits_that_matrices_will_have(monkeypatch: pytest.MonkeyPatch) -> None:
    assert bytes_of(100, "bfloat16") == 200
    assert bytes_of(100, "bfloat16", "8bit", matrices=80) == 40 + 80
    assert bytes_of(100, "float32", "4bit", matrices=64) == 4 * 36 + 32 + 4  # one scale in single precision
    where = "foresight_harness.parts.weights.preflight._free_bytes"
    monkeypatch.setattr(where, lambda device: 2**30)
    require_memory("vlm", 2**30, "cuda", "bfloat16", quantize="8bit", matrices=2**30)
    with pytest.raises(UsageError, match=r"vlm needs 2\.0 GiB for its weights in bfloat16; 1\.0 are free on cuda"):
        require_memory("vlm", 2**30, "cuda", "bfloat16")
    with pytest.raises(UsageError, match=r"vlm needs 2\.0 GiB for its weights in 8 bits; 1\.0 are free on cuda"):
        require_memory("vlm", 2**31, "cuda", "bfloat16", quantize="8bit", matrices=2**31)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 4)
    require_memory("vlm", 2**31, "cuda", "bfloat16", spread=True)
    with pytest.raises(UsageError, match=r"4\.0 are free on all GPUs"):
        require_memory("vlm", 2**32, "cuda", "bfloat16", spread=True)
