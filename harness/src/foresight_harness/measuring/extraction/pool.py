"""Built models: each at most once a run, kept only while a planned cell needs it."""

from __future__ import annotations

import weakref
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

from foresight_harness.contracts.protocols import Encoder
from foresight_harness.contracts.specs import BuildRequest, EncoderSpec
from foresight_harness.measuring.extraction.tidying import free_cycles, times_set_aside
from foresight_harness.parts.weights.counting import parameters_of, require_finite_parameters

SPARE_BYTES = 2**30
"""Parameters of an encoder that is kept after its last live cell where it is still to be looked at. What is larger is
built again: fits of other cells may need that memory."""


@dataclass
class EncoderPool:
    """Encoders in memory. ``needed`` says how many planned cells still want each one live."""

    request: Callable[[EncoderSpec], BuildRequest]
    needed: Counter[str] = field(default_factory=Counter)
    builds: Counter[str] = field(default_factory=Counter)
    """How often each encoder was built, for ``run.json`` and tests."""
    spare: str = ""
    """An encoder that is looked at again: kept as long as no other is built."""
    looked_at_again: Callable[[str], bool] = lambda name: False
    """Whether what the cache holds of an encoder is still to be compared on some data set."""
    _live: dict[str, Encoder] = field(default_factory=dict)
    _built_after: dict[str, int] = field(default_factory=dict)
    """How often survivors had been set aside when each encoder was built."""

    def get(self, spec: EncoderSpec, taps: Sequence[str] = (), *, counted: bool = True) -> Encoder:
        """The built encoder, wanted for ``taps``. ``counted``: not where it is only looked at.

        Raises:
            CheckpointError, UsageError: from its plugin.
        """
        if spec.name not in self._live:
            if self.spare:  # two encoders are in memory only where a cell needs both
                self.spare = ""
                self.trim()
            self.builds[spec.name] += counted
            request = replace(self.request(spec), taps=tuple(taps))
            built = spec.build(request)
            if request.weights != "random":
                require_finite_parameters(built, f"encoder {spec.name}")
            self._live[spec.name] = built
            self._built_after[spec.name] = times_set_aside()
        return self._live[spec.name]

    def plan(self, names: Iterable[str]) -> None:
        """Announce that a cell will need these encoders live."""
        self.needed.update(names)

    def done(self, names: Iterable[str]) -> None:
        """A cell that needed these encoders has ended. A small one that is still to be looked at becomes the spare."""
        self.needed.subtract(names := list(names))
        for name in names:
            if self.looked_at_again(name) and name in self._live and _bytes_of(self._live[name]) <= SPARE_BYTES:
                self.spare = name
        self.trim()

    def trim(self) -> None:
        """Free every encoder that no planned cell wants live."""
        if self.spare and not self.looked_at_again(self.spare):
            self.spare = ""
        idle = [name for name in self._live if self.needed[name] <= 0 and name != self.spare]
        traces = [trace for name in idle for trace in _traces(self._live.pop(name))]
        # Looking through all that the process holds takes tenths of a second: only where something refers in a circle.
        if any(trace() is not None for trace in traces):
            free_cycles(whole=any(self._built_after[name] != times_set_aside() for name in idle))


def _bytes_of(encoder: Encoder) -> int:
    return sum(parameter.numel() * parameter.element_size() for parameter in parameters_of(encoder))


def _traces(encoder: Encoder) -> list[Callable[[], object]]:
    """What says later whether an encoder and its parameters are gone; of what cannot be followed, that it is not."""
    found: list[Callable[[], object]] = []
    for thing in (encoder, *parameters_of(encoder)):
        try:
            found.append(weakref.ref(thing))
        except TypeError:
            found.append(lambda: True)
    return found
