"""Tokens in a wrong order are caught by the kit and by the admission of a run."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest
import torch
from foresight_detectors.building import build
from foresight_detectors.sizes import Size
from foresight_detectors.specs import encoder_spec, taps
from foresight_harness import BuildRequest
from foresight_harness.grids import TokenGrid
from foresight_harness.surface.conformance.admitting import check_admitted
from foresight_harness.testing import ConformanceError, check_impulse
from torch import Tensor


def _transposed(tokens: Tensor) -> Tensor:
    """Columns before rows."""
    return tokens.transpose(2, 3).reshape(tokens.shape)


def _flipped(tokens: Tensor) -> Tensor:
    """Row 0 at the bottom."""
    return tokens.flip(2)


def _prefixed(tokens: Tensor) -> Tensor:
    """A class token kept in front: every token stands one further, the last is lost."""
    flat = tokens.flatten(2, 3)
    return torch.cat([flat.mean(2, keepdim=True), flat[:, :, :-1]], dim=2).reshape(tokens.shape)


FAULTS = {"transposed": _transposed, "flipped": _flipped, "prefixed": _prefixed}


class Wrong:
    """An encoder whose tokens are put in another order at one tap."""

    def __init__(self, encoder: Any, tap: str, order: Callable[[Tensor], Tensor]) -> None:
        self._encoder, self._tap, self._order = encoder, tap, order

    def facts(self) -> Mapping[str, Any]:
        return dict(self._encoder.facts())

    def encode(self, clips: Tensor, names: Sequence[str]) -> dict[str, TokenGrid]:
        grids = self._encoder.encode(clips, names)
        if self._tap in grids:
            grids[self._tap] = TokenGrid(self._order(grids[self._tap].tokens))
        return dict(grids)


@pytest.mark.parametrize("fault", FAULTS)
def test_the_kit_finds_tokens_in_a_wrong_order_at_every_tap(tiny: Size, fault: str) -> None:
    encoder = build(tiny, BuildRequest())
    for tap in taps(tiny)[:-1]:
        check_impulse(encoder, tap.name, sizes=((140, 196),), tolerance_cells=0)
        with pytest.raises(ConformanceError, match="impulses are found elsewhere"):
            check_impulse(Wrong(encoder, tap.name, FAULTS[fault]), tap.name, sizes=((140, 196),))


@pytest.mark.parametrize("fault", ["transposed", "flipped"])
def test_a_run_refuses_boxes_in_a_wrong_order_where_each_token_predicts_its_own(size, fault: str) -> None:
    """With the weights of this seed boxes follow the picture; with others they hardly do, and nobody is accused."""
    spec = encoder_spec(size("owlvit_tiny"))
    encoder = build(size("owlvit_tiny"), BuildRequest(seed=1))
    check_admitted(encoder, spec, BuildRequest())
    with pytest.raises(ConformanceError, match=r"a run refuses it: boxes: each token sees"):
        check_admitted(Wrong(encoder, "boxes", FAULTS[fault]), spec, BuildRequest())
