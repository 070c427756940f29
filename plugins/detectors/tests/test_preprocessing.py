from __future__ import annotations

import pytest
import torch
from foresight_detectors.preprocessing import preprocess, resized_sides


@pytest.mark.parametrize(
    ("name", "picture", "input_px", "expected"),
    [
        ("owlvit_base_patch32", (480, 640), 768, (768, 768)),
        ("owlvit_base_patch32", (480, 640), 100, (96, 96)),
        ("owlv2_base_patch16", (480, 640), 960, (720, 960)),
        ("owlv2_base_patch16", (641, 480), 960, (960, 720)),
        ("owlv2_base_patch16", (1, 900), 960, (16, 960)),
        ("detr_resnet50", (480, 640), 800, (800, 1056)),  # 1066.7 px are 33.3 cells
        ("detr_resnet50", (640, 480), 800, (1056, 800)),
        ("grounding_dino_swin_t", (480, 640), 800, (800, 1056)),
        ("detr_resnet50", (300, 900), 800, (448, 1344)),  # the longer side is 1333 px at most
    ],
)
def test_sides_are_those_of_the_published_rule_in_whole_cells(size, name, picture, input_px, expected) -> None:
    assert resized_sides(*picture, input_px, size(name)) == expected


def test_owlv2_sees_the_picture_above_and_left_of_its_padding(size) -> None:
    shown = preprocess(torch.ones(1, 3, 100, 200), 224, size("owlv2_tiny"), torch.float32)
    assert (shown.rows_px, shown.cols_px) == (112, 224)
    assert shown.pixels.shape == (1, 3, 224, 224)
    mean, std = (torch.tensor(values) for values in size("owlv2_tiny").colours)
    assert torch.allclose(shown.pixels[0, :, :112].mean((1, 2)), (1 - mean) / std, atol=1e-5)
    assert torch.allclose(shown.pixels[0, :, 112:].mean((1, 2)), -mean / std, atol=1e-5)


@pytest.mark.parametrize(
    "name", ["owlvit_base_patch32", "owlv2_base_patch16", "detr_resnet50", "grounding_dino_swin_t"]
)
def test_colours_interpolation_and_sides_are_those_of_the_librarys_processor(size, name: str) -> None:
    """The library's own processors on a picture whose sides ask for no rounding."""
    import transformers

    classes = {
        "owlvit": "OwlViTImageProcessor",
        "owlv2": "Owlv2ImageProcessor",
        "detr": "DetrImageProcessor",
        "grounding_dino": "GroundingDinoImageProcessor",
    }
    processor = getattr(transformers, classes[size(name).family])()
    picture = torch.randint(0, 256, (3, 60, 80), generator=torch.Generator().manual_seed(1), dtype=torch.uint8)
    by_shorter_side = size(name).resize == "shorter side"
    if by_shorter_side:
        processor.size = {"shortest_edge": 480, "longest_edge": 1333}
    expected = processor(picture, return_tensors="pt")["pixel_values"]
    input_px = 480 if by_shorter_side else size(name).input_px
    ours = preprocess(picture[None] / 255, input_px, size(name), torch.float32).pixels
    assert ours.shape == expected.shape
    assert float((ours - expected).abs().mean()) < 0.02


def test_a_picture_of_the_right_size_is_only_normalised(size) -> None:
    picture = torch.rand(1, 3, 256, 320, generator=torch.Generator().manual_seed(0))
    mean, std = (torch.tensor(values).view(3, 1, 1) for values in size("detr_tiny").colours)
    ours = preprocess(picture, 256, size("detr_tiny"), torch.float32).pixels
    assert torch.allclose(ours, (picture - mean) / std, atol=1e-6)
    assert preprocess(picture, 256, size("detr_tiny"), torch.bfloat16).pixels.dtype == torch.bfloat16
