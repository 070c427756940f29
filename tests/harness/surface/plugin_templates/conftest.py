"""One plugin of each kind, as the command writes them, built and installed as pip would."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path

import pytest
from foresight_harness.surface.plugin_templates import KINDS, write_plugin


@dataclass(frozen=True)
class Generated:
    """Six plugins outside of the repository: ``made_encoder``, ``made_enhancer`` and so on."""

    sources: Path
    wheels: dict[str, Path]
    """Kind -> its wheel."""
    python: Path
    """Interpreter of the fresh environment that the wheels are installed in."""
    site: Path
    """Where they lie in it."""


@pytest.fixture(scope="session")
def generated(tmp_path_factory: pytest.TempPathFactory) -> Generated:
    """Written, built one by one, and installed together into a fresh environment, which also sees what this one holds.

    ``tox run -e new-plugin`` does it with nothing shared (``fresh_environment.py``).
    """
    root = tmp_path_factory.mktemp("generated")
    wheels = {}
    for kind in KINDS.values():
        folder = root / "sources" / f"made_{kind.name}"
        write_plugin(folder, folder.name, kind)
        dist = root / "wheels" / kind.name
        _run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(dist), cwd=folder)
        (wheels[kind.name],) = dist.glob("*.whl")
    uv = str(Path(sys.executable).with_name("uv"))
    _run(uv, "venv", "--quiet", "--offline", "--python", sys.executable, str(root / "fresh"), cwd=root)
    python = root / "fresh" / "bin" / "python"
    (site,) = (root / "fresh" / "lib").glob("python*/site-packages")
    shared = sysconfig.get_paths()["purelib"]
    (site / "shared.pth").write_text(f"import site; site.addsitedir({shared!r})\n")  # editable installs too
    command = [uv, "pip", "install", "--quiet", "--offline", "--no-deps", "--python", str(python)]
    _run(*command, *map(str, wheels.values()), cwd=root)
    return Generated(root / "sources", wheels, python, site)


def _run(*command: str, cwd: Path) -> None:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
