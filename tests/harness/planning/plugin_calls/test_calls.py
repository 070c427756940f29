from __future__ import annotations

import copy
import os
import signal
from types import SimpleNamespace

import pytest
from foresight_harness.contracts.errors import DataError, PluginFailure
from foresight_harness.planning.plugin_calls import Guarded, Maker, calling, is_interrupt, made_by, said_of
from torch import nn

MAKER = Maker("odd", "encoder 'odd_tiny'")


@pytest.mark.parametrize(
    "error", [SystemExit(3), GeneratorExit("over"), KeyboardInterrupt(), pytest.skip.Exception("x")]
)
def test_what_ends_a_call_but_an_exception_is_a_failure_that_names_plugin_and_hook(error: BaseException) -> None:
    with pytest.raises(PluginFailure) as raised, calling(MAKER, "encode"):
        raise error
    assert str(raised.value).startswith(f"plugin 'odd', encode of encoder 'odd_tiny' raised {type(error).__name__}")


def test_an_exception_keeps_its_type_and_is_noted_with_the_innermost_plugin() -> None:
    with pytest.raises(ValueError, match="bad") as raised, calling(Maker("outer"), "score"), calling(MAKER, "encode"):
        raise ValueError("bad")
    assert said_of(raised.value) == "plugin 'odd', encode of encoder 'odd_tiny'"


def test_a_line_meant_for_the_user_stays_as_it_is() -> None:
    with pytest.raises(DataError, match=r"^a\.png is no picture$") as raised, calling(MAKER, "build"):
        raise DataError("a.png is no picture")
    assert said_of(raised.value) is None


def test_the_interrupt_of_the_user_goes_through() -> None:
    signal.signal(signal.SIGINT, signal.default_int_handler)

    def interrupted() -> None:
        os.kill(os.getpid(), signal.SIGINT)
        for _ in range(10_000):
            pass

    with pytest.raises(KeyboardInterrupt) as raised, calling(MAKER, "encode"):
        interrupted()
    assert is_interrupt(raised.value)


def test_a_built_thing_knows_its_maker_when_it_is_copied() -> None:
    module = copy.deepcopy(made_by(nn.Linear(1, 1), MAKER))
    with pytest.raises(PluginFailure, match="plugin 'odd', forward of encoder 'odd_tiny'"), calling(module, "forward"):
        raise SystemExit
    assert not [name for name in module.state_dict() if "maker" in name]


def test_what_takes_no_attribute_is_named_by_its_class() -> None:
    class Bare:
        __slots__ = ()

    with pytest.raises(PluginFailure, match="Bare"), calling(made_by(Bare(), MAKER), "encode"):
        raise SystemExit


def test_guarded_functions_are_equal_where_plugin_and_function_are() -> None:
    assert Guarded(print, MAKER, "build") == Guarded(print, MAKER, "build")
    assert Guarded(print, MAKER, "build") != Guarded(print, Maker("other"), "build")
    assert Guarded(lambda: SimpleNamespace(), MAKER, "build")().__dict__ == {"_foresight_maker": MAKER}
