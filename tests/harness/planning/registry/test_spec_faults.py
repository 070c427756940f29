"""A slip in a spec is one line that names plugin, hook and spec; what else the plugin offers stands."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from foresight_harness.contracts.errors import CandidateError
from foresight_harness.contracts.specs import DatasetSpec, EncoderSpec, MetricSpec, TapSpec
from foresight_harness.planning.registry import load_registry
from foresight_harness.planning.registry.spec_faults import spec_fault

ENCODER = EncoderSpec("mine_tiny", lambda request: None, (TapSpec("last", 8, 14),), "last", 224, size="tiny")  # type: ignore[arg-type, return-value]
METRIC = MetricSpec("mine", lambda: None, "boxes", "ratio", "higher", (0.0, 1.0), "by hand")  # type: ignore[arg-type, return-value]
DATASET = DatasetSpec("mine", lambda request: None, frozenset({"boxes"}))  # type: ignore[arg-type, return-value]


@pytest.mark.parametrize("spec", [ENCODER, METRIC, DATASET], ids=lambda spec: type(spec).__name__)
def test_a_spec_without_a_slip_is_loaded(spec: Any) -> None:
    assert spec_fault(spec) is None


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        (replace(ENCODER, default_tap="first"), "default_tap 'first' is none of its taps ['last']"),
        (replace(ENCODER, size="Tiny"), "size 'Tiny': one of tiny, published is wanted"),  # type: ignore[arg-type]
        (replace(ENCODER, name="Mine Tiny"), "lower_snake_case"),
        (replace(ENCODER, name="mine\ntiny"), "lower_snake_case"),
        (replace(ENCODER, license=" "), "license ' '"),
        (replace(ENCODER, repo="someone/mine"), "without a licence"),
        (replace(ENCODER, taps=()), "no taps"),
        (replace(ENCODER, taps=ENCODER.taps * 2), "not unique"),
        (replace(ENCODER, taps=(TapSpec("last", 0, 14),)), "at least 1"),
        (replace(ENCODER, role="winner"), "role 'winner'"),  # type: ignore[arg-type]
        (replace(ENCODER, inputs="frames"), "inputs 'frames'"),  # type: ignore[arg-type]
        (replace(ENCODER, params=-1), "params -1"),
        (replace(METRIC, direction="up"), "direction 'up'"),  # type: ignore[arg-type]
        (replace(METRIC, range=(1.0, 0.0)), "is empty"),
        (replace(METRIC, unit=" "), "no unit"),
        (replace(DATASET, labels=frozenset({"box"})), "labels 'box'"),
    ],
)
def test_a_slip_is_said(spec: Any, said: str) -> None:
    assert said in str(spec_fault(spec))


def test_a_refused_spec_puts_its_plugin_in_error_and_leaves_its_other_offers(
    plugin_module: Callable[..., Path],
) -> None:
    plugin_module(
        "slips",
        "from foresight_harness import EncoderSpec, TapSpec, hookimpl\n"
        "@hookimpl\n"
        "def foresight_encoders():\n"
        "    good = dict(build=print, taps=(TapSpec('last', 8, 14),), input_px=224, size='tiny')\n"
        "    return [EncoderSpec('good_tiny', default_tap='last', **good),\n"
        "            EncoderSpec('bad_tiny', default_tap='first', **good)]\n",
    )
    registry = load_registry()
    assert "good_tiny" in registry.encoders
    assert "bad_tiny" not in registry.encoders
    broken = next(plugin for plugin in registry.plugins if plugin.name == "slips")
    assert broken in registry.broken
    assert broken.error is not None
    assert "foresight_encoders returned encoder 'bad_tiny': default_tap 'first' is none" in broken.error
    with pytest.raises(CandidateError, match=r"encoder 'bad_tiny' of plugin .* was not loaded: default_tap"):
        registry.encoder("bad_tiny")
