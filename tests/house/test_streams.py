"""Streams of batches are read together by ``pairing.paired`` only: ``zip`` pairs batches, and those need not match."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCES = [*(ROOT / "harness" / "src").rglob("*.py"), *(ROOT / "plugins").glob("*/src/**/*.py")]

STREAMS = {
    "SampleBatches",
    "GridBatches",
    "CachedGrids",
    "Conditioning",
    "TensorBatches",
    "StoredArray",
    "DecodedSplit",
}
GIVE_STREAMS = {"conditioning", "batches", "scene_batches", "grids", "of", "decoded", *STREAMS}
"""Methods of the core that hand out a stream."""


def _gives_stream(node: ast.expr) -> bool:
    if not isinstance(node, ast.Call):
        return False
    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    if name in ("iter", "replace", "enumerate", "list", "tuple"):
        return any(_gives_stream(argument) for argument in node.args)
    return name in GIVE_STREAMS


def _streams_of(function: ast.FunctionDef) -> set[str]:
    """Names in a function that are a stream, or a list of some."""
    arguments = [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]
    names = {each.arg for each in arguments if each.annotation and STREAMS & set(_words(each.annotation))}
    for node in ast.walk(function):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            value = node.value
            made = value.elt if isinstance(value, ast.ListComp | ast.GeneratorExp) else value
            if _gives_stream(made):
                names.add(node.targets[0].id)
    return names


def _words(annotation: ast.expr) -> list[str]:
    return [node.id for node in ast.walk(annotation) if isinstance(node, ast.Name)]


def zipped_streams(source: str) -> list[int]:
    """Lines where ``zip`` is given a stream."""
    lines = []
    for function in (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef)):
        names = _streams_of(function)
        for node in ast.walk(function):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "zip":
                given = [each.value if isinstance(each, ast.Starred) else each for each in node.args]
                if any(_gives_stream(each) or (isinstance(each, ast.Name) and each.id in names) for each in given):
                    lines.append(node.lineno)
    return lines


def test_no_two_streams_are_zipped() -> None:
    found = {
        str(path.relative_to(ROOT)): lines for path in SOURCES if (lines := zipped_streams(path.read_text("utf-8")))
    }
    assert found == {}


@pytest.mark.parametrize(
    "body",
    [
        "def fit(x: GridBatches, y): return [a for a, b in zip(x, y, strict=True)]",
        "def score(cell):\n latents = cell.workshop.latents.of(spec, split)\n return zip(rows, latents, strict=True)",
        "def score(cell): return zip(fitted.conditioning(cell.streams('test'), ''), rows, strict=True)",
        "def taps(self):\n all = [iter(replace(self.grids(tap), batch=9)) for tap in taps]\n return zip(*all)",
    ],
)
def test_a_planted_zip_of_streams_is_found(body: str) -> None:
    assert len(zipped_streams(body)) == 1
