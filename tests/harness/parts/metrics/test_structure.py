from __future__ import annotations

import math

import pytest
import torch
from foresight_harness.contracts.errors import GridError, UsageError
from foresight_harness.parts.metrics.structure import effective_rank, local_distant_similarity, silhouette
from sklearn.metrics import silhouette_score
from torch import Tensor
from torch.nn import functional as F


def brute_force(cells: Tensor) -> float:
    """Pair by pair. [H, W, C]"""
    rows, cols = cells.shape[:2]
    near, far = [], []
    for a in range(rows * cols):
        for b in range(a):
            distance = abs(a // cols - b // cols) + abs(a % cols - b % cols)
            value = float(F.cosine_similarity(cells[a // cols, a % cols], cells[b // cols, b % cols], dim=0))
            if distance == 1:
                near.append(value)
            elif distance >= (rows + cols) / 2:
                far.append(value)
    return sum(near) / len(near) - sum(far) / len(far)


def test_local_distant_similarity_equals_pairs_counted_one_by_one(generator: torch.Generator) -> None:
    tokens = torch.randn(2, 3, 4, 5, 6, generator=generator) + 0.5
    expected = [sum(brute_force(frame) for frame in sample) / 3 for sample in tokens]
    assert local_distant_similarity(tokens).tolist() == pytest.approx(expected, abs=1e-6)


def test_local_distant_similarity_by_hand() -> None:
    # A row of four: 1 1 | -1 -1. Neighbours 1, -1, 1; at least 2.5 apart only the ends, -1.
    tokens = torch.tensor([1.0, 1.0, -1.0, -1.0]).reshape(1, 1, 1, 4, 1)
    assert local_distant_similarity(tokens).item() == pytest.approx(1 / 3 + 1)


def test_places_in_random_order_lose_their_structure(generator: torch.Generator) -> None:
    smooth = F.interpolate(torch.randn(8, 16, 3, 3, generator=generator), (12, 12), mode="bilinear")
    tokens = smooth.permute(0, 2, 3, 1).unsqueeze(1)
    order = torch.randperm(144, generator=generator)
    shuffled = tokens.flatten(2, 3)[:, :, order].reshape(tokens.shape)
    assert local_distant_similarity(tokens).min() > 0.5
    assert local_distant_similarity(shuffled).abs().max() < 0.2


@pytest.mark.parametrize("size", [(1, 1), (1, 2), (2, 1)])
def test_grid_without_distant_cells_is_nan(size: tuple[int, int]) -> None:
    assert local_distant_similarity(torch.ones(2, 1, *size, 3)).isnan().tolist() == [True, True]


def test_unusable_grids_are_refused() -> None:
    with pytest.raises(GridError, match=r"\[B, T, H, W, C\], got shape \(2, 3, 4\)"):
        local_distant_similarity(torch.zeros(2, 3, 4))
    with pytest.raises(GridError, match="not finite"):
        local_distant_similarity(torch.full((1, 1, 3, 3, 2), math.nan))


@pytest.mark.parametrize("shape", [(50, 8), (8, 50)])
def test_effective_rank_equals_the_entropy_of_singular_values(
    shape: tuple[int, int], generator: torch.Generator
) -> None:
    rows = torch.randn(*shape, generator=generator, dtype=torch.float64) + 3
    singular = torch.linalg.svdvals(rows - rows.mean(0))
    share = singular[singular > 1e-9] / singular.sum()
    assert effective_rank(rows) == pytest.approx(math.exp(-float((share * share.log()).sum())), rel=1e-6)


def test_effective_rank_by_hand() -> None:
    # Three orthogonal directions of equal length are rank 3; one direction is rank 1; no direction is undefined.
    cross = torch.cat([torch.eye(3), -torch.eye(3)])
    assert effective_rank(cross) == pytest.approx(3.0)
    assert effective_rank(torch.arange(6.0)[:, None] * torch.ones(1, 40) + 7) == pytest.approx(1.0, abs=1e-3)
    assert math.isnan(effective_rank(torch.full((5, 3), 0.1)))


def test_rounding_adds_no_directions_to_the_effective_rank(generator: torch.Generator) -> None:
    line = torch.randn(400, 1, generator=generator, dtype=torch.float64) * torch.rand(300, generator=generator)
    assert effective_rank(line) == pytest.approx(1.0, abs=1e-9)


def test_effective_rank_of_one_row_is_refused() -> None:
    with pytest.raises(GridError, match="1 rows, but this metric needs at least 2"):
        effective_rank(torch.ones(1, 3))


def test_silhouette_by_hand(generator: torch.Generator) -> None:
    # Own class 1 away, the other 9.5 on average: (9.5 - 1) / 9.5, and (10.5 - 1) / 10.5 for the outer two.
    rows = torch.tensor([[0.0], [1.0], [10.0], [11.0]])
    values = silhouette(rows, ["a", "a", "b", "b"], generator=generator)
    assert values.tolist() == pytest.approx([9.5 / 10.5, 8.5 / 9.5, 8.5 / 9.5, 9.5 / 10.5])


def test_silhouette_marks_samples_that_were_not_drawn(generator: torch.Generator) -> None:
    rows = torch.randn(30, 4, generator=generator)
    labels = [index % 3 for index in range(30)]
    values = silhouette(rows, labels, generator=generator, most=12)
    drawn = ~values.isnan()
    assert int(drawn.sum()) == 12
    kept = [label for label, used in zip(labels, drawn.tolist(), strict=True) if used]
    assert float(values[drawn].mean()) == pytest.approx(float(silhouette_score(rows[drawn].numpy(), kept)), abs=1e-5)


@pytest.mark.parametrize("labels", [["a"] * 4, ["a", "b", "c", "d"]])
def test_silhouette_without_classes_to_compare_is_refused(labels: list[str], generator: torch.Generator) -> None:
    with pytest.raises(UsageError, match=r"silhouette of 4 samples in \d classes: 2 to 3 are needed"):
        silhouette(torch.eye(4), labels, generator=generator)
    with pytest.raises(GridError, match="4 rows have 3 labels"):
        silhouette(torch.eye(4), labels[:3], generator=generator)
