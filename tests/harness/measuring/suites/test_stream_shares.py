"""What suite ``spatial`` keeps of a fusion's attention, where a run asks for it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import ClassVar

import pytest
import torch
from foresight_harness.contracts.errors import UsageError
from foresight_harness.contracts.specs import FusionSpec
from foresight_harness.planning.options import DatasetChoice, RunOptions
from torch import Tensor, nn

BOTH = "pixels@patch+pooled2:pixels@patch/identity/{}/linear"


class Told(nn.Module):
    """Gives its first stream, and the shares that it is told: of the second a quarter, at the right edge none."""

    asked: ClassVar[list[int]] = []
    """Pictures of every call for shares."""

    def __init__(self, total: float = 1.0, streams: int = 2) -> None:
        super().__init__()
        self.total, self.streams = total, streams

    def forward(self, grids: Sequence[Tensor]) -> Tensor:
        return grids[0]

    def stream_shares(self, grids: Sequence[Tensor]) -> Tensor:
        Told.asked.append(len(grids[0]))
        shares = torch.zeros(*grids[0].shape[:2], 3, 4, self.streams)
        shares[..., 1] = 0.25 * self.total
        shares[:, :, :, -1, 1] = 0
        shares[..., 0] = self.total - shares[..., 1]
        return shares


@pytest.fixture
def registry(builtins):
    """The harness's own offers, ``told``, and two whose shares break the contract."""
    Told.asked.clear()
    kinds = {"told": {}, "short": {"total": 0.5}, "third": {"streams": 3}}
    specs = {
        name: FusionSpec(
            name, build=partial(_build, kind), output_shape=lambda shapes: shapes[0], streams=(1, None), trainable=False
        )
        for name, kind in kinds.items()
    }
    return replace(builtins, fusions={**builtins.fusions, **specs})


def _build(kind, shapes):
    return Told(**kind)


def kept(keeper, registry, planned, candidate: str) -> list[dict]:
    """``stream_shares`` of each record of a cell that holds any."""
    cell = planned(registry, candidate, "spatial")
    keeper.plan([cell])
    keeper.run_cell(cell)
    keeper.folder.records()
    lines = [json.loads(line) for line in (keeper.folder.path / "records.jsonl").read_text().splitlines()]
    own = [line for line in lines if line["candidate"] == candidate]
    assert len(own) > 1
    return [line["details"]["stream_shares"] for line in own if "stream_shares" in line["details"]]


@pytest.mark.usefixtures("few_pictures")
def test_shares_of_the_first_pictures_stand_in_one_record_by_stream_row_and_column(
    make_keeper, registry, planned
) -> None:
    keeper = make_keeper(registry, stream_shares=2)
    (found,) = kept(keeper, registry, planned, BOTH.format("told"))
    assert found["streams"] == ["pixels@patch", "pooled2:pixels@patch"]
    assert found["even"] == [0.8, 0.2], "the second has a quarter of the first one's tokens"
    assert found["mean"] == pytest.approx([1 - 0.1875, 0.1875], abs=1e-4)
    assert [picture["sample"] for picture in found["pictures"]] == _first(keeper, 2)
    assert found["pictures"][1]["shares"] == [[[0.75, 0.75, 0.75, 1.0]] * 3, [[0.25, 0.25, 0.25, 0.0]] * 3]
    assert Told.asked == [2]


@pytest.mark.usefixtures("few_pictures")
def test_where_nobody_asks_the_fusion_is_not_asked(make_keeper, registry, planned) -> None:
    assert kept(make_keeper(registry), registry, planned, BOTH.format("told")) == []
    assert Told.asked == []


@pytest.mark.usefixtures("few_pictures")
@pytest.mark.parametrize("candidate", [BOTH.format("concat"), "pixels@patch/identity/told/linear"])
def test_a_fusion_that_does_not_attend_and_one_stream_keep_nothing(make_keeper, registry, planned, candidate) -> None:
    assert kept(make_keeper(registry, stream_shares=2), registry, planned, candidate) == []


@pytest.mark.usefixtures("few_pictures")
@pytest.mark.parametrize(
    ("fusion", "said"),
    [("short", "sum to 1, these are off by 0.5"), ("third", r"\(2, 1, 3, 4, 3\), wanted .* 2 streams")],
)
def test_shares_that_break_the_contract_are_one_line_and_no_figure(
    make_keeper, registry, planned, fusion, said
) -> None:
    keeper = make_keeper(registry, stream_shares=2)
    with pytest.raises(Exception, match=rf"{fusion}\.stream_shares.*{said}"):
        kept(keeper, registry, planned, BOTH.format(fusion))


@pytest.mark.parametrize("count", [-1, 101])
def test_a_number_of_pictures_that_cannot_be_is_refused(count: int) -> None:
    with pytest.raises(UsageError, match=rf"^--stream-shares {count}: of 0 to 100 pictures$"):
        RunOptions(stream_shares=count)


def _first(keeper, count: int) -> list[str]:
    """Names of the first test pictures, from the data set itself."""
    dataset = keeper.workshop.splits.built(DatasetChoice("shapes"), "test")
    return [dataset[index].id for index in range(count)]
