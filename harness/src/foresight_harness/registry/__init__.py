"""Which plugins are installed, and what they offer."""

from __future__ import annotations

from foresight_harness.registry.loading import load_registry, registry_from
from foresight_harness.registry.registry import PluginInfo, Registry

__all__ = ["PluginInfo", "Registry", "load_registry", "registry_from"]
