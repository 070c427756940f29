"""Tiles, conversation and video against the library's whole model, and faults of order that must not pass."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from foresight_harness import BuildRequest, CandidateError, EncoderSpec, UsageError
from foresight_internvl2 import spec_of, views
from foresight_internvl2.architecture import MEAN, STD
from foresight_internvl2.presets import PRESETS
from foresight_internvl2.prompts import chat_text, ids_before_pictures, video_text
from foresight_internvl2.tiling import Canvas, canvas_of
from foresight_vlm_kit.pictures import squash
from torch import Tensor

SIZES = [(60, 90), (250, 110)]
PLACEHOLDER, CELLS = 250, 64
TAPS = ["patch_embed", "block.02", "pre_shuffle", "post_projector", "llm.01", "llm.03"]


def clips_of(size: tuple[int, int], frames: int = 1) -> Tensor:
    """Pictures that bicubic resizing does not bring out of [0, 1]."""
    return torch.rand(1, frames, 3, *size, generator=torch.Generator().manual_seed(3)) * 0.3 + 0.35


def built(view: str, **request: Any) -> Any:
    return spec_of(PRESETS[0], view).build(BuildRequest(**request))


@pytest.fixture(scope="module")
def whole(architecture_of: Callable[..., Any], native_model: Callable[..., Any]) -> Any:
    """The library's model with the values of random weights."""
    encoder = built("")
    model = native_model(architecture_of("internlm2"))
    model.model.vision_tower.load_state_dict(encoder.vision.vision_tower.state_dict())
    model.model.multi_modal_projector.load_state_dict(encoder.vision.multi_modal_projector.state_dict())
    language = encoder.language_of(4).language_model.state_dict()
    model.model.language_model.load_state_dict({**language, "norm.weight": torch.ones(96)})
    model.model.config.image_token_id = model.config.image_token_id = PLACEHOLDER
    return model


@torch.no_grad()
def reference(model: Any, pixels: Tensor, ids: list[int]) -> dict[str, Tensor]:
    """Every tap of ``TAPS`` of the whole model; of the language model at the pictures' ids. [tiles, cells, C]"""
    assert ids.count(PLACEHOLDER) == len(pixels) * CELLS
    vision = model.model.get_image_features(pixels, output_hidden_states=True)
    states = model(
        input_ids=torch.tensor([ids]), pixel_values=pixels, output_hidden_states=True, use_cache=False
    ).hidden_states
    places = torch.tensor(ids) == PLACEHOLDER
    return {
        "patch_embed": model.model.vision_tower.embeddings.patch_embeddings(pixels),
        "block.02": vision.hidden_states[3][:, 1:],
        "pre_shuffle": vision.last_hidden_state[:, 1:],
        "post_projector": vision.pooler_output,
        **{f"llm.0{depth}": states[depth][0, places].view(len(pixels), CELLS, -1) for depth in (1, 3)},
    }


def assert_same(found: Any, tap: str, expected: Tensor) -> None:
    torch.testing.assert_close(found[tap].tokens[0], expected, rtol=1e-5, atol=1e-5, msg=tap)


def library_tiles(size: tuple[int, int]) -> Tensor:
    """Tiles and thumbnail of the library's own processor. [tiles, 3, 224, 224]"""
    from transformers import GotOcr2ImageProcessor

    processor: Any = GotOcr2ImageProcessor(
        size={"height": 224, "width": 224},
        image_mean=list(MEAN),
        image_std=list(STD),
        crop_to_patches=True,
        min_patches=1,
        max_patches=12,
        do_rescale=False,
    )
    pixels: Tensor = processor(images=[clips_of(size)[0, 0]], return_tensors="pt")["pixel_values"]
    return pixels


def by_hand(tiles: Tensor, rows: int, cols: int) -> Tensor:
    """The tiles' grids laid side by side, thumbnail left out. [1, rows * side, cols * side, C]"""
    side = round(tiles.shape[1] ** 0.5)
    grids = [tile.view(side, side, -1) for tile in tiles[: rows * cols]]
    lines = [torch.cat(grids[row * cols : (row + 1) * cols], dim=1) for row in range(rows)]
    return torch.cat(lines).unsqueeze(0)


def chat_ids() -> list[int]:
    return [*ids_before_pictures(chat_text(), PRESETS[0].architecture, None)[0]]


def tiles_differ(whole: Any, size: tuple[int, int]) -> list[str]:
    """Taps of the tiles that are not the library's."""
    pixels, canvas = library_tiles(size), canvas_of(size, 224)
    expected = reference(whole, pixels, [*chat_ids(), *[PLACEHOLDER] * CELLS * len(pixels), 7, 8, 9])
    found = built("tiles").encode(clips_of(size), TAPS)
    wrong = []
    for tap in TAPS:
        theirs = by_hand(expected[tap], canvas.rows, canvas.cols)
        same = found[tap].tokens[0].shape == theirs.shape
        if not same or not torch.allclose(found[tap].tokens[0], theirs, rtol=1e-5, atol=1e-5):
            wrong.append(tap)
    return wrong


@pytest.mark.parametrize("size", SIZES)
def test_tiles_equal_the_librarys_processor_and_whole_model(whole: Any, size: tuple[int, int]) -> None:
    assert canvas_of(size, 224).thumbnail
    assert tiles_differ(whole, size) == []


def _swapped(cut: Any) -> Any:
    return lambda frames, canvas, px: cut(frames, canvas, px).flip(1)


def _columns(join: Any) -> Any:
    def by_columns(tokens: Tensor, canvas: Canvas) -> Tensor:
        order = torch.arange(canvas.tiles).view(canvas.rows, canvas.cols).T.flatten()
        found: Tensor = join(tokens[:, order], canvas)
        return found

    return by_columns


@pytest.mark.parametrize(("name", "fault"), [("cut_tiles", _swapped), ("join_tiles", _columns)])
def test_planted_faults_of_order_are_seen_at_every_tap(
    whole: Any, monkeypatch: pytest.MonkeyPatch, name: str, fault: Callable[[Any], Any]
) -> None:
    monkeypatch.setattr(views, name, fault(getattr(views, name)))
    assert tiles_differ(whole, (60, 90)) == TAPS


def test_a_thumbnail_read_first_is_seen_by_the_language_model(whole: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    right = views.TilesEncoder.read_language

    def first(self: Any, language: Any, tokens: Tensor, depths: Any) -> dict[int, Tensor]:
        states = right(self, language, tokens.roll(CELLS, 1), depths)
        return {depth: state.roll(-CELLS, 1) for depth, state in states.items()}

    monkeypatch.setattr(views.TilesEncoder, "read_language", first)
    assert tiles_differ(whole, (60, 90)) == ["llm.01", "llm.03"]


@pytest.mark.parametrize("size", SIZES)
def test_chat_equals_the_whole_model_and_what_follows_cannot_matter(whole: Any, size: tuple[int, int]) -> None:
    clips = clips_of(size)
    pixels = squash(clips, 224, MEAN, STD)
    found = built("chat").encode(clips, TAPS)
    for behind in ([], [7, 8, 9]):
        expected = reference(whole, pixels, [*chat_ids(), *[PLACEHOLDER] * CELLS, *behind])
        for tap in TAPS:
            assert_same(found, tap, by_hand(expected[tap], 1, 1))


def test_what_stands_before_the_picture_matters_to_the_language_model_alone() -> None:
    chat, bare = (built(view).encode(clips_of((60, 90)), TAPS) for view in ("chat", ""))
    for tap in TAPS:
        moved = (chat[tap].tokens - bare[tap].tokens).abs().amax(-1)
        assert (moved.min() > 1e-4) if tap.startswith("llm") else (moved.max() == 0), tap


@pytest.mark.parametrize("size", SIZES)
def test_a_video_equals_the_whole_model(whole: Any, size: tuple[int, int]) -> None:
    clips = clips_of(size, frames=3)
    pieces = ids_before_pictures(video_text(3), PRESETS[0].architecture, None)
    ids = [token for piece in pieces for token in [*piece, *[PLACEHOLDER] * CELLS]]
    expected = reference(whole, squash(clips, 224, MEAN, STD), [*ids, 7, 8])
    found = built("video").encode(clips, TAPS)
    for tap in TAPS:
        side = round(expected[tap].shape[1] ** 0.5)
        assert_same(found, tap, expected[tap].view(3, side, side, -1))


def test_frames_of_a_video_see_earlier_frames_only() -> None:
    clips = clips_of((60, 90), frames=3)
    changed = clips.clone()
    changed[:, 1] = 0
    encoder = built("video")
    before, after = (encoder.encode(each, ["llm.02"])["llm.02"].tokens for each in (clips, changed))
    moved = (before - after).abs().amax((0, 2, 3, 4)) > 1e-5
    assert moved.tolist() == [False, True, True]


def test_views_are_encoders_of_their_own_names(spec: EncoderSpec) -> None:
    assert spec.expand is not None
    tiles = spec.expand("tiles")
    assert (tiles.name, tiles.view_of, tiles.fixed_input) == ("internvl2_tiny:tiles", "internvl2_tiny", True)
    assert len({str(spec.expand(view).preprocessing) for view in ("tiles", "chat", "video")}) == 3
    for argument in ("hires", ""):
        with pytest.raises(CandidateError, match=rf"internvl2_tiny:{argument} is not on offer; there are .*:chat"):
            spec.expand(argument)


@pytest.mark.parametrize(
    ("view", "side", "message"),
    [
        ("tiles", 448, "internvl2_tiny:tiles at 448 px: its tiles are of 224 px; ask for 224"),
        ("tiles", 112, "its tiles are of 224 px; ask for 224"),
        ("chat", 100, "gives no whole 2x2 groups of 14 px patches"),
        ("video", 14, "gives no whole 2x2 groups of 14 px patches"),
    ],
)
def test_sides_that_a_view_cannot_take_are_refused(view: str, side: int, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        built(view, input_px=side)


def test_facts_tell_the_view_and_that_ids_are_stand_ins() -> None:
    facts = built("tiles").facts()
    assert "thumbnail" in facts["view"]
    assert "stand-in ids" in facts["prompt"]
