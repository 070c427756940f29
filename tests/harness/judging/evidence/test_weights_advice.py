"""What gates advise to do about untrained weights."""

from __future__ import annotations

import re

import pytest
from foresight_harness.contracts.errors import PluginError
from foresight_harness.contracts.specs import EncoderSpec, PublishedWeights, TapSpec
from foresight_harness.judging.evidence import weights_advice as module
from foresight_harness.judging.evidence.weights_advice import weights_advice
from foresight_harness.planning.registry import Registry, load_registry, own_registry
from foresight_harness.planning.registry.published_weights import known_weights


@pytest.fixture(scope="module")
def installed() -> Registry:
    """Every plugin of the workspace."""
    return load_registry()


def offering(*specs: EncoderSpec) -> Registry:
    """The core's offers and these encoders."""
    registry = own_registry()
    registry.encoders.update({spec.name: spec for spec in specs})
    return registry


def encoder(name: str, **facts: object) -> EncoderSpec:
    return EncoderSpec(name, lambda request: None, (TapSpec("last", 8, 4),), "last", 16, family="eye", **facts)  # type: ignore[arg-type,return-value]


def test_every_name_that_is_advised_stands_in_weights_list(installed: Registry) -> None:
    known = set(known_weights(installed))
    advised = set()
    for name in [*installed.encoders, *installed.decoders, "nobody_offers_it"]:
        advice = weights_advice(name, installed)
        names = re.findall(r"weights fetch (\S+?),", advice)
        assert set(names) <= known, advice
        assert names or "weights list" in advice, advice
        advised |= set(names)
    assert len(advised) > 10


def test_a_small_size_is_told_the_smallest_published_one_of_its_kind(installed: Registry) -> None:
    fetch = "foresight-bench weights fetch {0}, then --weights pretrained"
    instead = "none are published for it, score {0} instead: " + fetch
    if "qwen2_5_vl_3b" not in installed.encoders:
        pytest.skip("plugin qwen2_5_vl is not installed")
    assert weights_advice("qwen2_5_vl_nano_what", installed) == instead.format("qwen2_5_vl_3b")
    assert weights_advice("qwen2_5_vl_3b", installed) == fetch.format("qwen2_5_vl_3b")


def test_sizes_of_another_stem_are_not_taken_for_larger_ones() -> None:
    small, other = encoder("eye_tiny", size="tiny"), encoder("eyes_base", repo="a/b", params=9)
    assert weights_advice("eye_tiny", offering(small, other)).startswith("none are published for it; foresight-bench")
    large, base = encoder("eye_large", repo="a/c", params=8), encoder("eye_base", repo="a/d", params=7)
    assert "score eye_base instead" in weights_advice("eye_tiny", offering(small, other, large, base))


def test_weights_that_are_published_under_another_name_are_advised_by_that() -> None:
    spec = encoder("eye_base", published=PublishedWeights("eye_2024", "a/b", "MIT"))
    assert weights_advice("eye_base", offering(spec)).startswith("foresight-bench weights fetch eye_2024, then")


def test_plugins_that_share_a_name_leave_the_advice_to_the_core(monkeypatch: pytest.MonkeyPatch) -> None:
    def shared() -> Registry:
        raise PluginError("two plugins offer one name")

    monkeypatch.setattr(module, "load_registry", shared)
    module._installed.cache_clear()
    try:
        assert (
            weights_advice("qwen2_5_vl_nano_what")
            == "none are published for it; foresight-bench weights list shows what is"
        )
    finally:
        module._installed.cache_clear()
