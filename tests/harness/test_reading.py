from __future__ import annotations

import pytest
import torch
from foresight_harness.parts.module_outputs import reading
from torch import Tensor, nn


class Layers(nn.Module):
    """Three maps, one after the other."""

    def __init__(self) -> None:
        super().__init__()
        self.maps = nn.ModuleList(nn.Linear(2, 2) for _ in range(3))

    def forward(self, tokens: Tensor) -> Tensor:
        for one in self.maps:
            tokens = one(tokens)
        return tokens


def test_outputs_are_collected_and_the_forward_ends_behind_the_last_one() -> None:
    model, tokens = Layers(), torch.rand(1, 2)
    ran: list[int] = []
    for index, one in enumerate(model.maps):
        one.register_forward_hook(lambda *_, index=index: ran.append(index))
    with reading({"a": model.maps[0], "b": model.maps[1]}, until="b") as found:
        model(tokens)
    assert torch.equal(found["b"], model.maps[1](model.maps[0](tokens)))
    assert ran[:2] == [0, 1]
    assert 2 not in ran


def test_without_an_end_the_forward_runs_through() -> None:
    model = Layers()
    with reading({"a": model.maps[0]}) as found:
        whole = model(torch.rand(1, 2))
    assert set(found) == {"a"}
    assert whole.shape == (1, 2)


def test_hooks_are_gone_afterwards_even_where_the_body_fails() -> None:
    model = Layers()
    with pytest.raises(ZeroDivisionError), reading({"a": model.maps[0]}):
        raise ZeroDivisionError
    with reading({"b": model.maps[1]}) as found:
        pass
    model(torch.rand(1, 2))
    assert found == {}


def test_a_module_that_runs_twice_is_refused() -> None:
    model = Layers()
    with pytest.raises(RuntimeError, match=r"Linear \(a\) ran twice"), reading({"a": model.maps[0]}):
        nn.Sequential(model, model)(torch.rand(1, 2))


def test_an_output_that_is_no_tensor_is_refused() -> None:
    class Pair(nn.Module):
        def forward(self, tokens: Tensor) -> tuple[Tensor, Tensor]:
            return tokens, tokens

    pair = Pair()
    with pytest.raises(TypeError, match=r"Pair \(a\) gave a tuple"), reading({"a": pair}):
        pair(torch.rand(1, 2))
