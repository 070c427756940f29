"""Every fusion as a module: sizes, starting points, grids, frames, refusals."""

from __future__ import annotations

from collections.abc import Sequence

import foresight_fusion
import pytest
import torch
from foresight_harness.contracts.errors import GridError
from foresight_harness.contracts.specs import GridShape
from torch import Tensor, nn

torch.set_num_threads(1)

SPECS = {spec.name: spec for spec in foresight_fusion.foresight_fusions()}
LIGHT = [name for name in SPECS if name != "qformer_asdrawn"]
"""All but the one that has 52M parameters at any width."""
STREAMS = (GridShape(5, 3, 24, frames=2), GridShape(4, 6, 40, frames=2))
SPATIAL_FIRST = (GridShape(32, 32, 1536), GridShape(16, 16, 3584))


def built(name: str, shapes: Sequence[GridShape] = STREAMS, seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    module = SPECS[name].build(shapes)
    assert isinstance(module, nn.Module)
    return module


def tokens(shapes: Sequence[GridShape] = STREAMS, batch: int = 2, seed: int = 1) -> list[Tensor]:
    generator = torch.Generator().manual_seed(seed)
    sizes = [(batch, shape.frames, shape.rows, shape.cols, shape.width) for shape in shapes]
    return [torch.randn(size, generator=generator) for size in sizes]


def disturbed(module: nn.Module) -> nn.Module:
    """Away from its starting point, where zero branches would hide what they do."""
    generator = torch.Generator().manual_seed(9)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=generator) * 0.05)
    return module.eval()


@pytest.mark.parametrize(
    ("name", "millions", "tolerance"),
    [
        ("qformer", 20.0, 2.0),
        ("dual_stream", 10.0, 1.0),
        ("qformer_asdrawn", 56.9, 0.05),
        ("dual_stream_asdrawn", 4.6, 0.05),
    ],
)
def test_parameters_meet_the_budget_or_the_count_of_the_drawing(name: str, millions: float, tolerance: float) -> None:
    shapes = SPATIAL_FIRST if "dual" in name else SPATIAL_FIRST[::-1]
    with torch.device("meta"):
        counted = sum(parameter.numel() for parameter in built(name, shapes).parameters())
    assert counted / 1e6 == pytest.approx(millions, abs=tolerance)


def test_the_drawn_adapter_shrinks_at_the_true_width_of_the_vision_tower() -> None:
    with torch.device("meta"):
        module = built("dual_stream_asdrawn", (GridShape(32, 32, 1280), GridShape(16, 16, 3584)))
    assert sum(parameter.numel() for parameter in module.parameters()) / 1e6 == pytest.approx(4.5, abs=0.06)


@pytest.mark.parametrize("name", ["film", "gated", "dual_stream", "perceiver", "qformer"])
def test_small_widths_get_small_modules(name: str) -> None:
    small = (GridShape(4, 4, 32), GridShape(4, 4, 64))
    assert sum(parameter.numel() for parameter in built(name, small).parameters()) < 150_000


@pytest.mark.parametrize("name", ["film", "gated", "dual_stream"])
def test_before_training_the_first_stream_comes_out_unchanged(name: str) -> None:
    assert torch.equal(built(name)(tokens()), tokens()[0])


@pytest.mark.parametrize("name", LIGHT)
def test_after_one_step_gradients_reach_every_parameter(name: str) -> None:
    module = built(name)
    target = torch.randn_like(module(tokens()))
    optimizer = torch.optim.Adam(module.parameters(), lr=1e-2)
    for _ in range(2):
        optimizer.zero_grad()
        (module(tokens()) - target).square().mean().backward()
        silent = [key for key, value in module.named_parameters() if value.grad is None]
        assert silent == []
        optimizer.step()
    silent = [key for key, value in module.named_parameters() if value.grad is None or not value.grad.abs().sum() > 0]
    assert silent == []


@pytest.mark.parametrize("name", LIGHT)
def test_frames_do_not_mix(name: str) -> None:
    module = disturbed(built(name))
    together = module(tokens())
    assert torch.allclose(together[:, :1], module([grid[:, :1] for grid in tokens()]), atol=1e-5)


@pytest.mark.parametrize("name", LIGHT)
def test_one_module_serves_other_grids_than_it_was_built_for(name: str) -> None:
    others = (GridShape(7, 2, 24), GridShape(3, 3, 40))
    promised = SPECS[name].output_shape(others)
    made = built(name)(tokens(others))
    assert tuple(made.shape) == (2, promised.frames, promised.rows, promised.cols, promised.width)


def test_the_drawn_qformer_runs_and_learns() -> None:
    module = built("qformer_asdrawn")
    made = module(tokens())
    assert tuple(made.shape) == (2, 2, 1, 64, 128)
    made.square().mean().backward()
    assert [key for key, value in module.named_parameters() if value.grad is None] == []


@pytest.mark.parametrize("name", LIGHT)
def test_unequal_frames_are_refused(name: str) -> None:
    first, second = tokens()
    with pytest.raises(GridError, match=r"equal frames, got \[2, 1\]"):
        built(name)([first, second[:, :1]])


@pytest.mark.parametrize("name", LIGHT)
def test_another_number_of_streams_than_was_built_for_is_refused(name: str) -> None:
    with pytest.raises(GridError, match="2 streams, got 1"):
        built(name)(tokens()[:1])


@pytest.mark.parametrize("name", ["film", "gated"])
def test_three_streams_fuse(name: str) -> None:
    shapes = (*STREAMS, GridShape(2, 2, 8, frames=2))
    module, grids = disturbed(built(name, shapes)), tokens(shapes)
    made = module(grids)
    assert made.shape == grids[0].shape
    assert not torch.equal(made, module([*grids[:2], grids[2] + 1]))
