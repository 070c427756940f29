"""New plugins: a package of working code for each kind, from templates. Importing this imports no torch."""

from __future__ import annotations

from foresight_harness.authoring.kinds import KINDS, PluginKind
from foresight_harness.authoring.naming import check_name, place_of
from foresight_harness.authoring.writing import rendered, write_plugin

__all__ = ["KINDS", "PluginKind", "check_name", "place_of", "rendered", "write_plugin"]
