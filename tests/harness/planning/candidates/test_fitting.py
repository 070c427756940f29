"""A recipe that no decoder of a run can be fitted by is refused before any work."""

from __future__ import annotations

from dataclasses import replace

import pytest
from foresight_harness.contracts.errors import UsageError
from foresight_harness.contracts.specs import DecoderSpec
from foresight_harness.planning.candidates import ResolvedCandidate, parse_candidate, resolve
from foresight_harness.planning.candidates.fitting import check_fitting
from foresight_harness.planning.options import RunOptions
from foresight_harness.planning.registry import PluginInfo, Registry, own_registry

OWN = PluginInfo("own", "foresight-own", "1", "0123")


@pytest.fixture(scope="module")
def registry() -> Registry:
    found = own_registry()
    plain = found.decoders["linear"]
    specs: dict[str, DecoderSpec] = {
        "sampler": replace(plain, name="sampler", adapter="own", loss="flow"),
        "tunable": replace(plain, name="tunable", adapter="own", loss="flow", tuning={"rank": 2}),
    }
    owners = {("decoder", name): OWN for name in specs}
    return replace(found, decoders={**found.decoders, **specs}, owners={**found.owners, **owners})


def _candidates(registry: Registry, *decoders: str) -> list[ResolvedCandidate]:
    return [resolve(parse_candidate(f"pixels@patch/identity/single/{name}"), registry) for name in decoders]


@pytest.mark.parametrize(
    ("recipe", "decoders", "said"),
    [
        ("decoder_lora", ("linear",), "--recipe decoder_lora tunes the decoder itself, and linear offers nothing"),
        ("decoder_lora", ("linear", "sampler"), "linear offers nothing to tune; .* or --recipe joint"),
        ("perceptual", ("sampler",), "--recipe perceptual compares decoded pictures, and sampler samples them"),
    ],
)
def test_recipe_that_suits_no_decoder_is_refused(
    registry: Registry, recipe: str, decoders: tuple[str, ...], said: str
) -> None:
    with pytest.raises(UsageError, match=said):
        check_fitting(_candidates(registry, *decoders), RunOptions(recipe=recipe))


@pytest.mark.parametrize(
    ("recipe", "decoders"),
    [
        ("decoder_lora", ("linear", "tunable")),
        ("perceptual", ("sampler", "linear")),
        ("joint", ("linear", "sampler", "tunable")),
        ("decoder_lora", ()),
    ],
)
def test_recipe_that_suits_one_decoder_is_let_through(
    registry: Registry, recipe: str, decoders: tuple[str, ...]
) -> None:
    check_fitting(_candidates(registry, *decoders), RunOptions(recipe=recipe))
