"""Built-in extractors by hand."""

from __future__ import annotations

import pytest
import torch
from foresight_harness.contracts.errors import GridError
from foresight_harness.parts.grid_modules.extractors import ConcatExtractor, MultiScaleExtractor, TapExtractor


def test_tap_returns_its_input() -> None:
    grid = torch.randn(1, 1, 2, 3, 4)
    assert TapExtractor()([grid]) is grid


def test_concat_keeps_the_order_written() -> None:
    first, second = torch.zeros(1, 1, 1, 1, 2), torch.ones(1, 1, 1, 1, 1)
    assert ConcatExtractor()([first, second]).flatten().tolist() == [0.0, 0.0, 1.0]


def test_multi_scale_starts_as_the_mean_of_its_taps() -> None:
    grids = [torch.full((1, 1, 2, 2, 3), value) for value in (0.0, 3.0, 9.0)]
    assert torch.allclose(MultiScaleExtractor(3)(grids), torch.full((1, 1, 2, 2, 3), 4.0))


def test_multi_scale_weights_follow_the_softmax() -> None:
    module = MultiScaleExtractor(2)
    with torch.no_grad():
        module.logits.copy_(torch.tensor([0.0, 3.0]).log().nan_to_num(neginf=-1e9))
    grids = [torch.full((1, 1, 1, 1, 1), value) for value in (5.0, 7.0)]
    assert module(grids).item() == pytest.approx(7.0)


def test_multi_scale_learns_its_weights() -> None:
    module = MultiScaleExtractor(2)
    module([torch.zeros(1, 1, 2, 2, 3), torch.ones(1, 1, 2, 2, 3)]).sum().backward()
    assert module.logits.grad is not None
    assert (module.logits.grad != 0).all()


def test_multi_scale_keeps_the_dtype_of_its_taps() -> None:
    grids = [torch.ones(1, 1, 2, 2, 3, dtype=torch.bfloat16)] * 2
    assert MultiScaleExtractor(2)(grids).dtype == torch.bfloat16


@pytest.mark.parametrize("module", [ConcatExtractor(), MultiScaleExtractor(2)])
def test_unequal_frames_are_refused(module: torch.nn.Module) -> None:
    with pytest.raises(GridError, match="one grid"):
        module([torch.zeros(1, 1, 2, 2, 3), torch.zeros(1, 2, 2, 2, 3)])


def test_multi_scale_refuses_another_number_of_taps() -> None:
    with pytest.raises(GridError, match="built for 3 taps, got 2"):
        MultiScaleExtractor(3)([torch.zeros(1, 1, 2, 2, 3)] * 2)
