"""Streams are read together by sample, wherever each of them is cut; streams of other samples are refused."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
import torch
from foresight_harness.contracts.batches import TensorBatches
from foresight_harness.contracts.errors import GridError
from foresight_harness.contracts.pairing import paired, placed, require_same_samples
from torch import Tensor

COUNT = 23
NUMBERS = torch.arange(COUNT, dtype=torch.float32).reshape(COUNT, 1, 1, 1, 1)
NAMES = tuple(f"picture-{number}" for number in range(COUNT))


@dataclass(frozen=True)
class Uneven:
    """Samples in batches of the given sizes, whatever number it says."""

    sizes: tuple[int, ...]
    says: int = COUNT
    ids: tuple[str, ...] = ()

    def __len__(self) -> int:
        return self.says

    def __iter__(self) -> Iterator[Tensor]:
        return iter(torch.split(torch.arange(sum(self.sizes)), self.sizes))


@pytest.mark.parametrize("sizes", [(23,), (7, 7, 7, 2), (1,) * 23, (2, 20, 1), (0, 11, 0, 12)])
def test_samples_of_one_number_meet_wherever_the_streams_are_cut(sizes: tuple[int, ...]) -> None:
    met = list(paired("test", TensorBatches(NUMBERS, 5), Uneven(sizes), TensorBatches(NUMBERS, 64)))
    assert [len(first) for first, _, _ in met] == [5, 5, 5, 5, 3]
    for first, second, third in met:
        assert first.flatten().tolist() == second.tolist() == third.flatten().tolist()
    assert torch.cat([second for _, second, _ in met]).tolist() == list(range(COUNT))


def test_batches_that_fit_are_handed_on_without_a_copy() -> None:
    for first, second in paired("test", TensorBatches(NUMBERS, 6), TensorBatches(NUMBERS, 6)):
        assert first.data_ptr() == second.data_ptr()


def test_streams_of_unequal_numbers_are_refused_before_anything_is_read() -> None:
    with pytest.raises(GridError, match=r"^planted: 23 samples beside 22; read both over the same split$"):
        paired("planted", TensorBatches(NUMBERS), TensorBatches(NUMBERS[1:]))


def test_streams_in_another_order_are_refused_with_the_first_sample_that_differs() -> None:
    turned = (*NAMES[:4], NAMES[5], NAMES[4], *NAMES[6:])
    with pytest.raises(GridError, match=r"^planted: sample 4 is 'picture-4' in one stream and 'picture-5' in another"):
        paired("planted", TensorBatches(NUMBERS, ids=NAMES), Uneven((23,)), Uneven((23,), ids=turned))


def test_names_that_are_fewer_than_samples_are_refused() -> None:
    with pytest.raises(GridError, match="22 names for 23 samples"):
        require_same_samples("planted", TensorBatches(NUMBERS, ids=NAMES[1:]), TensorBatches(NUMBERS))


@pytest.mark.parametrize(
    ("sizes", "message"), [((9, 13), "22 samples came where 23 are known"), ((9, 15), "than the 23")]
)
@pytest.mark.parametrize("leads", [True, False])
def test_a_stream_that_gives_another_number_than_it_says_is_refused(
    sizes: tuple[int, ...], message: str, leads: bool
) -> None:
    wrong, right = Uneven(sizes), TensorBatches(NUMBERS, 10)
    number = 1 if leads else 2
    with pytest.raises(GridError, match=f"planted: stream {number}: .*{message}"):
        list(paired("planted", *((wrong, right) if leads else (right, wrong))))


def test_a_stream_that_goes_on_after_the_last_sample_is_refused() -> None:
    with pytest.raises(GridError, match="more samples came than the 23"):
        list(paired("planted", TensorBatches(NUMBERS, 10), Uneven((10, 13, 1))))


def test_places_say_which_samples_a_batch_holds() -> None:
    found = [(place.start, place.stop) for place, _ in placed("test", Uneven((9, 13, 1)), COUNT)]
    assert found == [(0, 9), (9, 22), (22, 23)]
    with pytest.raises(GridError, match="planted: 23 samples came where 24 are known"):
        list(placed("planted", Uneven((9, 13, 1)), 24))
