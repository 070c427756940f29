"""Pages that are made from the code: ``python docs/generated.py`` writes them, the site's build holds them."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from pathlib import Path

from foresight_harness.contracts import hookspecs

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


PAGES: Mapping[str, Callable[[], str]] = {"hooks.md": hooks_page}
"""Page -> what writes it."""


def main() -> None:
    """Write every page."""
    for name, render in PAGES.items():
        (HERE / name).write_text(render(), encoding="utf-8")


if __name__ == "__main__":
    main()
