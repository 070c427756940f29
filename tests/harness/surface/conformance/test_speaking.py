from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from foresight_harness.contracts.errors import GridError
from foresight_harness.surface.conformance.kit import ConformanceKit
from foresight_harness.surface.conformance.speaking import LookedAt, NamedError
from foresight_harness.testing import ConformanceError


class _Spec:
    name = "fake_tiny"


def _kit(test: Callable[..., object]) -> ConformanceKit:
    """A kit of plugin "fake" whose one test is the given function."""
    return type("Kit", (ConformanceKit,), {"plugin": "fake", "hook": "foresight_encoders", "test_it": test})()


def _raising(error: BaseException) -> Callable[..., None]:
    def test_it(self: object, spec: object = None, place: object = None) -> None:
        raise error

    return test_it


@pytest.mark.parametrize("case", [{"spec": _Spec()}, {"place": (_Spec(), "last")}], ids=["spec", "place"])
@pytest.mark.parametrize("error", [ConformanceError("4 is wanted"), GridError("4 is wanted")], ids=["kit", "harness"])
def test_a_failure_is_told_with_plugin_hook_and_part(error: Exception, case: dict[str, object]) -> None:
    with pytest.raises(NamedError) as caught:
        _kit(_raising(error)).test_it(**case)  # type: ignore[attr-defined]
    assert str(caught.value) == "plugin 'fake' (hook foresight_encoders), fake_tiny: 4 is wanted"


def test_a_failure_of_no_part_names_plugin_and_hook_alone_and_only_once() -> None:
    with pytest.raises(NamedError) as caught:
        _kit(_raising(ConformanceError("nothing is offered"))).test_it()  # type: ignore[attr-defined]
    assert str(caught.value) == "plugin 'fake' (hook foresight_encoders): nothing is offered"
    with pytest.raises(NamedError) as again:
        _kit(_raising(caught.value)).test_it()  # type: ignore[attr-defined]
    assert again.value is caught.value


def test_a_failure_is_one_line_that_cannot_write_on_the_terminal() -> None:
    with pytest.raises(NamedError) as caught:
        _kit(_raising(ConformanceError("tap 'a\x1b[31m'\nis odd"))).test_it()  # type: ignore[attr-defined]
    assert "\n" not in str(caught.value)
    assert "\x1b" not in str(caught.value)


def test_the_way_to_a_failure_is_dropped_and_other_errors_keep_theirs() -> None:
    with pytest.raises(NamedError) as caught:
        _kit(_raising(GridError("tokens are odd"))).test_it()  # type: ignore[attr-defined]
    assert caught.value.__suppress_context__
    with pytest.raises(ZeroDivisionError):
        _kit(_raising(ZeroDivisionError())).test_it()  # type: ignore[attr-defined]


class _Odd:
    """Whatever it was made with comes back."""

    def __init__(self, answer: object) -> None:
        self.answer = answer

    def encode(self, clips: object, taps: object) -> object:
        return self.answer


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (None, "encode returned a NoneType; a mapping of tap"),
        (torch.rand(2, 3), r"encode returned a tensor \(2, 3\) float32; a mapping of tap"),
        ((torch.rand(2, 3, dtype=torch.float64),), r"a tuple of 1, the first a tensor \(2, 3\) float64"),
        ({}, r"tap 'last' was asked for and \[\] came back"),
        ({"first": torch.rand(1)}, r"tap 'last' was asked for and \['first'\] came back"),
        ({"last": torch.rand(2, 1, 4, 4, 8)}, r"tap 'last' is a tensor \(2, 1, 4, 4, 8\) float32; a mapping"),
    ],
)
def test_an_odd_answer_is_told_by_kind_and_shape(answer: object, said: str) -> None:
    with pytest.raises(GridError, match=said) as caught:
        LookedAt(_Odd(answer)).encode(torch.rand(2, 1, 3, 8, 8), ["last"])  # type: ignore[arg-type]
    assert "0." not in str(caught.value)
    assert "tensor(" not in str(caught.value)
