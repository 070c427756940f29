"""Twins: the same architecture with random weights beside every trained candidate, and no beside where none is."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from foresight_harness.contracts.errors import CandidateError
from foresight_harness.contracts.specs import EncoderSpec
from foresight_harness.parts.weights.provenance import provenance_of
from foresight_harness.planning.candidates import Selection, candidates_of, parse_candidate, resolve
from foresight_harness.planning.candidates.twins import encoder_weights, with_twins
from foresight_harness.planning.options import RunOptions, WeightsSource
from foresight_harness.planning.options.options import options_from_json
from foresight_harness.planning.registry import PluginInfo, Registry, own_registry

TAIL = "identity/single/linear"
OWN = PluginInfo("own", "foresight-own", "1", "0123")


def _encoder(name: str, **facts: Any) -> EncoderSpec:
    base = own_registry().encoders["pixels"]
    told = {"role": "candidate", "params": 4, "size": "published", "weights": ("random", "pretrained"), **facts}
    return replace(base, name=name, **told)


@pytest.fixture(scope="module")
def registry() -> Registry:
    found = own_registry()
    specs = {
        "big": _encoder("big", repo="someone/big"),
        "small_tiny": _encoder("small_tiny", size="tiny"),
        "fixed": _encoder("fixed", weights=("nano",)),
        "trained_here": _encoder("trained_here", size="tiny", weights=("nano", "random")),
    }
    owners = {("encoder", name): OWN for name in specs}
    return replace(found, encoders={**found.encoders, **specs}, owners={**found.owners, **owners})


def _selected(registry: Registry, *streams: str, **changes: Any) -> Selection:
    names = (stream if "/" in stream else f"{stream}/{TAIL}" for stream in streams)
    return Selection(tuple(resolve(parse_candidate(name), registry) for name in names), (), **changes)


def _names(found: Selection) -> list[str]:
    return [str(candidate) for candidate in found.candidates]


def test_a_trained_candidate_gets_its_twin_at_the_same_tap_and_raw_pixels(registry: Registry) -> None:
    found = with_twins(_selected(registry, "big@patch", "small_tiny@patch"), registry, RunOptions())
    assert _names(found) == [
        f"big@patch/{TAIL}",
        f"small_tiny@patch/{TAIL}",
        f"random:big@patch/{TAIL}",
        f"pixels@patch/{TAIL}",
    ]
    assert [candidate.role for candidate in found.candidates] == ["candidate", "candidate", "twin", "floor"]
    assert found.added == {f"random:big@patch/{TAIL}", f"pixels@patch/{TAIL}"}


@pytest.mark.parametrize(
    "options", [RunOptions(twins=False), RunOptions(weights="random")], ids=["--no-twins", "nothing trained"]
)
def test_nothing_is_added_where_it_is_not_wanted_or_nothing_is_trained(registry: Registry, options: RunOptions) -> None:
    assert _names(with_twins(_selected(registry, "big@patch"), registry, options)) == [f"big@patch/{TAIL}"]


def test_a_tiny_encoder_with_weights_of_its_own_has_a_twin(registry: Registry) -> None:
    options = RunOptions(weights_sources=(WeightsSource("small_tiny", "someone/tiny"),))
    assert f"random:small_tiny@patch/{TAIL}" in _names(with_twins(_selected(registry, "small_tiny"), registry, options))


def test_a_size_that_carries_nano_weights_is_built_with_them_and_its_twin_is_its_start(registry: Registry) -> None:
    lineage = [registry.encoders["trained_here"]]
    source = RunOptions(weights_sources=(WeightsSource("trained_here", "runs/other"),))
    assert encoder_weights(lineage, RunOptions()) == ("nano", None)
    assert encoder_weights(lineage, RunOptions(weights="random")) == ("random", None)
    assert encoder_weights(lineage, RunOptions(weights="pretrained")) == ("nano", None)
    assert encoder_weights(lineage, source) == ("nano", "runs/other")
    found = with_twins(_selected(registry, "trained_here@patch"), registry, RunOptions())
    assert f"random:trained_here@patch/{TAIL}" in _names(found)


def test_every_trained_stream_of_a_twin_is_random_and_variants_keep_their_form(registry: Registry) -> None:
    pair = "big@patch+small_tiny@patch/identity/concat/linear"
    names = _names(with_twins(_selected(registry, pair, "pooled2:big@patch"), registry, RunOptions()))
    assert "random:big@patch+small_tiny@patch/identity/concat/linear" in names
    assert f"pooled2:random:big@patch/{TAIL}" in names


def test_what_was_named_already_is_not_added_again(registry: Registry) -> None:
    found = with_twins(_selected(registry, "big@patch", "pixels@patch", "random:big@patch"), registry, RunOptions())
    assert len(found.candidates) == 3
    assert found.added == frozenset()


def test_controls_and_encoders_without_random_weights_have_none(registry: Registry) -> None:
    chosen = _selected(registry, "shuffled:big@patch", "oracle@mask", "fixed@patch")
    assert with_twins(chosen, registry, RunOptions(weights="nano")).added == frozenset()


def test_a_twin_is_scored_where_its_candidate_is_and_never_timed(registry: Registry) -> None:
    only = {"spatial": ("big@*",), "alignment": ("small*",)}
    chosen = _selected(registry, "big@patch", "small_tiny@patch", only=only)
    found = with_twins(chosen, registry, RunOptions())

    def scored(suite: str) -> list[str]:
        return [str(each).partition("/")[0] for each in candidates_of(found, registry.suite(suite))]

    assert scored("spatial") == ["big@patch", "random:big@patch", "pixels@patch"]
    assert scored("alignment") == ["small_tiny@patch", "pixels@patch"]
    assert scored("efficiency") == ["big@patch", "small_tiny@patch"]


def test_a_twin_is_random_whatever_weights_the_run_asks_for(registry: Registry) -> None:
    lineage = registry.lineage("random:big")
    assert [spec.name for spec in lineage] == ["random:big"]
    for options in (RunOptions(), RunOptions(weights="pretrained")):
        assert encoder_weights(lineage, options) == ("random", None)
    assert encoder_weights(registry.lineage("big"), RunOptions())[0] == "pretrained"


def test_a_twin_runs_its_plugins_code_and_has_an_origin_of_its_own(registry: Registry) -> None:
    assert registry.owner("encoder", "random:big") is OWN
    assert registry.owner("encoder", "shuffled:big") is not OWN
    spec = registry.encoder("random:big")
    assert (spec.params, spec.repo, spec.published, spec.twin_of) == (4, None, None, "big")
    from foresight_harness.contracts.specs import BuildRequest

    found = provenance_of(spec.name, spec.config, BuildRequest(), repo=spec.repo)
    assert (found.kind, found.seed) == ("random", 0)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("random:pixels", "pixels has no weights"),
        ("random:oracle", "oracle has no weights"),
        ("random:random:big", "random:big has random weights already"),
        ("random:shuffled:big", "shuffled:big is a variant; write shuffled:random:big"),
        ("random:larger2:big", "larger2:big is a variant; write larger2:random:big"),
        ("random:fixed", "fixed is on offer with nano weights only"),
        ("random:bog", "unknown encoder 'bog'; did you mean big"),
    ],
)
def test_what_has_no_twin_is_refused_in_one_line(registry: Registry, name: str, message: str) -> None:
    with pytest.raises(CandidateError, match=message) as caught:
        resolve(parse_candidate(f"{name}/{TAIL}"), registry)
    assert "\n" not in str(caught.value)


def test_the_choice_is_kept_with_the_run() -> None:
    assert options_from_json(RunOptions(twins=False).as_json()).twins is False
    assert options_from_json(RunOptions().as_json()).twins is True
