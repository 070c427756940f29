"""The transformer as a decoder: places only where tokens carry them, noise by seed, the adapter alone trained."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch
from diffusers import LTXPipeline
from foresight_harness import BuildRequest, GridShape
from foresight_harness.contracts.errors import CheckpointError
from foresight_harness.protocols import ConditionedDecoder, FirstFrameDecoder
from foresight_harness.weights import provenance_of
from foresight_ltx_video import foresight_decoders
from foresight_ltx_video.conditioned import ConditionedVideoDecoder, build_conditioned
from foresight_ltx_video.presets import CONDITIONED

SPECS = {spec.name: spec for spec in foresight_decoders() if spec.adapter == "own"}
TINY = next(preset for preset in CONDITIONED if preset.size == "tiny")
SIZE = (1, 2, 3)
SHAPE = GridShape(4, 5, 12)


@pytest.fixture(scope="module")
def built() -> ConditionedVideoDecoder:
    return build_conditioned(TINY, BuildRequest())


def normal(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def test_every_size_is_offered_with_and_without_places_behind_one_build() -> None:
    names = ["ltx_video_dit_2b", "ltx_video_dit_13b", "ltx_video_dit_tiny", "ltx_video_dit_nano"]
    assert list(SPECS) == [name + end for name in names for end in ("", "_unplaced")]
    for name in names:
        placed, unplaced = SPECS[name], SPECS[f"{name}_unplaced"]
        assert (placed.base, unplaced.base) == (name, name)
        assert (placed.adapter_choices, unplaced.adapter_choices) == ({"positions": True}, {"positions": False})
        assert (placed.config, placed.params, placed.loss) == (unplaced.config, unplaced.params, "flow_matching")
    assert SPECS["ltx_video_dit_2b"].params == 1_923_385_472 + 419_193_649
    assert SPECS["ltx_video_dit_13b"].params == 13_042_569_344 + 1_246_913_522
    assert SPECS["ltx_video_dit_tiny"].weights == ("random",)


@pytest.mark.parametrize("positions", [True, False])
def test_without_positions_the_order_of_tokens_changes_nothing(built: ConditionedVideoDecoder, positions: bool) -> None:
    torch.manual_seed(0)
    adapter = built.build_adapter(SHAPE, positions=positions)
    assert built.adapter_facts(adapter)["positions_in_tokens"] is positions
    grid = normal(2, 1, 4, 5, 12)
    order = torch.randperm(20, generator=torch.Generator().manual_seed(1))
    shuffled = grid.flatten(1, 3)[:, order].reshape(grid.shape)
    with torch.no_grad():
        as_it_is, moved = (built.sample(adapter(view), SIZE, [0, 1]) for view in (grid, shuffled))
    assert (float((as_it_is - moved).abs().max()) > 1e-4) == positions


def test_a_token_set_has_no_positions_and_says_so(built: ConditionedVideoDecoder) -> None:
    adapter = built.build_adapter(GridShape(1, 16, 12, is_set=True), positions=True)
    assert built.adapter_facts(adapter)["positions_in_tokens"] is False


def test_the_loss_trains_the_adapter_alone_and_its_noise_is_the_generators(built: ConditionedVideoDecoder) -> None:
    assert isinstance(built, ConditionedDecoder)
    torch.manual_seed(0)
    adapter = built.build_adapter(SHAPE)
    latents, grid = normal(2, *SIZE, 128), normal(2, 1, 4, 5, 12)
    losses = [built.loss(adapter(grid), latents, torch.Generator().manual_seed(seed)) for seed in (3, 3, 4)]
    assert losses[0].shape == (2,)
    assert torch.equal(losses[0], losses[1])
    assert not torch.equal(losses[0], losses[2])
    losses[0].sum().backward()
    assert all(parameter.grad is not None and parameter.grad.any() for parameter in adapter.parameters())
    frozen = [*built.generator.transformer.parameters(), *built.generator.decoder.vae.parameters()]
    assert not any(parameter.requires_grad for parameter in frozen)


def test_a_whole_pipeline_folder_is_read_and_told_apart_by_each_of_its_parts(checkpoint: Path, tmp_path: Path) -> None:
    spec = SPECS["ltx_video_dit_2b"]
    request = BuildRequest(weights="pretrained", source=str(checkpoint))
    decoder = build_conditioned(TINY, request)
    assert decoder.facts()["latent_statistics"] == "checkpoint"
    assert decoder.sample(normal(1, 6, 64), SIZE, [0]).shape == (1, *SIZE, 128)

    def sha256() -> str:
        return provenance_of(spec.name, {}, request, repo=spec.repo, subfolder=spec.subfolder).sha256

    found = {sha256()}
    other = build_conditioned(TINY, BuildRequest(seed=5))
    other.generator.transformer.save_pretrained(checkpoint / "transformer")
    found.add(sha256())
    other.generator.decoder.vae.save_pretrained(checkpoint / "vae")
    found.add(sha256())
    assert len(found) == 3
    shutil.rmtree(checkpoint / "transformer")
    with pytest.raises(CheckpointError, match="has no folder transformer; ltx_video_dit_2b needs a whole pipeline"):
        sha256()


def test_the_librarys_pipeline_is_what_samples(built: ConditionedVideoDecoder, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    original = LTXPipeline.__call__

    def watch(self: LTXPipeline, *arguments: object, **named: object) -> object:
        calls.append((self.text_encoder, self.tokenizer, named["num_inference_steps"]))
        return original(self, *arguments, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(LTXPipeline, "__call__", watch)
    built.sample(normal(1, 6, 64), SIZE, [0])
    assert calls == [(None, None, TINY.steps)]


def test_a_true_first_frame_is_continued_as_a_reference(built: ConditionedVideoDecoder) -> None:
    assert isinstance(built, FirstFrameDecoder)
    clips = torch.rand(2, 9, 3, 64, 64, generator=torch.Generator().manual_seed(1))
    found = built.continue_first(clips, [0, 1])
    assert found.shape == (2, 2, 2, 2, 128)
    later = torch.cat([clips[:, :1], 1 - clips[:, 1:]], dim=1)
    assert torch.equal(built.continue_first(later, [0, 1]), found)
