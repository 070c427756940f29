"""Every design as a module: shapes, gradients, starting point, precision, repeatability, sizes."""

from __future__ import annotations

from collections.abc import Callable

import foresight_sem
import pytest
import torch
from foresight_harness.contracts.specs import GridShape
from foresight_harness.grids import resample_tokens
from torch import Tensor, nn

torch.set_num_threads(1)

SPECS = {spec.name: spec for spec in foresight_sem.foresight_enhancers() if spec.claimed_params}
"""The document's designs; what replaces a merger is in ``test_merging``."""
AS_BUILT = [name for name in SPECS if not name.endswith("asdrawn")]
AS_DRAWN = [name for name in SPECS if name.endswith("asdrawn")]
"""Not in the conformance kit: they keep no place or are slow to train."""
DOCUMENT = GridShape(16, 16, 3584)
SHAPE = GridShape(3, 5, 24, frames=2)

DRAWN_COUNTS = {
    "sem_coord_asdrawn": 53.2,
    "sem_deform_asdrawn": 39.8,
    "sem_deform_4_levels_asdrawn": 40.8,
    "sem_upsample_asdrawn": 6.2,
    "sem_asdrawn": 99.3,
}
"""Counted from the document's text, in millions."""


def built(name: str, shape: GridShape = SHAPE, seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    module = SPECS[name].build(shape)
    assert isinstance(module, nn.Module)
    return module


def tokens(shape: GridShape = SHAPE, batch: int = 3, seed: int = 1) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(batch, shape.frames, shape.rows, shape.cols, shape.width, generator=generator)


def count(name: str, shape: GridShape) -> int:
    with torch.device("meta"):
        return sum(parameter.numel() for parameter in built(name, shape).parameters())


def train(module: nn.Module, loss: Callable[[], Tensor], steps: int, rate: float = 1e-2) -> list[float]:
    optimizer = torch.optim.Adam(module.parameters(), lr=rate)
    losses = []
    for _ in range(steps):
        optimizer.zero_grad()
        value = loss()
        value.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        losses.append(value.item())
    return losses


@pytest.mark.parametrize("name", AS_BUILT)
def test_parameters_are_within_a_tenth_of_the_documents_claim_at_its_width(name: str) -> None:
    claimed = SPECS[name].claimed_params
    assert claimed is not None
    assert count(name, DOCUMENT) == pytest.approx(claimed, rel=0.1)


@pytest.mark.parametrize(("name", "millions"), DRAWN_COUNTS.items())
def test_parameters_as_drawn_are_those_counted_in_the_document(name: str, millions: float) -> None:
    assert count(name, DOCUMENT) / 1e6 == pytest.approx(millions, abs=0.05)


def test_the_stack_has_the_parameters_of_its_parts() -> None:
    parts = sum(count(name, DOCUMENT) for name in ("sem_coord", "sem_deform", "sem_upsample"))
    assert count("sem", DOCUMENT) == parts


@pytest.mark.parametrize("name", AS_BUILT)
def test_small_widths_get_small_modules(name: str) -> None:
    assert count(name, GridShape(4, 4, 64)) < 0.01 * count(name, DOCUMENT)


@pytest.mark.parametrize("name", list(SPECS))
@pytest.mark.parametrize("shape", [SHAPE, GridShape(7, 4, 16), GridShape(17, 20, 8), GridShape(1, 1, 8, frames=3)])
def test_planned_shape_is_the_shape_that_comes_out(name: str, shape: GridShape) -> None:
    promised = SPECS[name].output_shape(shape)
    made = built(name, shape)(tokens(shape, batch=2))
    assert tuple(made.shape) == (2, promised.frames, promised.rows, promised.cols, promised.width)
    assert torch.isfinite(made).all()


@pytest.mark.parametrize("name", list(SPECS))
def test_one_module_serves_other_grids_than_it_was_built_for(name: str) -> None:
    other = GridShape(9, 2, SHAPE.width)
    promised = SPECS[name].output_shape(other)
    assert tuple(built(name)(tokens(other)).shape[2:]) == (promised.rows, promised.cols, promised.width)


@pytest.mark.parametrize("name", ["sem_coord", "sem_deform", "sem_no_upsample"])
def test_before_training_the_grid_is_unchanged(name: str) -> None:
    assert torch.equal(built(name)(tokens()), tokens())


@pytest.mark.parametrize(("name", "factor"), [("sem_upsample", 2), ("sem_upsample_x4", 4), ("sem", 2), ("sem_x4", 4)])
def test_before_training_the_finer_grid_is_bilinear(name: str, factor: int) -> None:
    smooth = resample_tokens(tokens(), (factor * SHAPE.rows, factor * SHAPE.cols))
    assert torch.allclose(built(name)(tokens()), smooth, atol=1e-6)


@pytest.mark.parametrize("name", list(SPECS))
def test_after_one_step_gradients_reach_every_parameter(name: str) -> None:
    module = built(name)
    target = torch.randn_like(module(tokens()))
    train(module, lambda: (module(tokens()) - target).square().mean(), steps=1)
    module.zero_grad()
    (module(tokens()) - target).square().mean().backward()  # type: ignore[no-untyped-call]
    silent = [key for key, value in module.named_parameters() if value.grad is None or not value.grad.abs().sum() > 0]
    assert silent == []


@pytest.mark.parametrize("name", list(SPECS))
def test_every_parameter_has_a_gradient_from_the_first_step(name: str) -> None:
    module = built(name)
    module(tokens()).square().mean().backward()
    assert [key for key, value in module.named_parameters() if value.grad is None] == []


@pytest.mark.parametrize("name", AS_DRAWN)
def test_a_batch_gives_what_its_samples_give_alone(name: str) -> None:
    module = disturbed(built(name))
    together = module(tokens())
    alone = torch.cat([module(tokens()[index : index + 1]) for index in range(3)])
    assert torch.allclose(together, alone, atol=1e-4)


@pytest.mark.parametrize("name", list(SPECS))
def test_frames_do_not_mix(name: str) -> None:
    module = disturbed(built(name))
    together = module(tokens())
    assert torch.allclose(together[:, :1], module(tokens()[:, :1]), atol=1e-4)


@pytest.mark.parametrize("name", AS_DRAWN)
def test_half_precision_is_close_to_single_precision(name: str) -> None:
    module = disturbed(built(name))
    single = module(tokens())
    half = module.bfloat16()(tokens().bfloat16())
    assert half.dtype == torch.bfloat16
    assert (half.float() - single).square().mean().sqrt() < 0.1 * single.std()


def disturbed(module: nn.Module) -> nn.Module:
    """Away from its starting point, where zero branches would hide what they do."""
    generator = torch.Generator().manual_seed(9)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=generator) * 0.02)
    return module.eval()
