"""Arrows are imports, and there are no others than docs/tour.md draws."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PLUGINS = sorted(path.parent.name for path in (ROOT / "plugins").glob("*/pyproject.toml"))
MODELS = {"transformers", "diffusers", "timm"}
OURS = {"foresight_harness", "foresight_reports", *(f"foresight_{name}" for name in PLUGINS)}


def imports_of(folder: Path) -> dict[str, set[str]]:
    """Top-level package -> files that import it, anywhere in the syntax tree."""
    found: dict[str, set[str]] = {}
    for path in sorted(folder.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
                names = [node.module]
            for name in names:
                found.setdefault(name.partition(".")[0], set()).add(str(path.relative_to(ROOT)))
    return found


def test_harness_imports_no_plugin_no_report_and_no_model_library() -> None:
    found = imports_of(ROOT / "harness" / "src")
    forbidden = (OURS - {"foresight_harness"}) | MODELS
    assert {name: files for name, files in found.items() if name in forbidden} == {}


def test_reports_import_nothing_of_ours() -> None:
    found = imports_of(ROOT / "reports" / "src")
    assert {name: files for name, files in found.items() if name in OURS - {"foresight_reports"}} == {}


@pytest.mark.parametrize("plugin", PLUGINS)
def test_plugin_imports_no_other_plugin_and_no_report(plugin: str) -> None:
    found = imports_of(ROOT / "plugins" / plugin / "src")
    others = OURS - {"foresight_harness", f"foresight_{plugin}"}
    assert {name: files for name, files in found.items() if name in others} == {}


@pytest.mark.parametrize("package", ["metrics", "stats", "linear"])
def test_measuring_knows_nothing_of_runs(package: str) -> None:
    for path in (ROOT / "harness" / "src" / "foresight_harness" / package).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module:
                above = ("run", "suites", "pytest_plugin", "cli", "extraction", "registry", "candidates")
                assert not node.module.startswith(tuple(f"foresight_harness.{name}" for name in above)), path


def test_import_and_discovery_load_no_torch_and_take_under_300_ms() -> None:
    code = (
        "import sys, time; began = time.process_time();"
        "import foresight_harness; from foresight_harness.planning.registry import load_registry;"
        "found = load_registry(); took = time.process_time() - began;"
        "heavy = sorted({'torch', 'transformers', 'diffusers', 'timm', 'numpy'} & set(sys.modules));"
        "print(took, len(found.plugins), ','.join(heavy))"
    )
    runs = []  # processor time: what the import costs, however busy the machine is
    for _ in range(5):
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        seconds, plugins, *heavy = done.stdout.split()
        assert heavy == []
        assert int(plugins) >= 1 + len(PLUGINS)
        runs.append(float(seconds))
    assert min(runs) < 0.3, runs


def test_the_command_names_its_verbs_without_torch() -> None:
    code = "import sys, foresight_harness.surface.command; print(sorted({'torch', 'transformers'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
