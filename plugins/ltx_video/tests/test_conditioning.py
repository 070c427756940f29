"""Token grids as prompts: places survive, the loss is the velocity's, gradients reach the adapter alone."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from diffusers import LTXPipeline
from foresight_harness import BuildRequest
from foresight_harness.contracts.errors import GridError
from foresight_harness.contracts.specs import GridShape
from foresight_ltx_video.conditioning import (
    ConditioningAdapter,
    draw_sigmas,
    flow_matching_loss,
    place_encoding,
    predict_velocity,
)
from foresight_ltx_video.generation import build_transformer
from foresight_ltx_video.presets import transformer_preset

CELLS = (2, 3, 4)


@pytest.fixture(scope="module")
def transformer() -> Any:
    return build_transformer(transformer_preset("ltx_video_tiny"), BuildRequest())


@pytest.fixture
def adapter() -> ConditioningAdapter:
    torch.manual_seed(0)
    return ConditioningAdapter(width=12, prompt_width=64, hidden=16)


def normal(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def test_tokens_come_out_in_raster_order(adapter: ConditioningAdapter) -> None:
    grid = normal(2, *CELLS, 12)
    tokens = adapter(grid)
    assert tokens.shape == (2, 24, 64)
    place = place_encoding(*CELLS, 64)
    torch.testing.assert_close(tokens[1, 1 * 12 + 2 * 4 + 3], adapter.mlp(grid[1, 1, 2, 3]) + place[1, 2, 3])


def test_published_width_is_that_of_t5_xxl() -> None:
    assert ConditioningAdapter(width=8, hidden=4)(normal(1, 1, 2, 2, 8)).shape == (1, 4, 4096)


def test_places_are_all_different_and_bounded() -> None:
    places = place_encoding(3, 8, 8, 60).flatten(0, 2)
    assert float(places.abs().max()) <= 1
    apart = torch.cdist(places, places).fill_diagonal_(9)
    assert float(apart.min()) > 0.1


def test_grids_of_two_resolutions_agree_on_places() -> None:
    coarse = place_encoding(1, 3, 3, 60)
    fine = place_encoding(1, 9, 9, 60)
    torch.testing.assert_close(coarse[0, 1, 2], fine[0, 4, 7])


def test_time_row_and_column_have_channels_of_their_own() -> None:
    places = place_encoding(3, 4, 5, 63)
    assert torch.equal(places[:, :1, :1, :20].expand(3, 4, 5, 20), places[..., :20])
    assert torch.equal(places[:1, :, :1, 20:40].expand(3, 4, 5, 20), places[..., 20:40])
    assert torch.equal(places[:1, :1, :, 40:60].expand(3, 4, 5, 20), places[..., 40:60])
    assert not places[..., 60:].any()


def test_too_few_channels_for_places_are_refused() -> None:
    with pytest.raises(GridError, match="at least 6 channels, got 5"):
        place_encoding(1, 2, 2, 5)


def test_the_flag_for_places_is_recorded_and_follows_the_shape() -> None:
    grid = ConditioningAdapter.for_grid(GridShape(4, 4, 12), prompt_width=64, hidden=16)
    tokens = ConditioningAdapter.for_grid(GridShape(1, 16, 12, is_set=True), prompt_width=64, hidden=16)
    assert grid.facts()["positions_in_tokens"] is True
    assert tokens.facts()["positions_in_tokens"] is False
    assert grid.facts()["params"] == 12 * 2 + (12 * 16 + 16) + (16 * 64 + 64)


@pytest.mark.parametrize("positions", [True, False])
def test_only_places_in_the_tokens_tell_the_transformer_what_stands_where(positions: bool, transformer: Any) -> None:
    torch.manual_seed(0)
    adapter = ConditioningAdapter(width=12, prompt_width=64, hidden=16, positions=positions)
    grid = normal(1, *CELLS, 12)
    mirrored = grid.flip(3)
    noisy, sigmas = normal(1, *CELLS, 128, seed=1), torch.tensor([0.5])
    with torch.no_grad():
        seen, flipped = (predict_velocity(transformer, noisy, adapter(view), sigmas) for view in (grid, mirrored))
    difference = float((seen - flipped).abs().max())
    assert (difference > 1e-4) == positions


def test_grids_of_another_width_are_refused(adapter: ConditioningAdapter) -> None:
    with pytest.raises(GridError, match=r"takes \[B, T, H, W, 12\], got shape \(1, 2, 2, 12\)"):
        adapter(normal(1, 2, 2, 12))
    with pytest.raises(GridError, match="takes"):
        adapter(normal(1, 1, 2, 2, 13))


def test_velocity_is_the_transformers_output_in_the_pipelines_packing(transformer: Any) -> None:
    noisy, prompts, sigmas = normal(2, *CELLS, 128), normal(2, 5, 64, seed=1), torch.tensor([0.2, 0.9])
    packed = LTXPipeline._pack_latents(noisy.permute(0, 4, 1, 2, 3))
    with torch.no_grad():
        raw = transformer(
            hidden_states=packed,
            encoder_hidden_states=prompts,
            timestep=torch.tensor([200.0, 900.0]),
            encoder_attention_mask=torch.ones(2, 5),
            num_frames=2,
            height=3,
            width=4,
            rope_interpolation_scale=(8 / 25, 32, 32),
        ).sample
        wanted = LTXPipeline._unpack_latents(raw, *CELLS).permute(0, 2, 3, 4, 1)
        torch.testing.assert_close(predict_velocity(transformer, noisy, prompts, sigmas), wanted)


def test_a_masked_token_changes_nothing(transformer: Any) -> None:
    noisy, prompts, sigmas = normal(1, *CELLS, 128), normal(1, 5, 64, seed=1), torch.tensor([0.5])
    mask = torch.tensor([[1.0, 1, 1, 1, 0]])
    other = prompts.clone()
    other[:, 4] += 10
    with torch.no_grad():
        pair = [predict_velocity(transformer, noisy, view, sigmas, mask=mask) for view in (prompts, other)]
        unmasked = predict_velocity(transformer, noisy, other, sigmas)
    torch.testing.assert_close(*pair)
    assert not torch.allclose(unmasked, pair[0], atol=1e-4)


def test_the_loss_is_zero_for_a_transformer_that_knows_the_way() -> None:
    latents, noise, sigmas = normal(2, *CELLS, 128), normal(2, *CELLS, 128, seed=1), torch.tensor([0.25, 0.5])

    class Knowing:
        """Says e - x, and checks that it was shown (1 - s) x + s e."""

        def __call__(self, hidden_states: torch.Tensor, timestep: torch.Tensor, **_: Any) -> Any:
            shown = 0.75 * latents[0] + 0.25 * noise[0]
            torch.testing.assert_close(hidden_states[0], shown.flatten(0, 2))
            assert timestep.tolist() == [250, 500]
            return type("Output", (), {"sample": (noise - latents).flatten(1, 3)})

    loss = flow_matching_loss(Knowing(), latents, normal(2, 3, 64), sigmas=sigmas, noise=noise)
    torch.testing.assert_close(loss, torch.zeros(2))


def test_the_loss_is_per_sample_and_trains_the_adapter_alone(adapter: ConditioningAdapter, transformer: Any) -> None:
    grid, latents, noise = normal(3, *CELLS, 12), normal(3, *CELLS, 128, seed=1), normal(3, *CELLS, 128, seed=2)
    before = {name: tensor.clone() for name, tensor in transformer.state_dict().items()}
    sigmas = torch.tensor([0.3, 0.5, 0.7])
    optimizer = torch.optim.Adam(adapter.parameters(), lr=1e-2)
    losses = []
    for _ in range(12):
        loss = flow_matching_loss(transformer, latents, adapter(grid), sigmas=sigmas, noise=noise)
        assert loss.shape == (3,)
        losses.append(float(loss.detach().mean()))
        optimizer.zero_grad()
        torch.autograd.backward(loss.mean())
        optimizer.step()
    assert losses[-1] < losses[0]
    assert all(torch.equal(before[name], tensor) for name, tensor in transformer.state_dict().items())
    assert all(parameter.grad is None for parameter in transformer.parameters())


def test_losses_of_other_layouts_are_refused(transformer: Any) -> None:
    latents = normal(1, 128, *CELLS)
    with pytest.raises(GridError, match="latents and noise are"):
        flow_matching_loss(transformer, latents, normal(1, 3, 64), sigmas=torch.ones(1), noise=latents)


def test_shares_of_noise_repeat_and_prefer_the_middle() -> None:
    first, again = (draw_sigmas(2000, torch.Generator().manual_seed(1)) for _ in range(2))
    assert torch.equal(first, again)
    assert 0 < float(first.min()) < float(first.max()) < 1
    assert float(((first > 0.25) & (first < 0.75)).float().mean()) == pytest.approx(0.728, abs=0.03)
