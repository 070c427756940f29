"""Presets against the networks themselves, and AlexNet's grid against its own geometry."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch
from foresight_harness import BuildRequest, CandidateError, TapSpec, UsageError
from foresight_harness.testing import assert_published_params
from foresight_torchvision.building import bare_model
from foresight_torchvision.encoder import extractor_of
from foresight_torchvision.preprocessing import fitting_side, preprocess
from foresight_torchvision.presets import ALEXNET, FAMILY, Preset
from foresight_torchvision.specs import encoder_spec, family_spec


@pytest.mark.parametrize("preset", [ALEXNET, FAMILY], ids=lambda preset: preset.name)
def test_parameter_counts_are_exact_to_the_digit(preset: Preset) -> None:
    def build() -> torch.nn.Module:
        return extractor_of(bare_model(preset).eval(), {preset.nodes[-1]: "deepest"})

    assert assert_published_params(encoder_spec(preset), build) == preset.params


def test_discovery_imports_no_torch() -> None:
    code = "import sys, foresight_torchvision as p; p.foresight_encoders(); print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_alexnets_taps_are_the_five_places_that_lpips_reads() -> None:
    import lpips

    with torch.device("meta"):
        network = lpips.LPIPS(net="alex", pnet_rand=True, pretrained=False, verbose=False).net
        trunk = bare_model(ALEXNET)
    lengths = [sum(len(getattr(network, f"slice{index}")) for index in range(1, end + 1)) for end in range(1, 6)]
    assert [int(node) for node in ALEXNET.nodes] == [length - 1 for length in lengths]
    assert all(isinstance(trunk[int(node)], torch.nn.ReLU) for node in ALEXNET.nodes)


@pytest.mark.parametrize("tap", ALEXNET.taps, ids=lambda tap: tap.name)
def test_alexnets_cells_lie_evenly_about_the_middle_of_its_sides(tap: TapSpec) -> None:
    """Centres of receptive fields, by arithmetic over the layers, are ``first + stride * i``, a pixel off centre."""
    deepest = int(ALEXNET.nodes[ALEXNET.taps.index(tap)])
    centre, jump = 0.5, 1.0
    for layer in bare_model(ALEXNET)[: deepest + 1]:
        if hasattr(layer, "kernel_size"):
            kernel, step, padding = (
                v[0] if isinstance(v, tuple) else v for v in (layer.kernel_size, layer.stride, layer.padding)
            )
            centre += ((kernel - 1) / 2 - padding) * jump
            jump *= step
    assert jump == tap.stride_px
    side = ALEXNET.input_px
    cells = tap.cells(side)
    assert side - (centre + jump * (cells - 1)) - centre == 1
    worst = abs(centre - side / cells / 2) / (side / cells)
    assert worst < 0.41  # cells: a token at the border stands for a place that far inside of its share of the picture
    for size in (128, 224, 256, 512):
        with torch.device("meta"):
            rows = bare_model(ALEXNET)[: deepest + 1](torch.empty(1, 3, size, size)).shape[-1]
        assert rows == tap.cells(size)


def test_sides_are_rounded_to_those_whose_grids_fit() -> None:
    assert [fitting_side(side, ALEXNET) for side in (20, 128, 224, 223, 233)] == [16, 128, 224, 224, 240]
    assert [fitting_side(side, FAMILY) for side in (3, 100, 128)] == [32, 96, 128]
    tall = preprocess(torch.rand(1, 3, 60, 90), 224, ALEXNET, torch.float32)
    assert tall.shape[-2:] == (224, 336)


def test_a_side_under_one_cell_and_weights_that_are_not_on_offer_are_refused() -> None:
    with pytest.raises(UsageError, match="alexnet: a side of 15 px is less than one cell"):
        encoder_spec(ALEXNET).build(BuildRequest(input_px=15))
    with pytest.raises(UsageError, match="alexnet: nano weights are not on offer"):
        encoder_spec(ALEXNET).build(BuildRequest("nano"))


def test_the_family_alone_is_what_it_says_and_expands() -> None:
    spec = family_spec(FAMILY)
    assert spec.expand is not None
    told = spec.expand("resnet50")
    assert told.taps == spec.taps
    assert (told.params, told.input_px, told.default_tap) == (spec.params, spec.input_px, spec.default_tap)
    assert told.published is not None
    assert spec.published is not None
    assert told.published.files == spec.published.files


@pytest.mark.parametrize(
    ("name", "message"),
    [("resnet51", "did you mean resnet50"), ("vit_b_16", "no feature maps; plain ViTs are offered as timm")],
)
def test_what_has_no_feature_maps_is_refused_in_one_line(name: str, message: str) -> None:
    expand = family_spec(FAMILY).expand
    assert expand is not None
    with pytest.raises(CandidateError, match=message) as caught:
        expand(name)
    assert "\n" not in str(caught.value)
