"""Every module can be the first of its package that a fresh interpreter imports."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from import_graph import circles, start_graph

ROOT = Path(__file__).resolve().parents[2]
CORE = ROOT / "harness" / "src" / "foresight_harness"
PACKAGES = sorted(
    path
    for pattern in ("harness/src/*", "plugins/*/src/*", "kits/*/src/*", "reports/src/*")
    for path in ROOT.glob(pattern)
    if (path / "__init__.py").exists()
)
ONE_BY_ONE = """
import sys
from importlib import import_module

failures = []
for name in sys.argv[1:]:
    for loaded in [each for each in sys.modules if each.partition(".")[0] == "foresight_harness"]:
        del sys.modules[loaded]
    try:
        import_module(name)
    except ImportError as error:
        failures.append(f"{name}: {error}")
print(*failures, sep="\\n", end="")
"""


@pytest.mark.parametrize("package", PACKAGES, ids=lambda path: path.name)
def test_nothing_that_starts_with_a_module_waits_for_that_module(package: Path) -> None:
    found = circles(start_graph(package))
    print(*(" -> ".join(circle) for circle in found), sep="\n")
    assert found == []


def test_every_module_of_the_judging_wing_can_be_imported_first() -> None:
    """Carried out: the graph above is of names that the syntax shows."""
    source = CORE.parent
    names = [
        ".".join(path.relative_to(source).with_suffix("").parts).removesuffix(".__init__")
        for path in sorted((CORE / "judging").rglob("*.py"))
    ]
    assert "foresight_harness.judging.evidence.derived" in names
    command = [sys.executable, "-c", ONE_BY_ONE, *names]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == ""


def test_a_planted_circle_through_a_packages_own_file_is_found(tmp_path: Path) -> None:
    """No file imports one that imports it; ``pack.high`` starts when ``pack.high.low`` is asked for, and asks back."""
    package = tmp_path / "pack"
    for name, text in {
        "__init__.py": "",
        "other/__init__.py": "",
        "other/asked.py": "from pack.high.low import thing",
        "high/__init__.py": "from pack.high.asks import thing",
        "high/low.py": "thing = 1",
        "high/asks.py": "from pack.other.asked import thing",
    }.items():
        path = package / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    assert circles(start_graph(package)) == [("pack.high", "pack.high.asks", "pack.other.asked")]
    (package / "high/asks.py").write_text("def late():\n    from pack.other.asked import thing")
    assert circles(start_graph(package)) == []
    (package / "high/asks.py").write_text(
        "import typing\nif typing.TYPE_CHECKING:\n    from pack.other.asked import thing"
    )
    assert circles(start_graph(package)) == []
