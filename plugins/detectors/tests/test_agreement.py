"""Another route to every tap: the whole model of the library, its own outputs, and boxes drawn cell by cell."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
import torch
from foresight_detectors.building import build, random_model
from foresight_detectors.prompts import prompt_ids
from foresight_detectors.sizes import Size
from foresight_detectors.specs import taps
from foresight_harness import BuildRequest
from torch import Tensor
from torchvision.transforms.v2 import functional as pictures_of

SIZES_PX = ((140, 196), (224, 132))
"""Rows and columns of the pictures: oblong both ways, and multiples of no stride."""
BATCH = 2


def _input(size: Size, clip: Tensor) -> tuple[Tensor, int, int]:
    """Normalised input of the network, and the rows and columns of it that show the picture."""
    rows, cols = clip.shape[-2:]
    if size.family == "owlvit":
        sides = (224, 224)
    elif size.family == "owlv2":
        scale = 224 / max(rows, cols)
        sides = (round(rows * scale / 16) * 16, round(cols * scale / 16) * 16)
    else:
        side = 256 if size.family == "detr" else 128
        scale = min(side / min(rows, cols), side * 1333 / 800 / max(rows, cols))
        sides = (round(rows * scale / 32) * 32, round(cols * scale / 32) * 32)
    mode = "bicubic" if size.family == "owlvit" else "bilinear"
    resized = pictures_of.resize(clip, list(sides), pictures_of.InterpolationMode(mode), antialias=True).clamp(0, 1)
    if size.family == "owlv2":
        resized = pictures_of.pad(resized, [0, 0, 224 - sides[1], 224 - sides[0]], fill=0.0)
    mean, std = ([list(values) for values in size.colours][place] for place in (0, 1))
    return pictures_of.normalize(resized, mean, std), *sides


def _owl(size: Size, model: Any, pixels: Tensor) -> tuple[dict[str, Tensor], Tensor, Tensor]:
    """Grids of the whole input, boxes and scores, from one call of the whole model with its text."""
    ids = torch.tensor(prompt_ids(size.config["text_config"]["vocab_size"])).repeat(BATCH, 1)
    out = model(
        input_ids=ids,
        attention_mask=torch.ones_like(ids),
        pixel_values=pixels,
        interpolate_pos_encoding=True,
        output_hidden_states=True,
    )
    rows, cols = pixels.shape[-2] // 16, pixels.shape[-1] // 16
    states = out.vision_model_output.hidden_states
    found = {
        f"block.{index:02d}": state[:, 1:].reshape(BATCH, rows, cols, -1) for index, state in enumerate(states[1:])
    }
    kernel = model.get_submodule(size.family).vision_model.embeddings.patch_embedding.weight
    patches = torch.nn.functional.unfold(pixels, 16, stride=16)
    embedded = kernel.flatten(1) @ patches
    found["patch_embed"] = embedded.transpose(1, 2).reshape(BATCH, rows, cols, -1)
    found["last"] = out.image_embeds
    found["projected"] = out.class_embeds.reshape(BATCH, rows, cols, -1)
    logits = out.objectness_logits if size.family == "owlv2" else out.logits.max(-1).values
    return found, out.pred_boxes, logits.sigmoid()


def _detr(model: Any, pixels: Tensor) -> tuple[dict[str, Tensor], Tensor, Tensor]:
    """The same of DETR; stages of its backbone from the backbone's own call."""
    out = model(pixels, output_hidden_states=True)
    rows, cols = pixels.shape[-2] // 32, pixels.shape[-1] // 32
    states = [state.reshape(BATCH, rows, cols, -1) for state in out.encoder_hidden_states]
    found = {"projected": states[0]} | {f"block.{index:02d}": state for index, state in enumerate(states[1:])}
    maps = model.model.backbone.model(pixels, output_hidden_states=True).hidden_states
    found |= {f"stage.{place}": one.permute(0, 2, 3, 1) for place, one in enumerate(maps[1:], 1)}
    return found, out.pred_boxes, 1 - out.logits.softmax(-1)[..., -1]


def _grounding(model: Any, pixels: Tensor) -> tuple[dict[str, Tensor], Tensor, Tensor]:
    """The same of Grounding DINO, from its own lists of states; all ids of the text are written out here."""
    ids = torch.tensor([[101, 1, 1012, 2, 1012, 3, 1012, 4, 1012, 5, 1012, 6, 1012, 102]]).expand(BATCH, -1)
    mask = torch.ones_like(pixels[:, 0], dtype=torch.long)
    out = model(pixels, input_ids=ids, attention_mask=torch.ones_like(ids), pixel_mask=mask, output_hidden_states=True)
    maps = model.model.backbone.conv_encoder.model(pixels).feature_maps
    found = {f"stage.{place}": one.permute(0, 2, 3, 1) for place, one in enumerate(maps, 2)}
    sides = [tuple(int(side) for side in one.shape[-2:]) for one in maps]
    levels = [rows * cols for rows, cols in sides]
    for index, state in enumerate(out.encoder_vision_hidden_states[1:]):
        parts = torch.split(state, [*levels, state.shape[1] - sum(levels)], dim=1)
        found[f"block.{index:02d}"] = parts[0].reshape(BATCH, *sides[0], -1)
    found["level.16"], found["level.32"] = (parts[place].reshape(BATCH, *sides[place], -1) for place in (1, 2))
    scores = out.logits[..., : ids.shape[1]].sigmoid().max(-1).values
    assert out.logits[..., ids.shape[1] :].isneginf().all()
    return found, out.pred_boxes, scores


def _drawn(boxes: Tensor, scores: Tensor, rows: int, cols: int, shares: tuple[float, float]) -> Tensor:
    """Cell by cell and box by box, in float64. ``boxes`` [Q, 4], ``scores`` [Q] -> [rows, cols, 5]"""
    found = torch.zeros(rows, cols, 5, dtype=torch.float64)
    corners = [
        ((x - w / 2) / shares[1], (y - h / 2) / shares[0], (x + w / 2) / shares[1], (y + h / 2) / shares[0])
        for x, y, w, h in boxes.double().tolist()
    ]
    for row in range(rows):
        for col in range(cols):
            top, bottom, left, right = row / rows, (row + 1) / rows, col / cols, (col + 1) / cols
            x, y = (left + right) / 2, (top + bottom) / 2
            for (x0, y0, x1, y1), score in zip(corners, scores.double().tolist(), strict=True):
                wide, high = min(right, x1) - max(left, x0), min(bottom, y1) - max(top, y0)
                if wide > 0 and high > 0:
                    weight = score * wide * high * rows * cols
                    found[row, col] += weight * torch.tensor([1, x - x0, y - y0, x1 - x, y1 - y]).double()
            if found[row, col, 0] > 0:
                found[row, col, 1:] /= found[row, col, 0]
    return found


@pytest.mark.parametrize("picture_px", SIZES_PX)
@pytest.mark.parametrize("attention", ["sdpa", "eager"])
def test_every_tap_equals_the_outputs_of_the_whole_model(
    tiny: Size, picture_px: tuple[int, int], attention: str
) -> None:
    clips = torch.rand(BATCH, 1, 3, *picture_px, generator=torch.Generator().manual_seed(5))
    names = [tap.name for tap in taps(tiny)]
    ours = build(tiny, BuildRequest(seed=3, attention=attention)).encode(clips, names)
    pixels, rows_px, cols_px = _input(tiny, clips[:, 0])
    whole: Any = random_model(tiny, 3, "eager").eval()
    with torch.no_grad():
        by_family = {"detr": _detr, "grounding_dino": _grounding}
        found, boxes, scores = by_family.get(tiny.family, partial(_owl, tiny))(whole, pixels)
    shares = (rows_px / pixels.shape[-2], cols_px / pixels.shape[-1])
    assert set(found) | {"boxes"} == set(names)
    for tap in taps(tiny)[:-1]:
        expected = found[tap.name][:, : rows_px // tap.stride_px, : cols_px // tap.stride_px]
        assert ours[tap.name].tokens.shape == (BATCH, 1, *expected.shape[1:])
        assert float((ours[tap.name].tokens[:, 0] - expected).abs().max()) <= 1e-5, tap.name
    cells = (rows_px // tiny.boxes_px, cols_px // tiny.boxes_px)
    for picture in range(BATCH):
        drawn = _drawn(boxes[picture], scores[picture], *cells, shares)
        scale = float(drawn.abs().max())
        assert float((ours["boxes"].tokens[picture, 0] - drawn).abs().max()) <= 1e-5 * max(1.0, scale)


def test_the_two_pictures_are_oblong_where_the_family_keeps_the_aspect(size) -> None:
    grids = {
        name: [build(size(name), BuildRequest()).encode(torch.rand(1, 1, 3, *px), [tap])[tap].shape for px in SIZES_PX]
        for name, tap in (("owlv2_tiny", "last"), ("detr_tiny", "block.01"), ("grounding_dino_tiny", "block.01"))
    }
    assert [(one.rows, one.cols) for one in grids["owlv2_tiny"]] == [(10, 14), (14, 8)]
    assert [(one.rows, one.cols) for one in grids["detr_tiny"]] == [(8, 11), (13, 8)]
    assert [(one.rows, one.cols) for one in grids["grounding_dino_tiny"]] == [(16, 24), (28, 16)]


@pytest.mark.parametrize("padding", [(0, 64), (96, 0)])
def test_detr_attends_to_no_padding_and_counts_places_within_the_picture(size, padding: tuple[int, int]) -> None:
    """The mask of the library's own batching: a padded picture's encoder sees the positions of the picture alone."""
    model: Any = random_model(size("detr_tiny"), 0, "eager").eval()
    inner = model.model
    mask = torch.zeros(1, 256 + padding[0], 256 + padding[1], dtype=torch.long)
    mask[:, :256, :256] = 1
    features = torch.rand(1, 64, 8, 8)
    padded = torch.nn.functional.pad(features, (0, padding[1] // 32, 0, padding[0] // 32), value=9.0)

    def encoded(maps: Tensor, seen: Tensor) -> Tensor:
        places = inner.position_embedding(maps.shape, maps.device, maps.dtype, mask=seen).flatten(2).transpose(1, 2)
        out = inner.encoder(maps.flatten(2).transpose(1, 2), seen.flatten(1), spatial_position_embeddings=places)
        return out.last_hidden_state.reshape(*maps.shape[-2:], -1)

    with torch.no_grad():
        small = torch.nn.functional.interpolate(mask[None].float(), size=padded.shape[-2:]).bool()[0]
        assert torch.allclose(
            encoded(padded, small)[:8, :8], encoded(features, torch.ones(1, 8, 8, dtype=torch.bool)), atol=1e-5
        )
