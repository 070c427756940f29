"""Load plugins one by one, so that one that breaks is a visible failure and the others still run."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterable, Iterator
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType

from foresight_harness.contracts.errors import PluginError, PluginFailure
from foresight_harness.contracts.hooks import PROJECT
from foresight_harness.planning.plugin_calls import Maker, calling, is_interrupt
from foresight_harness.planning.registry import trials
from foresight_harness.planning.registry.offers import printable, registry_from
from foresight_harness.planning.registry.registry import PluginInfo, Registry
from foresight_harness.planning.registry.sources import (
    CORE,
    OWN_SOURCES,
    PROJECT_PACKAGE,
    Place,
    Sources,
    own_digest,
    place_of_module,
)

__all__ = ["load_registry", "own_plugins", "own_registry", "registry_from"]


def load_registry() -> Registry:
    """Load every installed plugin (entry-point group ``foresight``) and the harness's own offers.

    A plugin that was never loaded here in this state is tried in a child process first (``trials``).

    Returns:
        The offers; a plugin that cannot be imported, or whose hook raises, exits or returns what is no spec, is listed
        with its error and offers nothing.

    Raises:
        PluginError: where two plugins offer one name.
    """
    points = list(_unique(sorted(entry_points(group=PROJECT), key=lambda point: point.name)))
    modules: list[tuple[PluginInfo, object]] = [*own_plugins()]
    sources = Sources()
    digests = {point.name: _digest(sources, _module(point)) for point in points}
    known = {point.name: (_module(point), digests[point.name]) for point in points if digests[point.name]}
    fatal = trials.tried(known)
    broken = []
    with trials.marked([plugin for name, plugin in known.items() if name not in fatal]):
        for point in points:
            if point.name in fatal:
                broken.append(_broken(point, digests[point.name], f"it {fatal[point.name]}"))
                continue
            try:
                with calling(Maker(point.name), "import", random=True):
                    module = importlib.import_module(_module(point))
            except BaseException as error:  # any end of foreign code is that plugin's failure, and is shown as such
                if is_interrupt(error):
                    raise
                broken.append(_broken(point, digests[point.name], _reason(error)))
            else:
                digest = digests[point.name] or sources.digest(Place(Path(module.__file__ or ""), module.__name__))
                modules.append((_info(point.name, module, point, digest), module))
        return registry_from(modules, broken)


def own_registry() -> Registry:
    """The harness's own offers, whatever else is installed."""
    return registry_from(own_plugins())


def own_plugins() -> list[tuple[PluginInfo, ModuleType]]:
    """The harness's own plugins: the modules ``builtin*`` of its wings, found by their names as those of others are by
    their entry points, so that no wing has to know what is offered above it."""
    names = [f"{PROJECT_PACKAGE}.{path.parent.name}.{path.stem}" for path in sorted(CORE.glob("*/builtin*.py"))]
    modules = map(importlib.import_module, names)
    return [(_own_info(module), module) for module in modules]


def _own_info(module: ModuleType) -> PluginInfo:
    name, path = module.__name__.rpartition(".")[2], Path(module.__file__ or "")
    return _info(name, module, None, own_digest(path, OWN_SOURCES[name]))


def _unique(points: Iterable[EntryPoint]) -> Iterator[EntryPoint]:
    seen: dict[str, EntryPoint] = {}
    for point in points:
        first = seen.setdefault(point.name, point)
        if first is point:
            yield point
        elif first.value != point.value:
            raise PluginError(
                f"{_distribution(first)} and {_distribution(point)} are both plugin {point.name!r}; uninstall one"
            )


def _module(point: EntryPoint) -> str:
    return point.value.partition(":")[0].strip()


def _reason(error: BaseException) -> str:
    """Why an import failed, as the end of a sentence."""
    if isinstance(error, PluginFailure):
        return f"it {str(error).partition(', import ')[2]}"
    return f"{type(error).__name__}: {error}"


def _digest(sources: Sources, module: str) -> str:
    """Digest of a plugin's sources; empty where they cannot be found before it is imported."""
    try:
        place = place_of_module(module)
        return "" if place is None else sources.digest(place)
    except OSError:
        return ""


def _info(name: str, module: ModuleType, point: EntryPoint | None, digest: str) -> PluginInfo:
    distribution = point.dist if point is not None else None
    return PluginInfo(
        name=name,
        distribution=distribution.name if distribution else "foresight-harness",
        version=distribution.version if distribution else str(getattr(sys.modules[PROJECT_PACKAGE], "__version__", "")),
        digest=digest,
        module=module.__name__,
        entry_point=point is not None,
    )


def _broken(point: EntryPoint, digest: str, reason: str) -> PluginInfo:
    at_a_hook = reason.startswith(f"it {PROJECT}_")
    said = f": {reason.removeprefix('it ')}" if at_a_hook else f" cannot be imported: {reason}"
    return PluginInfo(
        name=point.name,
        distribution=_distribution(point),
        version=point.dist.version if point.dist else "",
        digest=digest,
        error=printable(f"plugin {point.name!r}{said}"),
        module=point.value,
    )


def _distribution(point: EntryPoint) -> str:
    return point.dist.name if point.dist else point.value
