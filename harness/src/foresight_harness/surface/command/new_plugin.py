"""``foresight-bench new-plugin NAME --kind KIND``: a package that works, to be changed into yours."""

from __future__ import annotations

import argparse
from pathlib import Path

from foresight_harness.planning.registry import load_registry
from foresight_harness.surface.command.printing import console, print_json
from foresight_harness.surface.plugin_templates import KINDS, check_name, place_of, write_plugin
from foresight_harness.surface.plugin_templates.naming import workspace_of

EXAMPLES = (
    "foresight-bench new-plugin mine --kind encoder",
    "foresight-bench new-plugin our_photos --kind dataset --out plugins",
    "foresight-bench new-plugin mine --kind metric --json",
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """NAME, ``--kind``, ``--out``."""
    parser.add_argument("name", metavar="NAME", help="lower_snake_case; the package is foresight_NAME")
    parser.add_argument("--kind", required=True, choices=KINDS, help="what the plugin offers")
    parser.add_argument(
        "--out", type=Path, metavar="DIR", help="write DIR/NAME; default plugins/NAME in the workspace, else ./NAME"
    )


def run(options: argparse.Namespace) -> int:
    """Write the folder and say what to type next."""
    kind = KINDS[options.kind]
    check_name(options.name, kind, load_registry())
    folder = place_of(options.name, options.out, Path.cwd())
    written = write_plugin(folder, options.name, kind)
    shown = _shown(folder)
    workspace = workspace_of(Path.cwd())
    member = workspace is not None and folder.resolve().parent == workspace / "plugins"
    steps = [
        f"pip install -e {shown}",
        f"pytest {shown}",
        f"pytest benchmarks/ {kind.try_it.format(name=options.name)}",
    ]
    if workspace is None:
        steps[-1] += "    # in a clone of the harness"
    if member:
        steps.append("make constraints")
    if options.json:
        print_json({"folder": str(folder), "files": [str(path.relative_to(folder)) for path in written], "next": steps})
        return 0
    lines = [f"{shown}: {len(written)} files", *(f"  {path.relative_to(folder)}" for path in written), "next:"]
    for line in [*lines, *(f"  {step}" for step in steps)]:
        console().print(line, markup=False, highlight=False, soft_wrap=True)
    return 0


def _shown(folder: Path) -> str:
    """Relative to the working directory where it lies below it."""
    try:
        return str(folder.absolute().relative_to(Path.cwd()))
    except ValueError:
        return str(folder)
