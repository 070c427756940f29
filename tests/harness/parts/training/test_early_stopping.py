"""Fits that may stop early: what they hold out, when they stop, and what they keep."""

from __future__ import annotations

import pytest
import torch
from foresight_harness.contracts.errors import FitError, UsageError
from foresight_harness.parts.training.early_stopping import held_out
from foresight_harness.parts.training.recipe import Recipe
from foresight_harness.parts.training.trainer import train
from torch import nn

torch.set_num_threads(1)

GROUPS = tuple(f"picture-{number}" for number in range(64))


def test_an_eighth_of_the_samples_is_held_out_and_their_order_decides_nothing() -> None:
    chosen = held_out(GROUPS)
    assert len(chosen) == 8
    turned = tuple(reversed(GROUPS))
    assert {turned[place] for place in held_out(turned)} == {GROUPS[place] for place in chosen}


def test_samples_of_one_group_are_held_out_together() -> None:
    groups = tuple(f"video-{number // 8}" for number in range(64))
    chosen = {groups[place] for place in held_out(groups)}
    assert len(chosen) == 1
    assert len(held_out(groups)) == 8


@pytest.mark.parametrize("groups", [("a",) * 20, ("a", "b", "c")])
def test_too_few_samples_or_groups_are_refused_in_one_line(groups: tuple[str, ...]) -> None:
    with pytest.raises(FitError, match=r"--patience holds out one in 8 .* leave --patience out") as caught:
        held_out(groups)
    assert "\n" not in str(caught.value)


def overfitting(patience: int | None):
    """40 noisy samples of 30 features: the held-out loss falls, then rises."""
    torch.manual_seed(0)
    x = torch.randn(64, 30)
    y = x[:, :1] + 1.5 * torch.randn(64, 1)
    model, seen = nn.Linear(30, 1), set()
    recipe = Recipe(steps=400, batch=16, losses=("mse",), learning_rate=0.03, patience=patience)

    def loss_of(picked):
        if torch.is_grad_enabled():
            seen.update(picked)
        return (model(x[picked]) - y[picked]).square().mean()

    chosen = held_out(GROUPS)
    found = train(model, loss_of, 64, recipe, 0, held_out=chosen)
    with torch.no_grad():
        return found, loss_of(list(chosen)).item(), seen, set(chosen)


def test_a_fit_stops_when_it_only_learns_noise_and_keeps_its_best_parameters() -> None:
    found, loss, _, _ = overfitting(patience=2)
    assert found.steps < 400
    looks = dict(found.held_out)
    assert found.kept_step == min(looks, key=lambda step: looks[step])
    assert loss == pytest.approx(looks[found.kept_step], rel=1e-5)
    assert found.steps == found.kept_step + 2 * 20
    whole, later, _, _ = overfitting(patience=100)
    assert whole.steps == 400
    assert later == pytest.approx(loss, rel=0.2)


def test_held_out_samples_are_never_trained_on() -> None:
    _, _, seen, chosen = overfitting(patience=3)
    assert not seen & chosen
    assert len(seen) == 56


def test_without_patience_every_sample_is_trained_on_and_the_record_says_nothing_of_it() -> None:
    found, _, seen, _ = overfitting(patience=None)
    assert len(seen) == 64
    assert found.steps == 400
    assert {"held_out", "kept_step"} & set(found.as_json()) == set()


def test_the_protocol_of_a_patient_recipe_says_what_is_held_out_and_that_of_others_is_as_it_was() -> None:
    plain = Recipe(200, 8, ("mse",)).choices()
    assert not any("patience" in name or "held_out" in name or "look" in name for name in plain)
    patient = Recipe(200, 8, ("mse",), patience=4).choices()
    assert (patient["fit_patience"], patient["fit_look_every"]) == (4, 10)
    assert "an eighth" in patient["fit_held_out"]
    with pytest.raises(UsageError, match="patience is at least one look"):
        Recipe(200, 8, ("mse",), patience=0)
