"""Fewer bits and several GPUs, asked of every encoder of a run before any work, and named where numbers are."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from foresight_harness.contracts.errors import UsageError
from foresight_harness.contracts.specs import EncoderSpec
from foresight_harness.planning.candidates import Selection, parse_candidate, resolve
from foresight_harness.planning.candidates.loading import check_loading
from foresight_harness.planning.options import RunOptions
from foresight_harness.planning.plan import PlannedCell
from foresight_harness.planning.registry import PluginInfo, Registry, own_registry
from foresight_harness.running.costs import limits
from foresight_harness.running.costs.limits import check_loaders

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
        "vlm": _encoder("vlm", quantize=("8bit", "4bit"), device_map=True),
        "vlm_tiny": _encoder("vlm_tiny", quantize=("8bit",), device_map=True, size="tiny"),
        "plain": _encoder("plain"),
    }
    owners = {("encoder", name): OWN for name in specs}
    return replace(found, encoders={**found.encoders, **specs}, owners={**found.owners, **owners})


def _check(registry: Registry, *encoders: str, **options: Any) -> None:
    found = tuple(resolve(parse_candidate(f"{name}@patch/{TAIL}"), registry) for name in encoders)
    check_loading(Selection(found, ()).candidates, RunOptions(**{"twins": False, **options}))


def test_encoders_that_can_are_let_through_and_controls_are_left_alone(registry: Registry) -> None:
    _check(registry, "vlm", "pixels", quantize="4bit", device_map="auto")
    _check(registry, "plain", "vlm_tiny", twins=True)


@pytest.mark.parametrize(
    ("encoders", "options", "said"),
    [
        (("vlm", "plain"), {"quantize": "8bit"}, "--quantize 8bit: plain cannot"),
        (("vlm", "plain"), {"device_map": "auto"}, "--device-map auto: plain cannot"),
        (("vlm_tiny",), {"quantize": "8bit"}, "--quantize 8bit: vlm_tiny has random weights here"),
        (("random:vlm",), {"quantize": "8bit"}, "--quantize 8bit: .* random weights here"),
        (("vlm",), {"quantize": "8bit", "twins": True}, "--quantize 8bit: twins have random weights.*add --no-twins"),
        (("pixels",), {"quantize": "8bit"}, "--quantize 8bit: no candidate of this run has an encoder with weights"),
    ],
)
def test_one_that_cannot_is_named(
    registry: Registry, encoders: tuple[str, ...], options: dict[str, Any], said: str
) -> None:
    with pytest.raises(UsageError, match=f"^{said}"):
        _check(registry, *encoders, **options)


@pytest.mark.parametrize(
    ("suite", "engine", "said"),
    [("spatial", "local:2", "workers of --engine local:2 have one GPU each"), ("efficiency", "local", "-k 'not eff")],
)
def test_a_map_is_refused_under_workers_and_where_one_device_is_timed(
    registry: Registry, monkeypatch: pytest.MonkeyPatch, suite: str, engine: str, said: str
) -> None:
    monkeypatch.setattr(limits, "require_hardware", lambda *asked: None)
    spatial = [_cell(registry, "spatial")]
    check_loaders(spatial, RunOptions(device="cuda", device_map="auto"))
    with pytest.raises(UsageError, match=f"--device-map auto: .*{said}"):
        check_loaders([_cell(registry, suite)], RunOptions(device="cuda", device_map="auto", engine=engine))


def test_a_run_without_a_gpu_is_refused_before_any_work(registry: Registry) -> None:
    with pytest.raises(UsageError, match="--quantize 4bit: it needs a GPU"):
        check_loaders([_cell(registry, "spatial")], RunOptions(quantize="4bit"))


def _cell(registry: Registry, suite: str) -> PlannedCell:
    from foresight_harness.planning.options import DatasetChoice

    return PlannedCell(
        resolve(parse_candidate(f"vlm@patch/{TAIL}"), registry), registry.suite(suite), DatasetChoice("shapes")
    )


@pytest.mark.usefixtures("few_pictures")
def test_protocol_and_key_say_the_bits_and_nothing_changes_without(
    registry: Registry, make_keeper: Any, make_cell: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    pixels = f"pixels@patch/{TAIL}"
    asked = {"quantize": "8bit", "device_map": "auto", "device": "cuda"}
    plain, bits = (make_keeper(registry, **options) for options in ({}, asked))
    first, second = (make_cell(keeper, pixels, "spatial") for keeper in (plain, bits))
    assert second.protocol() == first.protocol() | {"quantize": "8bit"}
    for name, held in (("vlm", ("8bit", "auto")), ("pixels", ("none", "none"))):
        request = bits.workshop.encoder_request(registry.encoder(name))
        assert (request.quantize, request.device_map) == held
    extraction, split = bits.workshop.extraction, second.split("test")
    monkeypatch.setattr(extraction, "provenance", lambda spec: type("Origin", (), {"content": "0"}))
    monkeypatch.setattr(plain.workshop.extraction, "provenance", lambda spec: type("Origin", (), {"content": "0"}))
    spec = registry.encoder("vlm")
    before = plain.workshop.extraction.choices(spec, "patch", split)
    after = extraction.choices(spec, "patch", split)
    assert after == before | {"quantize": "8bit", "device_map": "auto", "device": "cuda"}
