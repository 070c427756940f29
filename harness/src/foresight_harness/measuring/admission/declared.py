"""What an encoder declares, against what it is: whose it is, what it reads, how many parameters were built."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from foresight_harness.contracts.specs import EncoderSpec
from foresight_harness.planning.registry import PluginInfo, Registry

SPARE = 0.02
"""Share by which parameter counts may differ: buffers that some count and others do not."""
SPARE_ELSEWHERE = 0.5
"""The same at another input size, which has another table of positions."""


def is_core(plugin: PluginInfo) -> bool:
    """Whether an offer is the harness's own: its right answer is known, and tested."""
    return not plugin.entry_point


def examined_as(name: str, registry: Registry) -> str | None:
    """The encoder whose admission decides about one: itself, or what the harness makes a variant of.

    None for the harness's own controls, which need none.
    """
    spec = registry.encoder(name)
    if not is_core(registry.owner("encoder", name)):
        return name
    if spec.role != "candidate":
        return None
    if spec.inputs == "grids" and spec.derives_from is not None:
        return examined_as(spec.derives_from, registry)
    return name


def named(name: str, registry: Registry) -> str:
    """An encoder with its plugin and hook, as messages name it."""
    return f"encoder {name} of plugin {registry.owner('encoder', name).name!r} (hook foresight_encoders)"


def reading_fault(name: str, registry: Registry) -> str | None:
    """Whether an encoder reads what only the harness's own controls may: the true masks."""
    lineage = registry.lineage(name)
    if lineage[-1].inputs != "masks" or is_core(registry.owner("encoder", name)):
        return None
    if len(lineage) == 1:
        return 'reads the true masks (inputs="masks"), which only the harness\'s own controls may: give inputs="clips"'
    return f"is made of {lineage[-1].name}, which reads the true masks: only the harness's own controls may"


def params_fault(spec: EncoderSpec, facts: Mapping[str, Any] | None, found: int, *, own_size: bool) -> str | None:
    """Parameters that are declared, that the built object tells, and that were found in it.

    Args:
        spec: What declares them.
        facts: Of the built object; None where it tells none.
        found: Counted in the object and in the modules that ran.
        own_size: Whether it was built at its own input size.
    """
    told = (facts or {}).get("params")
    told = told if isinstance(told, int) and not isinstance(told, bool) else None
    spare = SPARE if own_size else SPARE_ELSEWHERE
    if spec.params == 0 and found:
        return f"declares no parameters (params=0) and {found:,} were built: declare them, so that their origin counts"
    if spec.params is not None and told is not None and abs(told - spec.params) > spare * max(spec.params, 1):
        return f"declares {spec.params:,} parameters, facts() of the built object say {told:,}: declare what is built"
    known = spec.params if spec.params is not None else told
    if known is not None and found > (1 + spare) * known:
        return f"declares {known:,} parameters and {found:,} were built: declare what is built"
    return None
