"""Pages that are made from the code: ``python docs/generated.py`` writes them, the site's build holds them."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Callable, Mapping
from pathlib import Path

import foresight_harness
from foresight_harness.contracts import hookspecs
from foresight_harness.contracts.records.fields import stored_fields
from foresight_harness.contracts.records.record import HISTORY, Record

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
    return _between("tour.md", "wings", table)


def run_folder_page() -> str:
    """``docs/run-folder.md`` with the tables of a record's fields and of the schemas written from the dataclass."""
    table = "\n".join(["| field | type | unit | meaning |", "|---|---|---|---|", *_fields(Record)])
    schemas = "\n".join(f"| {number} | {meaning} |" for number, meaning in HISTORY.items())
    page = _between("run-folder.md", "fields of a record", table)
    return _between("run-folder.md", "schemas", f"| schema | what it brought |\n|---|---|\n{schemas}", page)


def _fields(kind: type, above: str = "") -> list[str]:
    """One row a field, rows of an inner object below the row of its field."""
    rows = []
    for _, told, key in stored_fields(kind):
        rows.append(f"| `{above}{key}` | {told.kind.name} | {told.unit} | {told.meaning} |")
        if told.kind.part is not None:
            listed = "[]" if "list" in told.kind.name else ""
            rows += _fields(told.kind.part, f"{above}{key}{listed}.")
    return rows


def _between(name: str, mark: str, text: str, page: str | None = None) -> str:
    """A page with what stands between two marks replaced."""
    page = (HERE / name).read_text(encoding="utf-8") if page is None else page
    marked = re.compile(rf"(<!-- {mark} -->\n).*?(<!-- end of {mark} -->)", re.S)
    return marked.sub(lambda found: f"{found[1]}{text}\n{found[2]}", page)


def _about(package: Path) -> str:
    """First sentences of a package's docstring, on one line."""
    text = ast.get_docstring(ast.parse((package / "__init__.py").read_text(encoding="utf-8"))) or ""
    return " ".join(text.split("\n\n")[0].replace("``", "`").split())


PAGES: Mapping[str, Callable[[], str]] = {
    "hooks.md": hooks_page,
    "run-folder.md": run_folder_page,
    "tour.md": tour_page,
}
"""Page -> what writes it."""


def main() -> None:
    """Write every page."""
    for name, render in PAGES.items():
        (HERE / name).write_text(render(), encoding="utf-8")


if __name__ == "__main__":
    main()
