from __future__ import annotations

import pytest
from foresight_harness.contracts.errors import CandidateError
from foresight_harness.parts.pixel_decoders.specs import ADAPTER_BUDGETS
from foresight_harness.planning.candidates import parse_candidate, resolve


@pytest.mark.parametrize("name", ADAPTER_BUDGETS)
def test_budget_stands_in_front_of_any_decoder_within_the_grammar(builtins, name: str) -> None:
    candidate = resolve(parse_candidate(f"pixels@patch/identity/single/{name}:conv"), builtins)
    base = builtins.decoder("conv")
    assert str(candidate) == f"pixels@patch/identity/single/{name}:conv"
    assert (candidate.decoder.name, candidate.decoder.base) == (f"{name}:conv", "conv")
    assert (candidate.decoder.adapter, candidate.decoder.adapter_params) == ("budget", ADAPTER_BUDGETS[name])
    assert (candidate.decoder.latent_space, candidate.decoder.build) == (base.latent_space, base.build)
    assert builtins.owner("decoder", candidate.decoder.name).name == "builtin"


def test_budget_alone_stands_in_front_of_linear(builtins) -> None:
    assert builtins.decoder("adapter_5m").base == "linear"
    assert builtins.decoder("linear").base == "linear"


def test_averaged_reads_another_decoders_latents_through_mean_tokens(builtins) -> None:
    found = builtins.decoder("averaged:linear")
    assert (found.base, found.adapter, found.adapter_cells) == ("linear", "linear", "averaged")
    assert builtins.decoder("linear").adapter_cells == "gathered"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("averaged:conv", "'conv' is read through a conv adapter, not cell by cell"),
        ("adapter_5m:adapter_1m:conv", "has an adapter already; name the decoder alone"),
        ("adapter_5m:konv", "unknown decoder 'konv'; did you mean conv?"),
        ("adapter_7m:conv", "unknown decoder 'adapter_7m:conv'"),
    ],
)
def test_slips_are_refused_in_one_line(builtins, name: str, message: str) -> None:
    with pytest.raises(CandidateError, match=message):
        builtins.decoder(name)
