"""Which file of a package imports which, from the syntax trees: lazy and type-only imports count like any other."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path

WINGS = ("contracts", "parts", "planning", "measuring", "running", "judging", "surface")
"""Lowest first."""
PUBLIC = {
    **{"protocols": "contracts", "outcomes": "contracts"},
    **{"grids": "parts", "grid_shapes": "parts", "weights": "parts", "testing": "surface"},
}
"""Thin modules at the top, for people outside; nothing inside imports them."""

Graph = Mapping[str, frozenset[str]]


def import_graph(package: Path) -> Graph:
    """Every module of a package with the modules of the same package that it imports."""
    paths = {_module(package, path): path for path in sorted(package.rglob("*.py")) if "templates" not in path.parts}
    return {name: frozenset(_imported(name, path, paths)) - {name} for name, path in paths.items()}


def _module(package: Path, path: Path) -> str:
    parts = (package.name, *path.relative_to(package).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _imported(module: str, path: Path, known: Mapping[str, Path]) -> Iterator[str]:
    home = module if path.name == "__init__.py" else module.rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in known)
        elif isinstance(node, ast.ImportFrom):
            above = home.split(".")[: len(home.split(".")) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            for alias in node.names:
                name = f"{base}.{alias.name}"
                if name in known:
                    yield name
                elif base in known:
                    yield base


def upward_arrows(graph: Graph) -> list[str]:
    """Imports of the core that lead from a wing to one above it, or to a thin module at the top."""
    return [
        f"{module} -> {other}"
        for module, others in sorted(graph.items())
        for other in sorted(others)
        if _height(module) >= 0 and (_height(module) < _height(other) or _wing(other) in {*PUBLIC, ""})
    ]


def _wing(module: str) -> str:
    return [*module.split("."), ""][1]


def _height(module: str) -> int:
    return WINGS.index(_wing(module)) if _wing(module) in WINGS else -1


def circles(graph: Graph) -> list[tuple[str, ...]]:
    """Groups of modules that reach each other, sorted (Tarjan 1972)."""
    number: dict[str, int] = {}
    lowest: dict[str, int] = {}
    stack: list[str] = []
    found: list[tuple[str, ...]] = []

    def visit(module: str) -> None:
        number[module] = lowest[module] = len(number)
        stack.append(module)
        for other in sorted(graph[module]):
            if other not in number:
                visit(other)
                lowest[module] = min(lowest[module], lowest[other])
            elif other in stack:
                lowest[module] = min(lowest[module], number[other])
        if lowest[module] == number[module]:
            group = stack[stack.index(module) :]
            del stack[stack.index(module) :]
            if len(group) > 1:
                found.append(tuple(sorted(group)))

    for module in sorted(graph):
        if module not in number:
            visit(module)
    return sorted(found)
