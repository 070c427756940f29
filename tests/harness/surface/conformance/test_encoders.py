from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from importlib.metadata import EntryPoint
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from foresight_harness import EncoderSpec, hookimpl
from foresight_harness.contracts.errors import ForesightError, PluginError
from foresight_harness.surface.conformance import offers
from foresight_harness.surface.conformance.encoder_facts import check_offer
from foresight_harness.testing import ConformanceError, EncoderConformance, assert_published_params
from torch import nn

MakeSpec = Callable[..., EncoderSpec]

pytest_plugins = ("pytester",)


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch, make_spec: MakeSpec) -> Callable[..., None]:
    """Install a plugin "fake" that offers the given encoders."""

    def install(*specs: EncoderSpec) -> None:
        module = ModuleType("foresight_fake")

        @hookimpl
        def foresight_encoders() -> list[EncoderSpec]:
            return list(specs)

        module.foresight_encoders = foresight_encoders  # type: ignore[attr-defined]
        monkeypatch.setitem(__import__("sys").modules, "foresight_fake", module)
        point = EntryPoint("fake", "foresight_fake", "foresight")
        monkeypatch.setattr(offers, "entry_points", lambda group: [point])

    return install


def _kit(**attributes: object) -> type[EncoderConformance]:
    return type("TestFake", (EncoderConformance,), {"plugin": "fake", **attributes})


def test_tiny_encoders_are_checked_when_none_is_named(install: Callable[..., None], make_spec: MakeSpec) -> None:
    install(make_spec(), make_spec(name="fake_large", size="published"))
    assert [spec.name for spec in _kit().checked()] == ["fake_tiny"]


def test_named_encoders_are_checked_whatever_their_size(install: Callable[..., None], make_spec: MakeSpec) -> None:
    install(make_spec(), make_spec(name="fake_large", size="published"))
    assert [spec.name for spec in _kit(encoders=("fake_large",)).checked()] == ["fake_large"]


def test_an_encoder_that_is_not_offered_is_an_error(install: Callable[..., None], make_spec: MakeSpec) -> None:
    install(make_spec())
    with pytest.raises(ForesightError, match="offers no encoder fake_huge"):
        _kit(encoders=("fake_huge",)).checked()


def test_a_plugin_without_tiny_encoders_is_an_error(install: Callable[..., None], make_spec: MakeSpec) -> None:
    install(make_spec(size="published"))
    with pytest.raises(ForesightError, match="offers no encoder to check"):
        _kit().checked()


def test_a_plugin_that_is_not_installed_is_an_error() -> None:
    with pytest.raises(PluginError, match="no plugin 'nowhere' is installed"):
        offers.plugin_specs("nowhere", "foresight_encoders")


def test_a_plugin_without_the_hook_is_an_error(install: Callable[..., None]) -> None:
    install()
    with pytest.raises(PluginError, match="has no hook foresight_decoders"):
        offers.plugin_specs("fake", "foresight_decoders")


def test_a_dotted_name_is_a_module() -> None:
    assert offers.plugin_module("foresight_harness.contracts.hooks").__name__ == "foresight_harness.contracts.hooks"


def _published(spec: EncoderSpec) -> EncoderSpec:
    return replace(spec, name="fake_large", size="published", repo="someone/fake-large")


def test_a_complete_offer_passes(make_spec: MakeSpec) -> None:
    check_offer([make_spec(), _published(make_spec())])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"license": None}, "states its licence"),
        ({"params": None}, "states its params"),
        ({"repo": None}, "no repo is named"),
        ({"name": "Fake-Large"}, "not lower_snake_case"),
        ({"name": "fake_tiny"}, "not unique"),
        ({"default_tap": "block.99"}, "default tap block.99"),
        ({"size": "tiny"}, "no published size"),
    ],
)
def test_an_incomplete_offer_is_caught(change: dict[str, Any], message: str, make_spec: MakeSpec) -> None:
    with pytest.raises(ConformanceError, match=message):
        check_offer([make_spec(), replace(_published(make_spec()), **change)])


def test_published_parameters_are_counted_on_meta(make_spec: MakeSpec) -> None:
    # 10**12 weights would need 4 TB.
    spec = make_spec(params=10**12)
    assert assert_published_params(spec, lambda: nn.Linear(10**6, 10**6, bias=False)) == 10**12


def test_another_parameter_count_is_caught(make_spec: MakeSpec) -> None:
    with pytest.raises(ConformanceError, match="declares 7 parameters, the model has 6"):
        assert_published_params(make_spec(params=7), lambda: nn.Linear(3, 2, bias=False))


def test_a_model_that_is_allocated_is_caught(make_spec: MakeSpec) -> None:
    with pytest.raises(ConformanceError, match="was allocated"):
        assert_published_params(make_spec(params=6), lambda: nn.Linear(3, 2, bias=False, device=torch.device("cpu")))


FIVE_LINES = """
from foresight_harness.testing import EncoderConformance

class TestIt(EncoderConformance):
    plugin = "offer.parts"
"""

OFFER = """

def foresight_encoders():
    published = replace(fake_spec(), name="fake_large", size="published", repo="someone/fake-large")
    return [fake_spec({fault!r}), published]
"""


OF_FAULT = {
    "raw_tensors": "test_norms",
    "list": "test_norms",
    "nan": "test_norms",
    "training": "test_the_model_is_in_evaluation_mode",
    "zero_on_grey": "test_pictures_without_colour",
    "looked_up": "test_features_are_computed",
    "swapped_on_square": "test_a_run_would_admit_it",
}
"""Fault -> the one test that is asked: the message is what matters here."""


def _run_kit(pytester: pytest.Pytester, fault: str, chosen: str = "") -> pytest.RunResult:
    parts = pytester.mkpydir("offer") / "parts.py"
    fake = Path(__file__).with_name("conftest.py").read_text(encoding="utf-8")
    parts.write_text(fake + OFFER.format(fault=fault), encoding="utf-8")
    pytester.makepyfile(test_plugin=FIVE_LINES)
    pytester.syspathinsert()
    return pytester.runpytest_inprocess(
        "--import-mode=importlib", "-p", "no:cacheprovider", "-p", "no:foresight", "-k", chosen
    )


def test_five_lines_check_every_encoder_at_every_tap(pytester: pytest.Pytester) -> None:
    result = _run_kit(pytester, fault="")
    result.assert_outcomes(passed=21 + 2 * 5)


def test_five_lines_name_the_tap_that_fails(pytester: pytest.Pytester) -> None:
    result = _run_kit(pytester, fault="window_order")
    who = "*NamedError: plugin 'offer.parts' (hook foresight_encoders), fake_tiny: "
    result.stdout.fnmatch_lines([f"{who}* of 20 impulses are found elsewhere; first: block.01 at *"])
    result.stdout.fnmatch_lines(["FAILED *::test_an_impulse_is_found_where_it_was_made?fake_tiny@block.01?*"])
    assert result.parseoutcomes()["passed"] > 10


@pytest.mark.parametrize(
    ("fault", "line"),
    [
        (
            "raw_tensors",
            "tap 'patch_embed' is a tensor (2, 1, 6, 8, 32) float32; a mapping of tap to TokenGrid is wanted, *",
        ),
        ("list", "encode returned a list of 5, the first a tensor (2, 1, 6, 8, 32) float32; a mapping of tap *"),
        ("nan", "tap 'patch_embed': 3072 of 3072 feature values are not finite. Look for a division by 0 *"),
        ("training", "3 Dropout ran in training mode; call eval() on the model in build"),
        ("zero_on_grey", "*without colour are 0, and the picture is not: read every picture, wherever it stands"),
        ("looked_up", "*features are computed from what is seen, not looked up"),
        ("swapped_on_square", "a run refuses it: *rows and columns swapped*"),
    ],
)
def test_a_failure_names_plugin_hook_and_encoder_with_what_to_do(
    pytester: pytest.Pytester, fault: str, line: str
) -> None:
    result = _run_kit(pytester, fault=fault, chosen=OF_FAULT[fault])
    said = f"*NamedError: plugin 'offer.parts' (hook foresight_encoders), fake_tiny: {line}"
    result.stdout.fnmatch_lines([said.replace("[", "[[]")])
    assert "tensor([" not in result.stdout.str()
