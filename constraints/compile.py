"""Write the pins: ``workspace.txt`` for everything together, so that whatever is installed of it is of one version.

Run through ``make constraints``. Plugins declare ranges; these files are what CI and ``make`` install. They hold names,
versions and hashes, which uv compares with what it downloads: no registry host, no path, no local version of torch.
``uv.txt`` is uv itself, for pip, which fetches it.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
UV = Path(sys.executable).with_name("uv")


def compile_pins(projects: Sequence[Path], output: Path, groups: Sequence[str] = ("dev",)) -> None:
    """Resolve the projects and groups of the workspace together and keep versions and hashes."""
    command = [str(UV), "pip", "compile", *(str(path / "pyproject.toml") for path in projects)]
    for path in projects:
        if "test" in tomllib.loads((path / "pyproject.toml").read_text(encoding="utf-8")).get("dependency-groups", {}):
            command += ["--group", f"{path / 'pyproject.toml'}:test"]
    for group in groups:
        command += ["--group", f"{ROOT / 'pyproject.toml'}:{group}"]
    command += ["--universal", "--python-version", "3.11", "--generate-hashes", "--quiet"]
    command += ["--no-emit-index-url", "--no-emit-find-links", "--no-header", "--no-annotate"]
    command += ["--output-file", str(output)]
    for path in members():
        name = tomllib.loads((path / "pyproject.toml").read_text(encoding="utf-8"))["project"]["name"]
        command += ["--no-emit-package", name]
    subprocess.run(command, cwd=ROOT, check=True)
    pins = [line for line in output.read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]
    output.write_text("\n".join(pins) + "\n", encoding="utf-8")


def write_uv(pins: Path, output: Path) -> None:
    """uv's own pin out of all pins, with its hashes."""
    found = re.search(r"^uv==[^\n]*\n(?: +--hash=[^\n]*\n)+", pins.read_text(encoding="utf-8"), re.MULTILINE)
    if found is None:
        sys.exit(f"{pins}: no pin of uv with hashes")
    output.write_text(found[0], encoding="utf-8")


def members() -> list[Path]:
    """Folders of the workspace's own distributions."""
    folders = [path.parent for kind in ("kits", "plugins") for path in (ROOT / kind).glob("*/pyproject.toml")]
    return [*(ROOT / name for name in ("harness", "reports", "benchmarks")), *sorted(folders)]


def main() -> None:
    """Write every file."""
    compile_pins(members(), ROOT / "constraints" / "workspace.txt", ("dev", "docs", "exporters", "loading"))
    write_uv(ROOT / "constraints" / "workspace.txt", ROOT / "constraints" / "uv.txt")


if __name__ == "__main__":
    main()
