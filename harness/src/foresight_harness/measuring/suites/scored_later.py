"""What rows of suites are written with: ranges, and functions of modules that are imported when a cell is scored."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any

from foresight_harness.contracts.specs.suites import Bounds

if TYPE_CHECKING:
    from foresight_harness.contracts.outcomes import Outcome

SHARE: Bounds = (0.0, 1.0)
ABOVE_ZERO: Bounds = (0.0, None)


def protocol_in(module: str) -> Callable[[Any], Mapping[str, Any]]:
    """``protocol`` of a module beside this one, which is imported when a cell is scored."""

    def protocol(cell: Any) -> Mapping[str, Any]:
        choices: Mapping[str, Any] = import_module(f"{__package__}.{module}").protocol(cell)
        return choices

    return protocol


def score_in(module: str) -> Callable[[Any], Outcome]:
    """``score`` of a module beside this one, likewise."""

    def score(cell: Any) -> Outcome:
        outcome: Outcome = import_module(f"{__package__}.{module}").score(cell)
        return outcome

    return score
