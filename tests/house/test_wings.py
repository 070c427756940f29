"""The wings of the core stand in one order, a wing imports only wings below it, and no imports close a circle."""

from __future__ import annotations

from pathlib import Path

import pytest
from import_graph import circles, import_graph, upward_arrows

ROOT = Path(__file__).resolve().parents[2]
CORE = ROOT / "harness" / "src" / "foresight_harness"
PACKAGES = sorted(
    path
    for pattern in ("plugins/*/src/*", "kits/*/src/*", "reports/src/*")
    for path in ROOT.glob(pattern)
    if (path / "__init__.py").exists()
)


def test_no_wing_imports_a_wing_above_it() -> None:
    arrows = upward_arrows(import_graph(CORE))
    print(*arrows, sep="\n")
    assert arrows == []


def test_no_imports_of_the_core_close_a_circle() -> None:
    found = circles(import_graph(CORE))
    print(*(" -> ".join(circle) for circle in found), sep="\n")
    assert found == []


@pytest.mark.parametrize("package", PACKAGES, ids=lambda path: path.name)
def test_no_imports_inside_a_package_close_a_circle(package: Path) -> None:
    found = circles(import_graph(package))
    print(*(" -> ".join(circle) for circle in found), sep="\n")
    assert found == []


@pytest.mark.parametrize(
    "line",
    [
        "from foresight_harness.surface import command",
        "import foresight_harness.surface.command",
        "def late():\n    from foresight_harness.surface.command import main",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from foresight_harness.surface.command import main",
    ],
)
def test_a_planted_import_upwards_is_found(tmp_path: Path, line: str) -> None:
    for name in ("parts/__init__.py", "parts/thing.py", "surface/__init__.py", "surface/command.py"):
        path = tmp_path / "foresight_harness" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")
    (tmp_path / "foresight_harness/__init__.py").write_text("")
    (tmp_path / "foresight_harness/parts/thing.py").write_text(line)
    (arrow,) = upward_arrows(import_graph(tmp_path / "foresight_harness"))
    assert arrow.startswith("foresight_harness.parts.thing -> foresight_harness.surface")


def test_a_planted_circle_of_lazy_and_type_only_imports_is_found(tmp_path: Path) -> None:
    package = tmp_path / "pack"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "one.py").write_text("def late():\n    from pack.two import thing")
    (package / "two.py").write_text("from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from pack import one")
    assert circles(import_graph(package)) == [("pack.one", "pack.two")]
