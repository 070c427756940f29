"""Which file of a package imports which, from the syntax trees: lazy and type-only imports count like any other."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping
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


def start_graph(package: Path) -> Graph:
    """What starts when a module is imported first: nothing lazy or for types alone, but every package on the way.

    ``a.b`` starts before ``a.b.c``: a module of ``a.d`` that imports ``a.b.c`` waits for all that ``a.b`` imports.
    """
    paths = {_module(package, path): path for path in sorted(package.rglob("*.py")) if "templates" not in path.parts}
    return {
        name: frozenset(
            step
            for other in _imported(name, path, paths, _at_start)
            for step in _on_the_way(other)
            if step in paths and not f"{name}.".startswith(f"{step}.")
        )
        for name, path in paths.items()
    }


def _on_the_way(module: str) -> list[str]:
    parts = module.split(".")
    return [".".join(parts[: depth + 1]) for depth in range(len(parts))]


def _at_start(node: ast.AST) -> Iterator[ast.AST]:
    """Nodes that are carried out when their module is imported."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            continue
        yield child
        yield from _at_start(child)


def _module(package: Path, path: Path) -> str:
    parts = (package.name, *path.relative_to(package).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _imported(
    module: str, path: Path, known: Mapping[str, Path], nodes: Callable[[ast.AST], Iterator[ast.AST]] = ast.walk
) -> Iterator[str]:
    home = module if path.name == "__init__.py" else module.rpartition(".")[0]
    for node in nodes(ast.parse(path.read_text(encoding="utf-8"))):
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
