"""``foresight-bench plugins``: what is installed and what it offers."""

from __future__ import annotations

import argparse
from typing import Any

from foresight_harness.planning.registry import Registry, load_registry
from foresight_harness.surface.command.printing import console, print_json, print_table

EXAMPLES = (
    "foresight-bench plugins",
    "foresight-bench plugins --json",
    "foresight-bench plugins || echo 'a plugin cannot be imported'",
)
KINDS = ("encoder", "extractor", "enhancer", "fusion", "decoder", "dataset", "metric", "probe", "suite")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """None beside ``--json``."""


def run(options: argparse.Namespace) -> int:
    """Print; exit 1 where a plugin cannot be imported."""
    registry = load_registry()
    rows = [_row(registry, plugin) for plugin in registry.plugins]
    if options.json:
        print_json(rows)
    else:
        for row in rows:
            row["offers"] = "; ".join(f"{kind}: {', '.join(names)}" for kind, names in row["offers"].items())
        print_table("plugins", rows, ["name", "distribution", "version", "offers"])
        for row in rows:
            if row["error"]:
                console().print(row["error"], style="red", markup=False)
    return 1 if registry.broken else 0


def _row(registry: Registry, plugin: Any) -> dict[str, Any]:
    offers = {
        kind: sorted(name for (found, name), owner in registry.owners.items() if found == kind and owner == plugin)
        for kind in KINDS
    }
    return {
        "name": plugin.name,
        "distribution": plugin.distribution,
        "version": plugin.version,
        "error": plugin.error,
        "offers": {kind: names for kind, names in offers.items() if names},
    }
