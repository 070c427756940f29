"""Captions, pictures and rates of nano VLMs."""

from __future__ import annotations

import torch
from foresight_vlm_kit.nano.captions import MOST, NONE, Things, bins_of, captions, of_other_pictures
from foresight_vlm_kit.nano.loop import Choices, rate_at
from foresight_vlm_kit.nano.pictures import Pool, close_kind, close_shape, held_out
from foresight_vlm_kit.nano.rates import rates
from foresight_vlm_kit.nano.words import BINS, COLUMN, END, IDS, PADDING, ROW, colour_word, kind_word
from torch import Tensor, nn


def things(*pictures: list[tuple[int, int, float, float]]) -> Things:
    colours, kinds = (torch.full((len(pictures), MOST), NONE) for _ in range(2))
    places = torch.zeros(len(pictures), MOST, 2)
    for row, labels in enumerate(pictures):
        for place, (colour, kind, x, y) in enumerate(labels):
            colours[row, place], kinds[row, place] = colour, kind
            places[row, place] = torch.tensor([x, y])
    return Things(colours, kinds, places)


STAR, DISC, RED = kind_word("star"), kind_word("disc"), colour_word("red")


def test_captions_tell_colour_kind_and_where_asked_column_and_row() -> None:
    shown = things([(RED, STAR, 0.0, 0.99), (NONE, DISC, 0.5, 0.25)], [(RED, DISC, 0.1, 0.1)])
    assert captions(shown, "what").tolist() == [[RED, STAR, DISC, END], [RED, DISC, END, PADDING]]
    first = [RED, STAR, COLUMN, ROW + 15, DISC, COLUMN + 8, ROW + 4, END]
    assert captions(shown, "where")[0].tolist() == first


def test_every_word_has_one_id_within_the_vocabulary() -> None:
    assert len(set(IDS.values())) == len(IDS)
    assert max(IDS.values()) < 250
    assert kind_word("circle") == kind_word("disc")


def test_sham_places_are_real_ones_of_other_pictures() -> None:
    rows = [[(RED, STAR, (4 * row + each) / 64, row / 16) for each in range(4)] for row in range(16)]
    shown = things(*rows)
    given = of_other_pictures(shown)
    real = shown.kinds != NONE
    assert not (given[..., 1] == shown.places[..., 1])[real].any()
    assert sorted(given[real][:, 0].tolist()) == sorted(shown.places[real][:, 0].tolist())
    assert captions(shown, "sham").shape == captions(shown, "where").shape


def test_turned_pictures_keep_what_is_said_of_them() -> None:
    pixels = torch.zeros(1, 3, 32, 32, dtype=torch.uint8)
    pixels[0, :, 4, 26] = 255
    pool = Pool(pixels, things([(RED, STAR, 26.5 / 32, 4.5 / 32)]), "")
    seen = set()
    for seed in range(40):
        turned, shown, corners = pool.draw(torch.Generator().manual_seed(seed), 1)
        assert corners is None
        row, column = divmod(int(turned[0, 0].argmax()), 32)
        assert bins_of(shown.places)[0, 0].tolist() == [column // 2, row // 2]
        seen.add((row, column))
    assert len(seen) == 8


def test_close_ups_are_told_as_parts_of_whole_pictures() -> None:
    pixels = torch.zeros(1, 3, 112, 112, dtype=torch.uint8)
    pixels[0, :, 20, 100] = 255
    pool = Pool(pixels, things([(RED, STAR, 100.5 / 112, 20.5 / 112)]), "")
    for seed in range(10):
        close, shown, corners = pool.draw(torch.Generator().manual_seed(seed), 3)
        assert corners is not None
        for picture, places, corner in zip(close, shown.places, corners, strict=True):
            row, column = divmod(int(picture[0].argmax()), 112)
            whole = torch.tensor([column + 28 * corner[1] + 0.5, row + 28 * corner[0] + 0.5]) / 224
            torch.testing.assert_close(places[0], whole)
            assert corner.max() <= 4


def test_close_ups_show_their_object_whole_and_held_out_pictures_one_to_five() -> None:
    for index in range(8):
        for picture, labels in (close_shape(index), close_kind(index)):
            assert picture.shape == (3, 64, 64)
            ((_, _, x, y),) = labels
            assert 0 < x < 1
            assert 0 < y < 1
    pool = held_out(6)
    counts = (pool.things.kinds != NONE).sum(1)
    assert counts.min() >= 1
    assert counts.max() <= MOST
    assert pool.pixels.shape == (6, 3, 224, 224)


def test_rates_count_places_within_one_bin_and_blind_ones_under_another_picture() -> None:
    pool = Pool(
        torch.tensor([0, 255], dtype=torch.uint8).view(2, 1, 1, 1).expand(2, 3, 4, 4),
        things([(RED, STAR, 0.1, 0.1)], [(RED, DISC, 0.9, 0.9)]),
        "",
    )
    kinds = (STAR, DISC)

    def read(model: nn.Module, pixels: Tensor, words: Tensor) -> Tensor:
        """Sees the kind, one column too far, and never the row."""
        scores = torch.zeros(len(words), words.shape[1], 256)
        for row, picture in enumerate(pixels.mean((1, 2, 3))):
            shown = int(picture > 0.5)
            told = (RED, kinds[shown], COLUMN + (2, 15)[shown], ROW + 7)
            for place, word in enumerate(told[: words.shape[1]]):
                scores[row, place, word] = 1
        return scores

    found = rates(nn.Identity(), read, pool, "where")
    assert found == {
        **{"colour": 1.0, "kind": 1.0, "exact": 0.0, "within_one": 0.5},
        **{"blind_colour": 1.0, "blind_kind": 0.0, "blind_exact": 0.0, "blind_within_one": 0.0},
    }
    assert set(rates(nn.Identity(), read, pool, "what")) == {"colour", "kind", "blind_colour", "blind_kind"}


def test_the_rate_rises_and_then_falls_to_nothing() -> None:
    choices = Choices("what", close_steps=300, kinds_steps=50, whole_steps=50)
    assert rate_at(0, choices) < rate_at(choices.warm_up, choices) == choices.rate
    assert rate_at(choices.steps, choices) == 0 < rate_at(choices.steps - 1, choices)
    assert BINS == 16
