from __future__ import annotations

from importlib.util import find_spec

import numpy as np
import pytest
import torch
from foresight_harness.contracts.batches import Labels, TensorBatches
from foresight_harness.judging.analyses import embeddings
from foresight_harness.measuring.suites import kept_tokens
from foresight_harness.measuring.suites.kept_tokens import for_maps, for_similarity, pooled, principal
from foresight_harness.parts.metrics.cka import linear_cka
from foresight_harness.planning.options.declared import MAP_TOKENS


@pytest.fixture
def generator() -> torch.Generator:
    return torch.Generator().manual_seed(0)


@pytest.mark.parametrize("shape", [(20, 50), (50, 7)])
def test_all_principal_directions_keep_every_inner_product(shape: tuple[int, int], generator: torch.Generator) -> None:
    rows = torch.randn(*shape, generator=generator) + 3
    turned = principal(rows, shape[0])
    centred = (rows - rows.mean(0)).numpy()
    assert np.allclose(turned @ turned.T, centred @ centred.T, atol=1e-4)
    assert np.all(np.diff(np.var(turned, axis=0)) <= 1e-5)
    assert np.allclose(principal(rows, 3), turned[:, :3])


def test_rows_that_differ_by_rounding_have_no_direction() -> None:
    assert not principal(torch.full((9, 4), 0.1) + 1e-9, 4).any()


def test_cka_of_what_is_kept_is_that_of_the_pooled_cells(generator: torch.Generator) -> None:
    grids = torch.randn(60, 2, 8, 8, 300, generator=generator)
    other = grids[..., :9].repeat_interleave(2, 2)[:, :, :12] + torch.randn(60, 2, 12, 8, 9, generator=generator)
    kept = [for_similarity("conditioning", pooled(grid)).features for grid in (grids, other)]
    assert kept[0].shape == (48 * 4, 48 * 4)
    expected = linear_cka(pooled(grids)[:48].flatten(0, 1), pooled(other)[:48].flatten(0, 1)).value
    assert linear_cka(*(torch.from_numpy(rows) for rows in kept)).value == pytest.approx(expected, abs=1e-5)


def test_pooled_cells_are_means_of_their_part_of_the_grid() -> None:
    rows, cols = torch.meshgrid(torch.arange(8.0), torch.arange(8.0), indexing="ij")
    grid = torch.stack([rows, cols], -1)[None, None]
    assert pooled(grid)[0].tolist() == [[0.5, 2.5], [2.5, 6.5], [4.5, 0.5], [6.5, 4.5]]


def test_maps_hold_tokens_of_objects_and_of_the_rest_with_their_places(generator: torch.Generator) -> None:
    foreground = torch.zeros(40, 1, 64, 64, dtype=torch.bool)
    foreground[:, :, :32, :32] = True
    names = [("cat",), ("dog",)] * 19 + [("cat", "dog"), ("cat",)]
    labels = Labels(tuple(map(str, range(40))), tuple(map(str, range(40))), [torch.zeros(1, 4)] * 40, foreground, names)
    tokens = torch.randn(40, 1, 8, 8, 6, generator=generator)
    parts = {part.part: part for part in for_maps(TensorBatches(tokens, 16), labels, covered=0.5, seed=0)}
    assert set(parts) == {"tokens", "tsne"} | ({"umap"} if find_spec("umap") else set())
    found = parts["tokens"]
    assert MAP_TOKENS * 0.8 < len(found.features) <= MAP_TOKENS
    assert parts["tsne"].features.shape == (len(found.features), 2)
    for picture, (frame, row, col), kind in zip(found.pictures, found.places, found.classes, strict=True):
        inside = row < 4 and col < 4
        assert frame == 0
        assert kind == (None if picture == 38 and inside else names[picture][0] if inside else "background")
    assert sum(kind != "background" for kind in found.classes) >= MAP_TOKENS / 2
    assert len({place for _, *place in [(0, *where) for where in found.places] for place in [tuple(place)]}) > 40


def test_as_many_tokens_are_mapped_as_asked_for_and_many_by_barnes_and_hut(
    generator: torch.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sklearn import manifold

    asked, made = [], manifold.TSNE

    def watched(*args, method, **how):
        asked.append(method)
        return made(*args, method=method, max_iter=250, **how)

    monkeypatch.setattr(manifold, "TSNE", watched)
    assert kept_tokens.EXACT == embeddings.EXACT
    foreground = torch.zeros(40, 1, 64, 64, dtype=torch.bool)
    labels = Labels(tuple(map(str, range(40))), tuple(map(str, range(40))), [torch.zeros(1, 4)] * 40, foreground)
    batches = TensorBatches(torch.randn(40, 1, 8, 8, 6, generator=generator), 16)
    monkeypatch.setattr(kept_tokens, "find_spec", lambda name: None)
    few, many = (for_maps(batches, labels, covered=0.5, seed=0, most=most) for most in (50, 1200))
    assert len(few[0].features) == 50
    assert kept_tokens.EXACT < len(many[0].features) <= 1200  # the two halves may have a token in common
    assert [parts[1].features.shape for parts in (few, many)] == [(len(parts[0].features), 2) for parts in (few, many)]
    assert asked == ["exact", "barnes_hut"]


def test_tokens_along_one_direction_have_no_map() -> None:
    labels = Labels(("a", "b"), ("a", "b"), [torch.zeros(1, 4)] * 2, torch.zeros(2, 1, 8, 8, dtype=torch.bool))
    tokens = torch.arange(96.0).reshape(2, 1, 4, 4, 3)[..., :1]
    parts = for_maps(TensorBatches(tokens), labels, covered=0.5, seed=0)
    assert [part.part for part in parts] == ["tokens"]
