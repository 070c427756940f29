"""Which plugins are installed, and what they offer."""

from __future__ import annotations

from foresight_harness.planning.registry.loading import load_registry, registry_from
from foresight_harness.planning.registry.registry import PluginInfo, Registry

__all__ = ["PluginInfo", "Registry", "load_registry", "registry_from"]
