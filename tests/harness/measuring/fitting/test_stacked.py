"""Stacked fits against the same fits one by one."""

from __future__ import annotations

import pytest
import torch
from foresight_harness.contracts.errors import FitError
from foresight_harness.measuring.fitting import objectives, stacked
from foresight_harness.measuring.fitting.fitted import FitRequest, Fitted
from foresight_harness.measuring.fitting.objectives import fit_together
from foresight_harness.measuring.fitting.pathway import Pathway, Task
from foresight_harness.parts.training.recipe import Recipe
from foresight_harness.parts.training.trainer import train
from torch import Tensor, nn

torch.set_num_threads(1)

COUNT = 24


class Head(nn.Module):
    """A small head whose kinds of state can be chosen."""

    def __init__(self, extra: nn.Module | None = None) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.LayerNorm(6), nn.Linear(6, 8), nn.GELU(), extra or nn.Identity())
        self.leave = nn.Conv2d(8, 2, 3, padding=1)

    def forward(self, grid: Tensor) -> Tensor:
        """[b, T, H, W, 6] -> [b, T, H, W, 2]"""
        hidden = self.layers(grid).flatten(0, 1).permute(0, 3, 1, 2)
        return self.leave(hidden).permute(0, 2, 3, 1).unsqueeze(1)


def tasks(count: int = 3, *, extra: nn.Module | None = None, **changes: object) -> list[Task]:
    recipe = Recipe(**{"steps": 12, "batch": 5, "losses": ("latent_mse",), "learning_rate": 0.01, **changes})  # type: ignore[arg-type]
    found = []
    for seed in range(count):
        generator = torch.Generator().manual_seed(seed)
        grids = torch.randn(COUNT, 1, 3, 4, 6, generator=generator)
        targets = torch.randn(COUNT, 1, 3, 4, 2, generator=generator)
        torch.manual_seed(seed)
        pathway = Pathway(None, None, Head(extra))
        found.append(
            Task(
                pathway,
                lambda picked, grids=grids: (grids[list(picked)],),
                lambda predicted, picked, targets=targets: (predicted - targets[list(picked)]).square().mean(),
                COUNT,
                recipe,
                seed,
                phase="latents",
            )
        )
    return found


@pytest.mark.parametrize("changes", [{}, {"optimiser": "sgd"}, {"clip_norm": 0.05}, {"weight_decay": 0.5}])
def test_stack_ends_where_every_fit_ends_alone(changes: dict[str, object]) -> None:
    together, alone = tasks(**changes), tasks(**changes)
    made = stacked.train_stacked(together)
    for task, other, found in zip(alone, together, made, strict=True):
        expected = train(task.pathway, task.loss_of, COUNT, task.recipe, task.seed, parts=task.pathway.parts())
        assert not isinstance(found, Exception)
        assert found.loss == pytest.approx(expected.loss, rel=1e-4)
        assert found.grad_norms == pytest.approx(expected.grad_norms, rel=1e-3)
        assert (found.after, found.grad_norm) == pytest.approx((expected.after, expected.grad_norm), rel=1e-3)
        for one, two in zip(task.pathway.parameters(), other.pathway.parameters(), strict=True):
            assert torch.allclose(one, two, rtol=1e-3, atol=1e-5)
        assert not other.pathway.training


def test_stack_is_deterministic() -> None:
    first, second = tasks(), tasks()
    stacked.train_stacked(first)
    stacked.train_stacked(second)
    for one, two in zip(first, second, strict=True):
        assert all(torch.equal(a, b) for a, b in zip(one.pathway.parameters(), two.pathway.parameters(), strict=True))


@pytest.mark.parametrize("planted", ["loss", "gradient", "still"])
def test_one_member_fails_alone(planted: str) -> None:
    members, alone = tasks(), tasks()
    broken = {
        "loss": lambda predicted, picked: predicted.mean() * torch.nan,
        "gradient": lambda predicted, picked: (predicted * 0).abs().sqrt().sum() + 1,
        "still": lambda predicted, picked: (predicted * 0).sum() + 1,
    }[planted]
    members[1] = Task(members[1].pathway, members[1].inputs, broken, COUNT, members[1].recipe, 1, phase="latents")
    made = stacked.train_stacked(members)
    assert isinstance(made[1], FitError)
    message = {"loss": "loss nan at step 0 of 12", "gradient": "gradient norm nan at step 0", "still": "no progress"}
    assert message[planted] in str(made[1])
    for index in (0, 2):
        task = alone[index]
        train(task.pathway, task.loss_of, COUNT, task.recipe, task.seed)
        pairs = zip(task.pathway.parameters(), members[index].pathway.parameters(), strict=True)
        assert all(torch.allclose(one, two, rtol=1e-3, atol=1e-5) for one, two in pairs)


@pytest.mark.parametrize("extra", [nn.Dropout(0.5), nn.BatchNorm3d(1)])
def test_modules_with_chance_or_running_state_are_not_stacked(extra: nn.Module) -> None:
    assert stacked.can_stack(tasks())
    assert not stacked.can_stack(tasks(extra=extra))


def test_modules_that_cannot_be_batched_are_not_stacked() -> None:
    class Branches(nn.Module):
        def forward(self, grid: Tensor) -> Tensor:
            return grid if bool(grid.sum() > 0) else -grid

    assert not stacked.can_stack(tasks(extra=Branches()))


def test_modules_of_another_build_are_not_stacked() -> None:
    assert not stacked.can_stack([*tasks(1), *tasks(1, extra=nn.Linear(8, 8))])
    assert not stacked.can_stack([*tasks(1), *tasks(1, extra=nn.ReLU())])
    assert not stacked.can_stack([*tasks(1), *tasks(1, batch=4)])


def test_stacking_pays_on_accelerators_and_for_small_grids() -> None:
    assert stacked.pays("cuda", 10**9)
    assert stacked.pays("cpu", stacked.CPU_NUMBERS)
    assert not stacked.pays("cpu", stacked.CPU_NUMBERS + 1)


def requests_of(make_bench, learning, make_cell, names: list[str]) -> list[FitRequest]:
    bench = make_bench(learning)
    cells = [make_cell(bench, f"oracle@mask/{name}/single/linear", "spatial") for name in names]
    return [
        FitRequest(cell.candidate, cell.streams("train"), "places", cell.recipe_for_places(), seed)
        for seed, cell in enumerate(cells)
    ]


@pytest.mark.usefixtures("few_pictures")
def test_candidates_fitted_together_are_stacked_and_equal_to_themselves_alone(
    make_bench, learning, make_cell, monkeypatch: pytest.MonkeyPatch
) -> None:
    requests = requests_of(make_bench, learning, make_cell, ["residual"] * 3)
    calls: list[int] = []
    monkeypatch.setattr(
        objectives, "train_stacked", lambda found: calls.append(len(found)) or stacked.train_stacked(found)
    )
    together = fit_together(requests, "cpu")
    assert calls == [3]
    for request, fitted in zip(requests, together, strict=True):
        (alone,) = fit_together([request], "cpu")
        assert isinstance(fitted, Fitted)
        assert isinstance(alone, Fitted)
        for one, two in zip(fitted.modules.parameters(), alone.modules.parameters(), strict=True):
            assert torch.allclose(one, two, rtol=1e-3, atol=1e-5)
    assert calls == [3]


@pytest.mark.usefixtures("few_pictures")
def test_failures_of_every_kind_stay_with_their_own_request(make_bench, learning, make_cell) -> None:
    names = ["residual_nan", "residual", "residual_build", "residual_branch"]
    found = fit_together(requests_of(make_bench, learning, make_cell, names), "cpu")
    assert [type(one) for one in found] == [FitError, Fitted, ValueError, Fitted]
