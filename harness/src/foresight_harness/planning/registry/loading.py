"""Load plugins one by one, so that one that breaks is a visible failure and the others still run."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import lru_cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType
from typing import Any, cast

import pluggy

from foresight_harness.contracts import hookspecs
from foresight_harness.contracts.errors import PluginError
from foresight_harness.contracts.hooks import PROJECT
from foresight_harness.contracts.specs import (
    DatasetSpec,
    DecoderSpec,
    EncoderSpec,
    EnhancerSpec,
    ExtractorSpec,
    FusionSpec,
    MetricSpec,
    ProbeSpec,
    SuiteSpec,
)
from foresight_harness.planning.registry.registry import PluginInfo, Registry
from foresight_harness.planning.registry.spec_faults import spec_fault

KINDS: Mapping[str, type] = {
    "encoders": EncoderSpec,
    "extractors": ExtractorSpec,
    "enhancers": EnhancerSpec,
    "fusions": FusionSpec,
    "decoders": DecoderSpec,
    "datasets": DatasetSpec,
    "metrics": MetricSpec,
    "probes": ProbeSpec,
    "suites": SuiteSpec,
}
"""Kind of offer -> class of spec; the hook is ``foresight_<kind>``."""


def load_registry() -> Registry:
    """Load every installed plugin (entry-point group ``foresight``) and the harness's own offers.

    Returns:
        The offers; a plugin that cannot be imported is listed with its error and offers nothing.

    Raises:
        PluginError: where two plugins offer one name, or a hook is misspelt or has a wrong signature.
    """
    points = sorted(entry_points(group=PROJECT), key=lambda point: point.name)
    modules: list[tuple[PluginInfo, object]] = [*own_plugins()]
    broken = []
    for point in _unique(points):
        try:
            module = importlib.import_module(point.value)
        except Exception as error:  # any failure of foreign code is that plugin's failure, and is shown as such
            broken.append(_broken(point, error))
        else:
            modules.append((_info(point.name, module, point), module))
    return registry_from(modules, broken)


def own_registry() -> Registry:
    """The harness's own offers, whatever else is installed."""
    return registry_from(own_plugins())


def own_plugins() -> list[tuple[PluginInfo, ModuleType]]:
    """The harness's own plugins: the modules ``builtin*`` of its wings, found by their names as those of others are by
    their entry points, so that no wing has to know what is offered above it."""
    names = [f"{PROJECT_PACKAGE}.{path.parent.name}.{path.stem}" for path in sorted(CORE.glob("*/builtin*.py"))]
    modules = map(importlib.import_module, names)
    return [(_info(_name(module), module, None), module) for module in modules]


def _name(module: ModuleType) -> str:
    return module.__name__.rpartition(".")[2]


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


def registry_from(modules: Iterable[tuple[PluginInfo, object]], broken: Iterable[PluginInfo] = ()) -> Registry:
    """Ask plugins for their offers. Raises: PluginError; see ``load_registry``."""
    manager = pluggy.PluginManager(PROJECT)
    manager.add_hookspecs(hookspecs)
    infos: dict[str, PluginInfo] = {}
    for info, module in modules:
        try:
            manager.register(module, name=info.name)
            _refuse_misspelt(manager, info, module)
        except pluggy.PluginValidationError as error:
            raise PluginError(f"plugin {info.name!r}: {' '.join(str(error).split())}") from error
        infos[info.name] = info
    owners: dict[tuple[str, str], PluginInfo] = {}
    refused: dict[tuple[str, str], str] = {}
    offers = {kind: _collect(manager, kind, spec_class, infos, owners, refused) for kind, spec_class in KINDS.items()}
    infos = _with_refusals(infos, owners, refused)
    offers["suites"] = _in_order(offers["suites"], lambda spec: spec.running_place)
    offers["probes"] = _in_order(offers["probes"], lambda spec: (not spec.primary, bool(spec.audit_only)))
    _refuse_second_primary(offers["probes"], owners)
    plugins = sorted([*infos.values(), *broken], key=lambda plugin: (plugin.entry_point, plugin.name))
    return Registry(
        plugins=tuple(plugins),
        environment=_environment(manager),
        owners=owners,
        refused=refused,
        exporters=_exporters(manager),
        **offers,  # type: ignore[arg-type]
    )


def _refuse_misspelt(manager: pluggy.PluginManager, info: PluginInfo, module: object) -> None:
    """``check_pending`` sees marked functions only; a bare ``foresight_...`` function is as likely a slip."""
    manager.check_pending()
    known = {hook.__name__ for hook in hookspecs.HOOKS}
    marked = {caller.name for caller in manager.get_hookcallers(module) or []}
    for name in vars(module) if isinstance(module, ModuleType) else dir(module):
        if name.startswith(f"{PROJECT}_") and callable(getattr(module, name)):
            if name not in known:
                raise PluginError(f"plugin {info.name!r} defines {name}, which is no hook; there are {sorted(known)}")
            if name not in marked:
                raise PluginError(f"plugin {info.name!r} defines {name} without @hookimpl; add the decorator")


def _collect(
    manager: pluggy.PluginManager,
    kind: str,
    spec_class: type[Any],
    infos: Mapping[str, PluginInfo],
    owners: dict[tuple[str, str], PluginInfo],
    refused: dict[tuple[str, str], str],
) -> dict[str, Any]:
    found: dict[str, Any] = {}
    singular = kind.removesuffix("s")
    caller = getattr(manager.hook, f"{PROJECT}_{kind}")
    for implementation in caller.get_hookimpls():
        owner = infos[implementation.plugin_name]
        for spec in cast("Iterable[Any]", implementation.function()):
            if not isinstance(spec, spec_class):
                raise PluginError(
                    f"plugin {owner.name!r}: {PROJECT}_{kind} returned a {type(spec).__name__}; "
                    f"expected {spec_class.__name__}"
                )
            if spec.name in found:
                first = owners[(singular, spec.name)].name
                raise PluginError(
                    f"{singular} {spec.name!r} is offered by both {first!r} and {owner.name!r}; "
                    "uninstall one, or rename it in its plugin"
                )
            owners[(singular, str(spec.name))] = owner
            if fault := spec_fault(spec):
                refused[(singular, str(spec.name))] = " ".join(fault.split())
            else:
                found[spec.name] = spec
    return dict(sorted(found.items()))


def _with_refusals(
    infos: Mapping[str, PluginInfo],
    owners: Mapping[tuple[str, str], PluginInfo],
    refused: Mapping[tuple[str, str], str],
) -> dict[str, PluginInfo]:
    """Plugins with a spec that cannot be loaded are in error; what else they offer stands."""
    found = dict(infos)
    for (kind, name), fault in refused.items():
        owner = owners[(kind, name)].name
        line = f"plugin {owner!r}: foresight_{kind}s returned {kind} {name!r:.60}: {fault}"
        before = found[owner].error
        found[owner] = replace(found[owner], error=line if before is None else f"{before}; {line}")
    return found


def _in_order(offers: Mapping[str, Any], place: Callable[[Any], Any]) -> dict[str, Any]:
    """Offers by their place; equals by name."""
    return dict(sorted(offers.items(), key=lambda item: place(item[1])))


def _refuse_second_primary(probes: Mapping[str, ProbeSpec], owners: Mapping[tuple[str, str], PluginInfo]) -> None:
    found = [name for name, spec in probes.items() if spec.primary]
    if len(found) > 1:
        said = " and ".join(f"{name!r} of plugin {owners['probe', name].name!r}" for name in found)
        raise PluginError(f"{said} are both the primary probe; scores are ranked by one, so leave 'primary' out")


def _environment(manager: pluggy.PluginManager) -> dict[str, str]:
    facts: dict[str, str] = {}
    givers: dict[str, str] = {}
    for implementation in manager.hook.foresight_environment.get_hookimpls():
        for name, value in cast("Mapping[str, Any]", implementation.function()).items():
            if name in facts:
                raise PluginError(
                    f"environment fact {name!r} is given by both {givers[name]!r} and {implementation.plugin_name!r}"
                )
            facts[name] = str(value)
            givers[name] = implementation.plugin_name
    return facts


Exporter = Callable[[Mapping[str, Any]], None]


def _exporters(manager: pluggy.PluginManager) -> tuple[tuple[str, Exporter], ...]:
    """Name and hook of every plugin that takes records; as with every hook, one may leave the argument out."""
    found = sorted(manager.hook.foresight_record.get_hookimpls(), key=lambda one: one.plugin_name)
    return tuple(
        (one.plugin_name, cast("Exporter", one.function) if one.argnames else _without_record(one.function))
        for one in found
    )


def _without_record(function: Callable[[], object]) -> Exporter:
    def export(record: Mapping[str, Any]) -> None:
        function()

    return export


def _info(name: str, module: ModuleType, point: EntryPoint | None) -> PluginInfo:
    distribution = point.dist if point is not None else None
    return PluginInfo(
        name=name,
        distribution=distribution.name if distribution else "foresight-harness",
        version=distribution.version if distribution else str(getattr(sys.modules[PROJECT_PACKAGE], "__version__", "")),
        digest=_source_digest(module),
        module=module.__name__,
        entry_point=point is not None,
    )


PROJECT_PACKAGE = "foresight_harness"
CORE = Path(hookspecs.__file__).parents[1]


def _broken(point: EntryPoint, error: Exception) -> PluginInfo:
    reason = " ".join(f"{type(error).__name__}: {error}".split())[:300]
    return PluginInfo(
        name=point.name,
        distribution=_distribution(point),
        version=point.dist.version if point.dist else "",
        digest="",
        error=f"plugin {point.name!r} cannot be imported: {reason}",
        module=point.value,
    )


def _distribution(point: EntryPoint) -> str:
    return point.dist.name if point.dist else point.value


SHARED = ("contracts/token_grids.py", "parts/module_outputs.py", "parts/weights")
"""What plugins' models are built with: a change there may change features, and so makes cached ones another's."""

OWN_SOURCES = {"builtin": "controls", "builtin_suites": "suites"}
"""The harness's own plugins: folder beside the module that their digest is of. Of the parts only the controls make
features, so that nothing else makes cached ones another's."""


KIT_IMPORT = re.compile(rb"^\s*(?:from|import)\s+(foresight_\w+)", re.MULTILINE)
"""How a package takes in a kit: what several plugins share, named after the project as plugins are."""


def _source_digest(module: ModuleType) -> str:
    """sha256 of a package's sources (of the module alone where it is no package), of its kits and of what all share."""
    path = Path(module.__file__ or "")
    own = OWN_SOURCES.get(_name(module)) if path.is_relative_to(CORE) else None
    if own is not None:
        files = sorted((path.parent / own).rglob("*.py"))
    else:
        files = sorted(path.parent.rglob("*.py")) if path.name == "__init__.py" else [path]
    digest = hashlib.sha256(_shared_sources(CORE))
    sources = {str(file.relative_to(path.parent)): file.read_bytes() for file in files}
    if own is None:
        sources |= _kit_sources(sources.values(), {PROJECT_PACKAGE, module.__name__.partition(".")[0]})
    for name, content in sources.items():
        digest.update(name.encode() + b"\0" + content + b"\0")
    return digest.hexdigest()[:16]


def _kit_sources(sources: Iterable[bytes], known: set[str]) -> dict[str, bytes]:
    """Sources of the kits that ``sources`` import, and of those that these import in turn, by package and path.

    The import statements are read, not carried out: a plugin that was just imported imports most of a kit later.
    """
    found: dict[str, bytes] = {}
    wanted = {name.decode() for content in sources for name in KIT_IMPORT.findall(content)}
    for name in sorted(wanted - known):
        known.add(name)
        spec = importlib.util.find_spec(name)
        for folder in map(Path, (spec and spec.submodule_search_locations) or ()):
            here = {f"{name}/{file.relative_to(folder)}": file.read_bytes() for file in sorted(folder.rglob("*.py"))}
            found |= here | _kit_sources(here.values(), known)
    return found


@lru_cache(maxsize=1)
def _shared_sources(core: Path) -> bytes:
    found = [core / name for name in SHARED]
    files = [file for place in found for file in (sorted(place.rglob("*.py")) if place.is_dir() else [place])]
    return b"".join(str(file.relative_to(core)).encode() + b"\0" + file.read_bytes() + b"\0" for file in files)
