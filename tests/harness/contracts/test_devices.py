"""Devices by name."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch
from foresight_harness import UsageError
from foresight_harness.contracts.devices import in_double, require_device
from foresight_harness.planning.options import RunOptions


@pytest.mark.parametrize("name", ["cpu", "cuda", "cuda:3", "mps"])
def test_options_take_every_kind_of_device(name: str) -> None:
    assert RunOptions(device=name).device == name


@pytest.mark.parametrize("name", ["gpu", "cuda:", "cuda:x", "mps:0\n", ""])
def test_what_is_no_device_is_refused_in_one_line(name: str) -> None:
    with pytest.raises(UsageError, match="choose cpu, cuda, cuda:N or mps"):
        RunOptions(device=name)


def test_a_device_that_is_not_there_is_refused_before_any_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    require_device("cpu")
    require_device("cuda:1")
    with pytest.raises(UsageError, match="no Metal device"):
        require_device("mps")
    with pytest.raises(UsageError, match=r"2 CUDA device\(s\), cuda:0 to cuda:1"):
        require_device("cuda:2")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(UsageError, match="no CUDA device"):
        require_device("cuda")


def test_double_precision_is_taken_where_the_device_has_it_and_on_the_cpu_else() -> None:
    values = torch.tensor([0.1])
    assert torch.equal(in_double(values), values.double())
    on_metal = SimpleNamespace(device=SimpleNamespace(type="mps"), cpu=lambda: values, double=None)
    assert in_double(on_metal).dtype == torch.float64  # type: ignore[arg-type]
