"""No file of a plugin or a kit is imported by what it imports, lazily, for types only or at once."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted(path for kind in ("kits", "plugins") for path in ROOT.glob(f"{kind}/*/src"))


def modules_of(source: Path) -> dict[str, str]:
    """Dotted name and text of every module below a ``src`` folder."""
    named = {}
    for path in sorted(source.rglob("*.py")):
        parts = path.relative_to(source).with_suffix("").parts
        named[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path.read_text(encoding="utf-8")
    return named


def imports_among(modules: Mapping[str, str]) -> dict[str, set[str]]:
    """Module -> those of ``modules`` that it imports anywhere in its syntax tree."""
    found: dict[str, set[str]] = {}
    for name, text in modules.items():
        seen = set()
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Import):
                seen |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
                inner = {f"{node.module}.{alias.name}" for alias in node.names}
                seen |= inner & set(modules) or {node.module}
        found[name] = seen & set(modules) - {name}
    return found


def circles(imports: Mapping[str, set[str]]) -> list[list[str]]:
    """Groups of modules that reach each other, as a list of names each."""
    reached = {name: _reached(name, imports) for name in imports}
    groups = {tuple(sorted(b for b in reached[a] if a in reached[b])) for a in imports if a in reached[a]}
    return [list(group) for group in sorted(groups)]


def _reached(start: str, imports: Mapping[str, Iterable[str]]) -> set[str]:
    seen: set[str] = set()
    left = list(imports[start])
    while left:
        name = left.pop()
        if name not in seen:
            seen.add(name)
            left += imports[name]
    return seen


@pytest.mark.parametrize("source", SOURCES, ids=lambda path: str(path.parent.relative_to(ROOT)))
def test_modules_import_in_one_direction(source: Path) -> None:
    modules = modules_of(source)
    assert modules
    assert circles(imports_among(modules)) == []


def test_a_lazy_import_and_one_for_types_only_close_a_circle() -> None:
    planted = {
        "p": "from p.a import x",
        "p.a": "def f():\n    from p import b",
        "p.b": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from p.c import y",
        "p.c": "import p.a",
        "p.d": "import p.a",
    }
    assert circles(imports_among(planted)) == [["p.a", "p.b", "p.c"]]
