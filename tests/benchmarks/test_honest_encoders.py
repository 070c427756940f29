"""Honest encoders of every family are admitted by the function that a run calls: none is refused."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from foresight_harness import BuildRequest, DataRequest, EncoderSpec, TapSpec
from foresight_harness.grids import TokenGrid
from foresight_harness.measuring.admission.declared import params_fault
from foresight_harness.measuring.admission.examining import Subject, examine
from foresight_harness.measuring.extraction.encode import encode_batch
from foresight_harness.parts.datasets.shapes import Shapes
from foresight_harness.parts.weights.counting import parameter_count
from foresight_harness.planning.registry import Registry, load_registry
from foresight_harness.surface.conformance.offers import plugin_specs
from torch import Tensor, nn

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "docs"))

FAMILIES = (
    *("dinov2_tiny", "dinov2_tiny_reg", "siglip_tiny", "eva02_tiny", "mae_tiny", "sam_tiny"),
    *("internvl2_tiny", "llava_next_tiny", "cogvlm2_tiny", "cogvlm2_video_tiny", "qwen2_5_vl_tiny"),
    *("llava_next_video_tiny", "owlvit_tiny", "detr_tiny", "grounding_dino_tiny", "florence2_tiny", "kosmos2_tiny"),
)
NETWORKS = ("alexnet", "torchvision:vgg11", "torchvision:efficientnet_b0", "torchvision:mobilenet_v3_small")
EXAMPLES = ("resnet", "convnext", "siglip")
SMALL_PX = 128
"""Side that networks of published size are asked to resize to, where they take other sizes."""


class Oblong(nn.Module):
    """A convolution over pictures squashed to twice as many columns as rows, and a mix of neighbours."""

    def __init__(self, request: BuildRequest) -> None:
        super().__init__()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(request.seed)
            self.patches, self.mix = nn.Conv2d(3, 48, 16, 16), nn.Conv2d(48, 48, 1)
        self.eval().requires_grad_(False)

    def encode(self, clips: Tensor, taps: Sequence[str]) -> dict[str, TokenGrid]:
        frames = nn.functional.interpolate(clips.flatten(0, 1), (128, 256), mode="bilinear", antialias=True)
        grid = self.mix(torch.nn.functional.gelu(self.patches(frames - 0.5))).movedim(1, -1)
        return {tap: TokenGrid(grid.unflatten(0, clips.shape[:2])) for tap in taps}

    def facts(self) -> Mapping[str, Any]:
        return {"attention": "none", "dtype": "float32", "params": parameter_count(self)}


OBLONG = EncoderSpec(
    name="oblong_tiny",
    build=Oblong,
    taps=(TapSpec("last", 48, 16),),
    default_tap="last",
    input_px=128,
    family="oblong",
    preprocessing={"resize": "squash"},
    attention=(),
    params=39_264,
    weights=("random",),
    license="Apache-2.0",
    size="tiny",
)


@pytest.fixture(scope="module")
def registry() -> Registry:
    return load_registry()


def spec_of(name: str, registry: Registry) -> EncoderSpec:
    if name == "oblong":
        return OBLONG
    if name.startswith("examples."):
        return next(spec for spec in plugin_specs(name, "foresight_encoders") if spec.size == "tiny")
    return registry.encoder(name)


@pytest.mark.parametrize("name", [*FAMILIES, *NETWORKS, *(f"examples.{name}" for name in EXAMPLES), "oblong"])
def test_an_honest_encoder_is_admitted(
    name: str, registry: Registry, record_property: Callable[[str, object], None]
) -> None:
    spec = spec_of(name, registry)
    request = BuildRequest(input_px=SMALL_PX if name in NETWORKS[1:] else None)
    encoder = spec.build(request)
    data = Shapes(DataRequest("test", count=2, canvas_px=128))

    def run(clips: Tensor, taps: Sequence[str]) -> Mapping[str, TokenGrid]:
        return encode_batch(encoder, clips, taps)

    subject = Subject(spec, run, request.input_px or spec.input_px, params=parameter_count(encoder))
    began = time.process_time()
    verdicts, pictures = examine(subject, [spec.default_tap], data[0].clip, data[1].clip)
    seconds = time.process_time() - began
    record_property("pictures", pictures)
    record_property("processor_s", round(seconds, 2))
    print(f"| `{name}` | `{spec.default_tap}` | {subject.params:,} | {pictures} | {seconds:.2f} |")
    assert [(verdict.status, verdict.reasons) for verdict in verdicts.values()] == [("admitted", ())]
    (found,) = (verdict.params or 0 for verdict in verdicts.values())
    own_size = request.input_px in (None, spec.input_px)
    assert params_fault(spec, encoder.facts(), found, own_size=own_size) is None
    assert pictures <= (8 if subject.large else 32)
