"""What a tap costs in a process of its own: a vision tap never holds the language model, a deep tap only its blocks.

Each model is its tiny configuration with feed-forward layers so wide that one block of the language model weighs far
more than everything on the vision side. The peak is the kernel's own (VmHWM), reset before each reading.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/clear_refs").exists(), reason="resetting the memory peak of a process needs Linux"
)

MODELS = {
    "qwen2_5_vl_tiny": "pre_merge post_merge",
    "llava_next_tiny": "block.02 post_projector",
    "internvl2_tiny": "pre_shuffle post_projector",
    "cogvlm2_tiny": "pre_conv vision_out",
}
"""Encoder and its deepest vision taps."""

READER = """
import ctypes, dataclasses, gc, importlib, json, sys
import torch
from foresight_harness import BuildRequest

FFN = 40_000
torch.set_num_threads(1)


def megabytes(field):
    return int(open("/proc/self/status").read().split(field + ":")[1].split()[0]) / 1024


def widened(name):
    package = importlib.import_module("foresight_" + name.removesuffix("_tiny"))
    tiny = {one.name: one for one in importlib.import_module(package.__name__ + ".presets").PRESETS}[name]
    if hasattr(tiny, "architecture"):
        text = tiny.architecture.text
        text = text | {"intermediate_size": FFN} if isinstance(text, dict) else dataclasses.replace(
            text, intermediate_size=FFN)
        return package, dataclasses.replace(tiny, architecture=dataclasses.replace(tiny.architecture, text=text))
    config = dict(tiny.config)
    if "text_config" in config:
        config["text_config"] = config["text_config"] | {"intermediate_size": FFN}
    else:
        config["intermediate_size"] = FFN
    return package, dataclasses.replace(tiny, config=config)


def growth(package, preset, taps):
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    before = megabytes("VmRSS")
    open("/proc/self/clear_refs", "w").write("5")
    encoder = package.spec_of(preset).build(BuildRequest())
    grids = encoder.encode(torch.rand(1, 1, 3, 224, 224, generator=torch.Generator().manual_seed(0)), taps)
    assert set(grids) == set(taps)
    return megabytes("VmHWM") - before, encoder.facts()["params_built"] * 4 / 2**20


for name, vision in json.loads(sys.argv[1]).items():
    package, preset = widened(name)
    growth(package, preset, ["llm.01"])  # libraries are imported and caches filled by now
    readings = {taps: growth(package, preset, taps.split()) for taps in (vision, "llm.01", "llm.04")}
    print(json.dumps([name, *readings.values()]), flush=True)
"""


@pytest.fixture(scope="module")
def readings() -> dict[str, list[tuple[float, float]]]:
    """(peak growth, weights built) in MiB by model: for its vision taps, one block and four blocks."""
    done = subprocess.run(
        [sys.executable, "-c", READER, json.dumps(MODELS)],
        capture_output=True,
        text=True,
        timeout=1800,
        check=False,
        env=os.environ | {"MALLOC_MMAP_THRESHOLD_": "1000000"},  # freed tensors go back to the kernel at once
    )
    assert done.returncode == 0, done.stderr[-2000:]
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    return {name: [tuple(reading) for reading in found] for name, *found in rows}


@pytest.mark.slow
@pytest.mark.parametrize("name", MODELS)
def test_vision_taps_hold_no_part_of_the_language_model(
    readings: dict[str, list[tuple[float, float]]], name: str
) -> None:
    (vision_peak, vision_weights), _, (_, deep_weights) = readings[name]
    language = deep_weights - vision_weights
    assert language > 100
    assert vision_peak < language / 3


@pytest.mark.parametrize("name", MODELS)
def test_a_language_tap_holds_its_own_blocks_only(readings: dict[str, list[tuple[float, float]]], name: str) -> None:
    (_, vision_weights), (shallow_peak, shallow_weights), (deep_peak, deep_weights) = readings[name]
    assert deep_weights - vision_weights == pytest.approx(4 * (shallow_weights - vision_weights), rel=0.05)
    assert deep_peak > 0.9 * deep_weights, "the reading must see the weights that are there"
    assert deep_peak - shallow_peak == pytest.approx(deep_weights - shallow_weights, rel=0.1)
