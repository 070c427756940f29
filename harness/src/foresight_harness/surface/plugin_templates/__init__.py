"""New plugins: a package of working code for each kind, from templates. Importing this imports no torch."""

from __future__ import annotations

from foresight_harness.surface.plugin_templates.kinds import KINDS, PluginKind
from foresight_harness.surface.plugin_templates.naming import check_name, place_of
from foresight_harness.surface.plugin_templates.writing import rendered, write_plugin

__all__ = ["KINDS", "PluginKind", "check_name", "place_of", "rendered", "write_plugin"]
