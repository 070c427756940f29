"""A data set that counts its accesses."""

from __future__ import annotations

import pytest
from foresight_harness.contracts.specs import DataRequest
from foresight_harness.parts.datasets.shapes import Shapes
from foresight_harness.protocols import Sample


class Counted:
    """A data set of given samples that counts its accesses."""

    name, split, fingerprint = "counted", "test", "0"

    def __init__(self, samples: list[Sample]) -> None:
        self.samples = samples
        self.decoded: list[int] = []

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: int) -> Sample:
        self.decoded.append(index)
        return self.samples[index]


@pytest.fixture
def dataset_of() -> type[Counted]:
    return Counted


@pytest.fixture
def counted() -> Counted:
    drawn = Shapes(DataRequest("train", count=5, canvas_px=32))
    return Counted([drawn[index] for index in range(5)])
