"""Arrows are imports, and there are no others than docs/tour.md draws."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PLUGINS = sorted(path.parent.name for path in (ROOT / "plugins").glob("*/pyproject.toml"))
MODELS = {"transformers", "diffusers", "timm"}
KITS = {path.name: path.parent for path in (ROOT / "kits").glob("*/src/foresight_*_kit")}
OURS = {
    "foresight_harness",
    "foresight_reports",
    "foresight_benchmarks",
    *KITS,
    *(f"foresight_{name}" for name in PLUGINS),
}


def imports_of(folder: Path) -> dict[str, set[str]]:
    """Top-level package -> files that import it, anywhere in the syntax tree."""
    found: dict[str, set[str]] = {}
    for path in sorted(folder.rglob("*.py")):
        for name in imports_of_file(path):
            found.setdefault(name, set()).add(str(path.relative_to(ROOT)))
    return found


def imports_of_file(path: Path) -> set[str]:
    """Top-level packages that a file imports, anywhere in its syntax tree."""
    names: list[str] = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            names.append(node.module)
    return {name.partition(".")[0] for name in names}


def test_harness_imports_no_plugin_no_report_and_no_model_library() -> None:
    found = imports_of(ROOT / "harness" / "src")
    forbidden = (OURS - {"foresight_harness"}) | MODELS
    assert {name: files for name, files in found.items() if name in forbidden} == {}


def test_reports_import_nothing_of_ours() -> None:
    found = imports_of(ROOT / "reports" / "src")
    assert {name: files for name, files in found.items() if name in OURS - {"foresight_reports"}} == {}


def test_benchmarks_import_the_harness_and_nothing_else_of_ours() -> None:
    for path in sorted((ROOT / "benchmarks").glob("*.py")):
        assert imports_of_file(path) & OURS <= {"foresight_harness"}, path.name


@pytest.mark.parametrize("plugin", PLUGINS)
def test_plugin_imports_no_other_plugin_and_no_report(plugin: str) -> None:
    found = imports_of(ROOT / "plugins" / plugin / "src")
    others = OURS - {"foresight_harness", f"foresight_{plugin}", *KITS}
    assert {name: files for name, files in found.items() if name in others} == {}


@pytest.mark.parametrize("kit", KITS)
def test_kit_imports_the_harness_and_nothing_else_of_ours(kit: str) -> None:
    found = imports_of(KITS[kit])
    assert "foresight_harness" in found
    assert {name: files for name, files in found.items() if name in OURS - {"foresight_harness", kit}} == {}


@pytest.mark.parametrize("plugin", PLUGINS)
def test_plugin_declares_the_kits_that_it_imports(plugin: str) -> None:
    declared = tomllib.loads((ROOT / "plugins" / plugin / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    names = {re.split(r"[\[<>= ]", each)[0].replace("-", "_") for each in declared["dependencies"]}
    assert names & set(KITS) == set(imports_of(ROOT / "plugins" / plugin / "src")) & set(KITS)


def test_import_and_discovery_load_no_torch_and_take_under_300_ms(
    tmp_path: Path, least_seconds: Callable[..., float]
) -> None:
    """As installed: with bytecode, which some shells forbid to write beside sources."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    command = [sys.executable, "-X", f"pycache_prefix={tmp_path}", "-c"]
    code = (
        "import sys, time; began = time.process_time();"
        "import foresight_harness; from foresight_harness.planning.registry import load_registry;"
        "found = load_registry(); took = time.process_time() - began;"
        "heavy = sorted({'torch', 'transformers', 'diffusers', 'timm', 'numpy'} & set(sys.modules));"
        "print(took, len(found.plugins), ','.join(heavy))"
    )

    def discover() -> float:
        done = subprocess.run([*command, code], capture_output=True, text=True, check=True, env=kept)
        seconds, plugins, *heavy = done.stdout.split()
        assert heavy == []
        assert int(plugins) >= 1 + len(PLUGINS)
        return float(seconds)

    discover()  # writes the bytecode
    assert least_seconds(discover, 0.3) < 0.3


def test_the_command_names_its_verbs_without_torch() -> None:
    code = "import sys, foresight_harness.surface.command; print(sorted({'torch', 'transformers'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
