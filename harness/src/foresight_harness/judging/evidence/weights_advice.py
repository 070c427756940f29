"""Where untrained weights have published ones to be replaced by: names that ``weights list`` knows, and no others."""

from __future__ import annotations

from functools import lru_cache

from foresight_harness.contracts.errors import PluginError
from foresight_harness.contracts.specs import DecoderSpec, EncoderSpec
from foresight_harness.planning.registry import Registry, load_registry, own_registry
from foresight_harness.planning.registry.published_weights import known_weights, weights_of

FETCH = "foresight-bench weights fetch {}, then --weights pretrained"
SMALL = ("_tiny", "_nano")
"""What begins the part of a name that says that it is a small size of the family before it."""


def weights_advice(name: str, registry: Registry | None = None) -> str:
    """What to do about the untrained weights of an encoder or a decoder.

    Args:
        name: Of its spec, as records have it.
        registry: What is on offer; by default what is installed.
    """
    offers = registry or _installed()
    known = known_weights(offers)
    spec = _spec(offers, name)
    own = weights_of(spec) if spec is not None else None
    if own is not None and own.name in known:
        return FETCH.format(own.name)
    larger = None if spec is None else _published_size(offers, spec, frozenset(known))
    if larger is None:
        return "none are published for it; foresight-bench weights list shows what is"
    return f"none are published for it, score {larger} instead: {FETCH.format(larger)}"


def _published_size(registry: Registry, spec: EncoderSpec | DecoderSpec, known: frozenset[str]) -> str | None:
    """The smallest published size of the family whose small size this is; None where there is none."""
    stem = min((spec.name.partition(mark)[0] for mark in SMALL if mark in spec.name), key=len, default=None)
    if stem is None:
        return None
    table = registry.encoders if isinstance(spec, EncoderSpec) else registry.decoders
    sizes = [
        each
        for each in table.values()
        if each.name in known and each.family == spec.family and f"{each.name}_".startswith(f"{stem}_")
    ]
    return min(sizes, key=lambda each: each.params or 0).name if sizes else None


def _spec(registry: Registry, name: str) -> EncoderSpec | DecoderSpec | None:
    return registry.encoders.get(name) or registry.decoders.get(name)


@lru_cache(maxsize=1)
def _installed() -> Registry:
    """Loaded where a number of untrained weights is judged, once a process."""
    try:
        return load_registry()
    except PluginError:  # two plugins offer one name: a run would say so, an advice has the core's names
        return own_registry()
