"""Functions of specs as the registry hands them out: each call stands under its plugin's name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Any

from foresight_harness.planning.plugin_calls.calls import Maker, calling, made_by

FUNCTIONS = ("build", "brief", "expand", "derive", "identity", "protocol", "score")
"""Fields of specs that hold code of the plugin."""


@dataclass(frozen=True)
class Guarded:
    """A function of a plugin. Equal where function, maker and name are."""

    function: Callable[..., Any]
    maker: Maker
    hook: str

    def __call__(self, *args: Any, **named: Any) -> Any:
        """As the function. Raises: PluginFailure; see ``calling``."""
        with calling(self.maker, self.hook, random=self.hook not in ("identity", "protocol")):
            made = self.function(*args, **named)
        if self.hook in ("build", "brief"):
            made_by(made, self.maker)
        return made

    def __getattr__(self, name: str) -> Any:
        """What else the function has (``partial.func``, ``__wrapped__``)."""
        if name.startswith("__") and name not in ("__wrapped__", "__name__", "__qualname__", "__doc__"):
            raise AttributeError(name)
        return getattr(self.function, name)


def guarded(spec: Any, kind: str, plugin: str) -> Any:
    """A spec whose functions are called under the plugin's name. ``kind``: ``encoder``, ``metric``, ...

    A spec that is guarded already keeps its own maker: it comes from another plugin.
    """
    maker = Maker(plugin, f"{kind} {spec.name!r}")
    found = {
        entry.name: Guarded(value, maker, entry.name)
        for entry in fields(spec)
        if entry.name in FUNCTIONS and callable(value := getattr(spec, entry.name)) and not isinstance(value, Guarded)
    }
    return replace(spec, **found) if found else spec
