"""How kits speak: every failure names plugin, hook and part; every answer of an encoder is looked at as in a run."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import Any

from torch import Tensor

from foresight_harness.contracts.errors import ForesightError
from foresight_harness.contracts.protocols import Encoder
from foresight_harness.contracts.text import one_line
from foresight_harness.contracts.token_grids import TokenGrid
from foresight_harness.measuring.extraction.encode import checked_grids
from foresight_harness.parts.checks.failures import ConformanceError

Test = Callable[..., Any]


class NamedError(ConformanceError):
    """A failure that names plugin, hook and part already."""


def name_failures(kit: type) -> None:
    """Make every test that a kit itself defines name plugin, hook and part where it fails."""
    for name, test in list(vars(kit).items()):
        if name.startswith("test") and inspect.isfunction(test):
            setattr(kit, name, _named(test))


def _named(test: Test) -> Test:
    @wraps(test)
    def run(self: Any, *args: Any, **cases: Any) -> Any:
        try:
            return test(self, *args, **cases)
        except NamedError:
            raise
        except (ConformanceError, ForesightError) as error:
            said = f"{_who(self, cases)}: {one_line(str(error), most=1000)}"
            # Without the way there: pytest would print what every function on it was given, tensors by value.
            raise NamedError(said) from None

    return run


def _who(kit: Any, cases: Mapping[str, Any]) -> str:
    """Plugin and hook of a kit, and the part that a case is of."""
    case = next((value for name, value in cases.items() if name in ("spec", "place", "seen", "case")), None)
    spec = case[0] if isinstance(case, tuple) else getattr(case, "spec", case)
    name = getattr(spec, "name", None)
    return f"plugin {kit.plugin!r} (hook {kit.hook}){f', {name}' if name else ''}"


@dataclass(frozen=True)
class LookedAt:
    """An encoder whose every answer is looked at as a run does: a mapping of tap to grid, as many as clips, finite."""

    encoder: Encoder

    def encode(self, clips: Tensor, taps: Sequence[str]) -> dict[str, TokenGrid]:
        """As the encoder's own. Raises: GridError saying what came back, by its shape."""
        return checked_grids(self.encoder.encode(clips, taps), len(clips), taps)

    def facts(self) -> Mapping[str, Any]:
        """As the encoder's own."""
        return self.encoder.facts()

    def __getattr__(self, name: str) -> Any:
        """Whatever else the encoder has: tests of its author may read it."""
        return getattr(self.encoder, name)
