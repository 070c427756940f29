"""Names that a new plugin may have, and where it is written. Every refusal is one line, before anything is written."""

from __future__ import annotations

import re
import tomllib
from importlib.util import find_spec
from pathlib import Path

from foresight_harness.contracts.errors import UsageError
from foresight_harness.planning.registry import Registry
from foresight_harness.surface.plugin_templates.kinds import PluginKind

NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
LONGEST = 30
"""Characters of a name: lines of the templates stay under 120."""


def check_name(name: str, kind: PluginKind, registry: Registry) -> None:
    """Refuse a name that is no name, or that something installed has.

    Raises:
        UsageError: naming what has it.
    """
    if NAME.fullmatch(name) is None or len(name) > LONGEST:
        raise UsageError(
            f"{name!r} is no plugin name; write lower_snake_case: letters, digits and single underscores, a letter "
            f"first, at most {LONGEST} characters"
        )
    for plugin in registry.plugins:
        if plugin.name == name:
            raise UsageError(f"plugin {name!r} is installed already ({plugin.distribution}); choose another name")
    for offer in (offer.format(name=name) for offer in kind.offers):
        owner = registry.owners.get((kind.name, offer))
        if owner is not None:
            raise UsageError(f"{kind.name} {offer!r} is offered already by plugin {owner.name!r}; choose another name")
    if find_spec(f"foresight_{name}") is not None:
        raise UsageError(f"the package foresight_{name} is installed already; choose another name")


def place_of(name: str, out: Path | None, here: Path) -> Path:
    """The folder to write: ``out/NAME``, or ``plugins/NAME`` of the workspace around ``here``, or ``here/NAME``.

    Raises:
        UsageError: if it exists, or its parent is no folder.
    """
    workspace = workspace_of(here)
    parent = out if out is not None else workspace / "plugins" if workspace is not None else here
    if parent.exists() and not parent.is_dir():
        raise UsageError(f"--out {parent} is a file; name a folder")
    folder = parent / name
    if folder.exists() or folder.is_symlink():
        raise UsageError(f"{folder} exists already; choose another name or --out DIR")
    return folder


def workspace_of(here: Path) -> Path | None:
    """The nearest folder upwards whose ``pyproject.toml`` takes ``plugins/*`` as members; None outside of one."""
    for folder in (here, *here.parents):
        path = folder / "pyproject.toml"
        if path.is_file():
            try:
                project = tomllib.loads(path.read_text(encoding="utf-8"))
            except (OSError, ValueError):
                continue
            members = project.get("tool", {}).get("uv", {}).get("workspace", {}).get("members", [])
            if "plugins/*" in members:
                return folder
    return None
