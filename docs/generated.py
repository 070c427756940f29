"""Pages that are made from the code: ``python docs/generated.py`` writes them, the site's build holds them."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Callable, Mapping
from pathlib import Path

import foresight_harness
from foresight_harness.contracts import hookspecs

WINGS = ("contracts", "parts", "planning", "measuring", "running", "judging", "surface")
"""Of the core, lowest first; ``tests/house/test_wings.py`` holds the order."""
HERE = Path(__file__).resolve().parent
HOOKS = """# Hooks

Every hook of the project `foresight`, in the order of a run. A plugin implements those it needs, in its package's
`__init__.py`, marked with `foresight_harness.hookimpl`; see [writing a plugin](plugins.md). Written from
the docstrings by `docs/generated.py`.
"""


def hooks_page() -> str:
    """``docs/hooks.md``: signature and docstring of every hook."""
    return HOOKS + "".join(_hook(hook) for hook in hookspecs.HOOKS)


def _hook(hook: Callable[..., object]) -> str:
    title, _, rest = (inspect.getdoc(hook) or "").replace("``", "`").partition("\n")
    lines = []
    for line in rest.strip().splitlines():
        lines.append(f"  {line.strip()}" if line.startswith(" ") else f"- {line}")
    arguments = ", ".join(inspect.signature(hook).parameters)
    return f"\n## {hook.__name__}({arguments})\n\n{title}\n\n" + "\n".join(lines) + "\n"


def tour_page() -> str:
    """``docs/tour.md`` with the table of wings and folders written from their packages' docstrings."""
    core = Path(foresight_harness.__file__).parent
    rows = []
    for wing in WINGS:
        rows.append(f"| **`{wing}/`** | {_about(core / wing)} |")
        folders = sorted(path.parent for path in (core / wing).glob("*/__init__.py"))
        rows += [f"| `{wing}/{folder.name}/` | {_about(folder)} |" for folder in folders]
    table = "\n".join(["| folder | what it holds |", "|---|---|", *rows])
    page = (HERE / "tour.md").read_text(encoding="utf-8")
    marked = re.compile(r"(<!-- wings -->\n).*?(<!-- end of wings -->)", re.S)
    return marked.sub(lambda found: f"{found[1]}{table}\n{found[2]}", page)


def _about(package: Path) -> str:
    """First sentences of a package's docstring, on one line."""
    text = ast.get_docstring(ast.parse((package / "__init__.py").read_text(encoding="utf-8"))) or ""
    return " ".join(text.split("\n\n")[0].replace("``", "`").split())


PAGES: Mapping[str, Callable[[], str]] = {"hooks.md": hooks_page, "tour.md": tour_page}
"""Page -> what writes it."""


def main() -> None:
    """Write every page."""
    for name, render in PAGES.items():
        (HERE / name).write_text(render(), encoding="utf-8")


if __name__ == "__main__":
    main()
