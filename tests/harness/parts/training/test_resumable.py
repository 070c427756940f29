"""A training that was interrupted ends where an undisturbed one does, and goes on with nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from foresight_harness.contracts.errors import CheckpointError, UsageError
from foresight_harness.parts.training.resumable import (
    FILE,
    Progress,
    generator_at,
    load_state,
    run_steps,
    save_state,
)
from torch import Tensor, nn

RATES = (0.1, 0.2, 0.1, 0.05, 0.01)
IDENTITY = {"seed": 3}


class Model(nn.Module):
    """A line, and a parameter that no loss depends on."""

    def __init__(self) -> None:
        super().__init__()
        self.line = nn.Linear(4, 1)
        self.idle = nn.Parameter(torch.zeros(2))


def train(folder: Path, *, kill_at: int | None = None, **identity: int) -> tuple[Model, Progress]:
    torch.manual_seed(0)
    model = Model()

    def loss_at(step: int) -> Tensor:
        if step == kill_at:
            raise KeyboardInterrupt
        given = torch.randn(8, 4, generator=generator_at(3, step))
        loss: Tensor = (model.line(given) - given.sum(1, keepdim=True)).square().mean()
        return loss

    optimiser = torch.optim.AdamW(model.parameters(), lr=RATES[0])
    progress = run_steps(
        *(model, optimiser, loss_at, RATES, IDENTITY | identity, folder), save_every_s=0, say=lambda line: None
    )
    return model, progress


@pytest.mark.parametrize("kill_at", range(1, len(RATES)))
def test_an_interrupted_training_ends_where_an_undisturbed_one_does(tmp_path: Path, kill_at: int) -> None:
    whole, undisturbed = train(tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        train(tmp_path / "parts", kill_at=kill_at)
    parts, resumed = train(tmp_path / "parts")
    assert {name: tensor.tolist() for name, tensor in whole.state_dict().items()} == {
        name: tensor.tolist() for name, tensor in parts.state_dict().items()
    }
    assert resumed.losses == undisturbed.losses
    assert resumed.step == len(RATES)
    assert undisturbed.losses[-1] < undisturbed.losses[0]
    assert parts.idle.tolist() == [0, 0]


def test_a_folder_that_was_begun_with_something_else_is_refused(tmp_path: Path) -> None:
    train(tmp_path)
    before = (tmp_path / FILE).read_bytes()
    with pytest.raises(UsageError, match="begun with other choices"):
        train(tmp_path, seed=4)
    assert (tmp_path / FILE).read_bytes() == before


def test_a_damaged_state_is_one_line_and_a_state_of_another_model_too(tmp_path: Path) -> None:
    model, _ = train(tmp_path)
    other = nn.Linear(2, 2)
    with pytest.raises(CheckpointError, match="cannot be gone on from"):
        load_state(tmp_path, other, torch.optim.AdamW(other.parameters()))
    (tmp_path / FILE).write_bytes(b"damaged")
    with pytest.raises(CheckpointError, match="cannot be gone on from") as caught:
        load_state(tmp_path, model, torch.optim.AdamW(model.parameters()))
    assert "\n" not in str(caught.value)


def test_tensors_beside_the_model_are_kept_and_no_state_is_none(tmp_path: Path) -> None:
    model = Model()
    optimiser = torch.optim.AdamW(model.parameters())
    assert load_state(tmp_path, model, optimiser) is None
    save_state(tmp_path, model, optimiser, {"identity": IDENTITY, "step": 0}, {"line.weight": torch.ones(1, 4)})
    held = load_state(tmp_path, model, optimiser)
    assert held is not None
    assert held[0] == {"identity": IDENTITY, "step": 0}
    assert {name: tensor.tolist() for name, tensor in held[1].items()} == {"line.weight": [[1, 1, 1, 1]]}
