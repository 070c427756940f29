"""The specs that one plugin offers, taken through its entry point as the harness takes them."""

from __future__ import annotations

import inspect
from importlib import import_module
from importlib.metadata import entry_points
from types import ModuleType
from typing import Any

from foresight_harness.contracts.errors import PluginError
from foresight_harness.contracts.hooks import PROJECT


def plugin_module(plugin: str) -> ModuleType:
    """Import a plugin.

    Args:
        plugin: Entry-point name (``dinov2``), or a dotted module (``foresight_harness.parts.builtin``).

    Raises:
        PluginError: if no plugin of that name is installed.
    """
    found = {point.name: point for point in entry_points(group=PROJECT)}
    if plugin in found:
        module = found[plugin].load()
        if not isinstance(module, ModuleType):
            raise PluginError(f"entry point {plugin} is a {type(module).__name__}; it must name the plugin's module")
        return module
    if "." in plugin:
        return import_module(plugin)
    raise PluginError(
        f"no plugin {plugin!r} is installed; installed are {', '.join(sorted(found)) or 'none'}. "
        f"Install it with pip install -e plugins/{plugin}"
    )


def plugin_specs(plugin: str, hook: str) -> tuple[Any, ...]:
    """Specs that a plugin returns from one hook.

    Raises:
        PluginError: if the plugin is not installed or has no such hook.
    """
    module = plugin_module(plugin)
    implementation = getattr(module, hook, None)
    if implementation is None or not inspect.isfunction(implementation):
        raise PluginError(f"plugin {plugin!r} ({module.__name__}) has no hook {hook}")
    return tuple(implementation())
