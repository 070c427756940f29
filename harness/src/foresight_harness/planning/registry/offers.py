"""What plugins offer: every hook of every plugin asked by itself, so that one that fails takes nobody along."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from types import ModuleType
from typing import Any, cast

import pluggy

from foresight_harness.contracts import hookspecs
from foresight_harness.contracts.errors import PluginError, PluginFailure
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
from foresight_harness.planning.plugin_calls import Maker, calling, guarded, is_interrupt, said_of
from foresight_harness.planning.plugin_calls.environment import declared
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

Exporter = Callable[[Mapping[str, Any]], None]


@dataclass
class Offers:
    """Everything that one plugin offers."""

    owner: PluginInfo
    specs: dict[str, list[Any]] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)
    exporter: Exporter | None = None


def registry_from(modules: Iterable[tuple[PluginInfo, object]], broken: Iterable[PluginInfo] = ()) -> Registry:
    """Ask plugins for their offers; one that does not answer as its hooks say is listed with its error.

    Raises:
        PluginError: where two plugins offer one name; where an own plugin of the harness does not answer.
    """
    answered: list[Offers] = []
    failed = list(broken)
    for info, module in modules:
        try:
            answered.append(_offers_of(info, module))
        except BaseException as error:
            if is_interrupt(error) or not info.entry_point:
                raise
            failed.append(replace(info, error=_why(error, info.name)))
    owners: dict[tuple[str, str], PluginInfo] = {}
    refused: dict[tuple[str, str], str] = {}
    offers = {kind: _joined(kind, answered, owners, refused) for kind in KINDS}
    offers["suites"] = _in_order(offers["suites"], lambda spec: spec.running_place)
    offers["probes"] = _in_order(offers["probes"], lambda spec: (not spec.primary, bool(spec.audit_only)))
    _refuse_second_primary(offers["probes"], owners)
    with_weights = [*offers["encoders"].values(), *offers["decoders"].values()]
    declared.update(name for spec in with_weights for name in spec.environment)
    loaded = _with_refusals([one.owner for one in answered], owners, refused)
    plugins = sorted([*loaded, *failed], key=lambda plugin: (plugin.entry_point, plugin.name))
    return Registry(
        plugins=tuple(plugins),
        environment=_environment(answered),
        owners=owners,
        refused=refused,
        exporters=tuple(sorted((one.owner.name, one.exporter) for one in answered if one.exporter is not None)),
        **offers,  # type: ignore[arg-type]
    )


def _why(error: BaseException, name: str) -> str:
    """Plugin, hook and what was wrong, in one line."""
    if isinstance(error, PluginFailure):  # names the plugin itself
        return printable(str(error))
    if isinstance(error, PluginError):
        return printable(f"plugin {name!r}: {error}")
    return printable(f"{said_of(error) or f'plugin {name!r}'}: {type(error).__name__}: {error}")


def printable(text: str) -> str:
    """Outside text as one line of at most 400 characters, without control characters and commands of a CI."""
    line = "".join(mark if mark.isprintable() else " " for mark in " ".join(text.split())).replace("::", ": :")
    return line if len(line) <= 400 else f"{line[:400]} ..."


def _offers_of(info: PluginInfo, module: object) -> Offers:
    """Ask every hook of a plugin. Raises: whatever it raises; PluginError for a misspelt hook or a wrong answer."""
    manager = pluggy.PluginManager(PROJECT)
    manager.add_hookspecs(hookspecs)
    try:
        manager.register(module, name=info.name)
        _refuse_misspelt(manager, module)
    except pluggy.PluginValidationError as error:
        raise PluginError(" ".join(str(error).split())) from error
    found = Offers(info)
    for kind, spec_class in KINDS.items():
        answers = _answers(manager, info, f"{PROJECT}_{kind}")
        found.specs[kind] = [
            _checked(spec, spec_class, kind, info) for answer in answers for spec in _listed(answer, kind, spec_class)
        ]
    for answer in _answers(manager, info, f"{PROJECT}_environment"):
        if not isinstance(answer, Mapping):
            raise PluginError(f"{PROJECT}_environment returned a {type(answer).__name__}; expected a mapping")
        found.environment |= {str(name): str(value) for name, value in answer.items()}
    for implementation in manager.hook.foresight_record.get_hookimpls():
        function = implementation.function
        found.exporter = cast("Exporter", function) if implementation.argnames else _without_record(function)
    return found


def _answers(manager: pluggy.PluginManager, info: PluginInfo, hook: str) -> list[Any]:
    """What a hook of a plugin returns, listed where it can be iterated, so that a generator runs under its name."""
    answers = []
    for implementation in getattr(manager.hook, hook).get_hookimpls():
        with calling(Maker(info.name), hook, random=True):
            answer = implementation.function()
            if not isinstance(answer, Mapping) and hasattr(answer, "__iter__"):
                answer = list(answer)
        answers.append(answer)
    return answers


def _listed(answer: Any, kind: str, spec_class: type) -> list[Any]:
    if not isinstance(answer, list):
        raise PluginError(
            f"{PROJECT}_{kind} returned {'None' if answer is None else f'a {type(answer).__name__}'}; "
            f"expected an iterable of {spec_class.__name__}"
        )
    return answer


def _checked(spec: Any, spec_class: type, kind: str, info: PluginInfo) -> Any:
    """A spec of the right class with a name; its functions are called under the plugin's name from here on."""
    if not isinstance(spec, spec_class):
        raise PluginError(f"{PROJECT}_{kind} returned a {type(spec).__name__}; expected {spec_class.__name__}")
    name = spec.name  # type: ignore[attr-defined]
    if not isinstance(name, str) or not name:
        raise PluginError(f"{PROJECT}_{kind} returned a {spec_class.__name__} whose name is {name!r}; give it one")
    return guarded(spec, kind.removesuffix("s"), info.name) if info.entry_point else spec


def _refuse_misspelt(manager: pluggy.PluginManager, module: object) -> None:
    """``check_pending`` sees marked functions only; a bare ``foresight_...`` function is as likely a slip."""
    manager.check_pending()
    known = {hook.__name__ for hook in hookspecs.HOOKS}
    marked = {caller.name for caller in manager.get_hookcallers(module) or []}
    for name in vars(module) if isinstance(module, ModuleType) else dir(module):
        if name.startswith(f"{PROJECT}_") and callable(getattr(module, name)):
            if name not in known:
                raise PluginError(f"it defines {name}, which is no hook; there are {sorted(known)}")
            if name not in marked:
                raise PluginError(f"it defines {name} without @hookimpl; add the decorator")


def _joined(
    kind: str,
    answered: Iterable[Offers],
    owners: dict[tuple[str, str], PluginInfo],
    refused: dict[tuple[str, str], str],
) -> dict[str, Any]:
    found: dict[str, Any] = {}
    singular = kind.removesuffix("s")
    for one in answered:
        for spec in one.specs[kind]:
            if spec.name in found:
                first = owners[singular, spec.name].name
                raise PluginError(
                    f"{singular} {spec.name!r} is offered by both {first!r} and {one.owner.name!r}; "
                    "uninstall one, or rename it in its plugin"
                )
            owners[singular, spec.name] = one.owner
            if fault := spec_fault(spec):
                refused[singular, spec.name] = printable(fault)
            else:
                found[spec.name] = spec
    return dict(sorted(found.items()))


def _with_refusals(
    infos: Iterable[PluginInfo],
    owners: Mapping[tuple[str, str], PluginInfo],
    refused: Mapping[tuple[str, str], str],
) -> list[PluginInfo]:
    """Plugins with a spec that cannot be loaded are in error; what else they offer stands."""
    found = {info.name: info for info in infos}
    for (kind, name), fault in refused.items():
        owner = owners[kind, name].name
        line = f"plugin {owner!r}: {PROJECT}_{kind}s returned {kind} {name!r:.60}: {fault}"
        before = found[owner].error
        found[owner] = replace(found[owner], error=line if before is None else f"{before}; {line}")
    return list(found.values())


def _in_order(offers: Mapping[str, Any], place: Callable[[Any], Any]) -> dict[str, Any]:
    """Offers by their place; equals by name."""
    return dict(sorted(offers.items(), key=lambda item: place(item[1])))


def _refuse_second_primary(probes: Mapping[str, ProbeSpec], owners: Mapping[tuple[str, str], PluginInfo]) -> None:
    found = [name for name, spec in probes.items() if spec.primary]
    if len(found) > 1:
        said = " and ".join(f"{name!r} of plugin {owners['probe', name].name!r}" for name in found)
        raise PluginError(f"{said} are both the primary probe; scores are ranked by one, so leave 'primary' out")


def _environment(answered: Iterable[Offers]) -> dict[str, str]:
    facts: dict[str, str] = {}
    givers: dict[str, str] = {}
    for one in answered:
        for name, value in one.environment.items():
            if name in facts:
                raise PluginError(f"environment fact {name!r} is given by both {givers[name]!r} and {one.owner.name!r}")
            facts[name] = value
            givers[name] = one.owner.name
    return facts


def _without_record(function: Callable[[], object]) -> Exporter:
    """As with every hook, one may leave the argument out."""

    def export(record: Mapping[str, Any]) -> None:
        function()

    return export
