"""The marker that plugins put on their hooks."""

from __future__ import annotations

import pluggy

PROJECT = "foresight"
"""Name of the pluggy project and of the entry-point group."""

hookimpl = pluggy.HookimplMarker(PROJECT)
hookspec = pluggy.HookspecMarker(PROJECT)
