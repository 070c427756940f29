from __future__ import annotations

import pytest
import torch
from foresight_harness.contracts.errors import UsageError
from foresight_harness.measuring.fitting.reconstruction import LatentTargets, Pictures, needs_pictures
from foresight_harness.parts.metrics.perceptual import build_random_trunk
from foresight_harness.parts.training.recipe import Recipe

torch.set_num_threads(1)

pytestmark = pytest.mark.usefixtures("few_pictures")


@pytest.fixture
def targets(make_bench, make_cell):
    """Latents of the pixel decoder, with and without the way back to pictures."""

    def make(weights: dict[str, float], perceptual=None) -> LatentTargets:
        cell = make_cell(make_bench(), "oracle@mask/identity/single/linear")
        decoder = cell.bench.latents.decoder(cell.candidate.decoder)
        latents = cell.bench.latents.of(cell.candidate.decoder, cell.split("train"))
        pictures = Pictures(decoder.decode, cell.split("train"), perceptual or {})
        return LatentTargets(latents, weights, pictures if needs_pictures(weights) else None)

    return make


def test_terms_are_added_with_their_weights(targets) -> None:
    found = targets({"latent_mse": 2.0, "pixel_l1": 3.0, "pixel_mse": 5.0})
    predicted = found.latents.take([0, 1]) * 0.9
    made, true = found.pictures.decode(predicted), found.pictures.split.take([0, 1])
    error = predicted - found.latents.take([0, 1])
    expected = 2 * error.square().mean() + 3 * (made - true).abs().mean() + 5 * (made - true).square().mean()
    assert torch.allclose(found.loss(predicted, [0, 1]), expected)


def test_best_constant_answer_is_the_mean_of_each_channel(targets) -> None:
    found = targets({"latent_mse": 2.0})
    everything = found.latents.take(range(len(found.latents)))
    mean = everything.mean((0, 1, 2, 3), keepdim=True)
    assert found.constant() == pytest.approx(2 * (everything - mean).square().mean().item(), rel=1e-4)
    assert targets({"latent_mse": 1.0, "pixel_l1": 1.0}).constant() is None


def test_perceptual_term_pulls_pictures_towards_the_truth(targets) -> None:
    trunk = build_random_trunk()
    found = targets({"lpips_random_trunk": 1.0}, {"lpips_random_trunk": trunk.loss})
    true = found.latents.take([0])
    predicted = (true * 0.8).requires_grad_()
    loss = found.loss(predicted, [0])
    loss.backward()
    assert predicted.grad is not None
    assert torch.isfinite(predicted.grad).all()
    moved = predicted.detach() - 0.02 * predicted.grad / predicted.grad.abs().max()
    assert found.loss(moved, [0]) < loss
    same = trunk(found.pictures.decode(predicted.detach()), found.pictures.split.take([0]))
    assert loss.item() == pytest.approx(same.item(), rel=1e-4)


def test_unknown_and_unreachable_terms_are_refused(targets) -> None:
    with pytest.raises(UsageError, match="'box_l1' is none of reconstruction; there are latent_mse"):
        targets({"box_l1": 1.0})
    with pytest.raises(UsageError, match="need the decoder"):
        LatentTargets(targets({"latent_mse": 1.0}).latents, Recipe(1, 1, ("pixel_l1",)).weights)
