"""Built models: each at most once a run, kept only while a planned cell needs it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

from foresight_harness.contracts.protocols import Encoder
from foresight_harness.contracts.specs import BuildRequest, EncoderSpec
from foresight_harness.measuring.extraction.tidying import free_cycles, times_set_aside
from foresight_harness.parts.weights.counting import require_finite_parameters


@dataclass
class EncoderPool:
    """Encoders in memory. ``needed`` says how many planned cells still want each one live."""

    request: Callable[[EncoderSpec], BuildRequest]
    needed: Counter[str] = field(default_factory=Counter)
    builds: Counter[str] = field(default_factory=Counter)
    """How often each encoder was built, for ``run.json`` and tests."""
    _live: dict[str, Encoder] = field(default_factory=dict)
    _built_after: dict[str, int] = field(default_factory=dict)
    """How often survivors had been set aside when each encoder was built."""

    def get(self, spec: EncoderSpec, taps: Sequence[str] = (), *, counted: bool = True) -> Encoder:
        """The built encoder, wanted for ``taps``. ``counted``: not where it is only looked at.

        Raises:
            CheckpointError, UsageError: from its plugin.
        """
        if spec.name not in self._live:
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
        """A cell that needed these encoders has ended."""
        self.needed.subtract(names)
        self.trim()

    def trim(self) -> None:
        """Free every encoder that no planned cell wants live."""
        idle = [name for name in self._live if self.needed[name] <= 0]
        for name in idle:
            del self._live[name]
        if idle:
            free_cycles(whole=any(self._built_after[name] != times_set_aside() for name in idle))
