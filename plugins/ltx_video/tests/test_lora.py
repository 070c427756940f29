"""Low-rank changes of the transformer: only they learn, each fit has its own, and the transformer stays as it was."""

from __future__ import annotations

import sys

import pytest
import torch
from foresight_harness import BuildRequest, GridShape, UsageError
from foresight_harness.protocols import TunableDecoder
from foresight_ltx_video import foresight_decoders
from foresight_ltx_video.conditioned import ConditionedVideoDecoder, build_conditioned
from foresight_ltx_video.lora import MARK, LoraTuning
from foresight_ltx_video.presets import CONDITIONED, LORA_RANK
from torch import Tensor, nn

TINY = next(preset for preset in CONDITIONED if preset.size == "tiny")
SIZE = (1, 2, 3)
SHAPE = GridShape(2, 3, 12)


@pytest.fixture(scope="module")
def built() -> ConditionedVideoDecoder:
    return build_conditioned(TINY, BuildRequest())


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def fresh(built: ConditionedVideoDecoder, seed: int) -> nn.Module:
    torch.manual_seed(seed)
    return built.build_tuning(lora_rank=4)


def base_of(built: ConditionedVideoDecoder) -> dict[str, Tensor]:
    """The transformer's own weights under their own names, whatever layers lie around them."""
    found = built.generator.transformer.state_dict()
    return {name.replace("base_layer.", ""): value.clone() for name, value in found.items() if MARK not in name}


def loss_of(built: ConditionedVideoDecoder, prompts: Tensor) -> Tensor:
    return built.loss(prompts, normal(2, *SIZE, 128), torch.Generator().manual_seed(3)).mean()


def test_every_decoder_with_an_adapter_of_its_own_says_what_it_is_tuned_by(built: ConditionedVideoDecoder) -> None:
    assert isinstance(built, TunableDecoder)
    tunings = {spec.name: spec.tuning for spec in foresight_decoders()}
    assert {name for name, tuning in tunings.items() if tuning} == {name for name in tunings if "_dit_" in name}
    assert tunings["ltx_video_dit_2b"] == {"lora_rank": LORA_RANK}


def test_changes_learn_alone_the_loss_falls_and_the_weights_stay(built: ConditionedVideoDecoder) -> None:
    before, facts, prompts = base_of(built), built.facts(), normal(2, 6, 64)
    with torch.no_grad():
        untouched, sampled = loss_of(built, prompts), built.sample(prompts, SIZE, [0, 1])
    tuning = fresh(built, 0)
    assert isinstance(tuning, LoraTuning)
    with torch.no_grad(), built.tuned(tuning):
        assert torch.equal(loss_of(built, prompts), untouched), "nothing is changed before training"
    optimiser = torch.optim.Adam(tuning.parameters(), lr=1e-2)
    for _ in range(20):
        optimiser.zero_grad()
        with built.tuned(tuning):
            loss = loss_of(built, prompts)
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    assert all(parameter.grad is not None and parameter.grad.any() for parameter in tuning.parameters())
    assert not any(parameter.requires_grad for parameter in built.generator.transformer.parameters())
    with torch.no_grad():
        with built.tuned(tuning):
            assert loss_of(built, prompts) < 0.9 * untouched
            assert not torch.allclose(built.sample(prompts, SIZE, [0, 1]), sampled, atol=1e-3)
        assert torch.equal(loss_of(built, prompts), untouched)
        assert torch.equal(built.sample(prompts, SIZE, [0, 1]), sampled)
    after = base_of(built)
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)
    assert built.facts() == facts


def test_two_fits_share_a_transformer_and_nothing_else(built: ConditionedVideoDecoder) -> None:
    one, other, again = fresh(built, 0), fresh(built, 1), fresh(built, 0)
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), again.parameters(), strict=True))
    assert any(not torch.equal(a, b) for a, b in zip(one.parameters(), other.parameters(), strict=True))
    prompts = normal(2, 6, 64)
    with torch.no_grad():
        for parameter in one.parameters():
            parameter.add_(0.1)
        plain = loss_of(built, prompts)
        with built.tuned(one):
            assert not torch.equal(loss_of(built, prompts), plain)
        with built.tuned(other):
            assert torch.equal(loss_of(built, prompts), plain)
        with pytest.raises(KeyError), built.tuned(one):
            raise KeyError
        assert torch.equal(loss_of(built, prompts), plain), "a failed step leaves nothing behind"


def test_changes_of_another_transformer_are_refused_in_one_line(built: ConditionedVideoDecoder) -> None:
    fresh(built, 0)
    stranger = LoraTuning({"blocks/0/lora_A/weight": nn.Parameter(torch.zeros(1))})
    with pytest.raises(UsageError, match=r"^these changes are of another transformer"), built.tuned(stranger):
        pass


def test_without_peft_tuning_is_refused_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "peft", None)
    untouched = build_conditioned(TINY, BuildRequest())
    with pytest.raises(
        UsageError, match=r"needs peft, which is not installed: pip install 'foresight-ltx-video\[lora\]'$"
    ):
        untouched.build_tuning(lora_rank=4)
    assert not any(MARK in name for name, _ in untouched.generator.transformer.named_parameters())
