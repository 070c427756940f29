"""A plugin of each kind, outside of the repository, as a wheel in an environment with only what it declares.

``tox run -e new-plugin`` (needs an index or its cache; six environments with torch): writes the plugin by the command,
builds its wheel with the backend that it names, installs it beside the harness's own wheel, runs its tests, and
collects ``pytest benchmarks/`` on a copy of the benchmarks. Prints a line a kind; exit 1 where one fails.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from foresight_harness.surface.plugin_templates import KINDS

ROOT = Path(__file__).resolve().parents[4]
UV = str(Path(sys.executable).with_name("uv"))
ENV = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV", "UV_CONSTRAINT")}


def call(*command: object, cwd: Path) -> str:
    """Output of a command; its end where it fails."""
    words = [str(word) for word in command]
    done = subprocess.run(
        words, cwd=cwd, env=ENV | {"OMP_NUM_THREADS": "1"}, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"{' '.join(words)}\n{done.stdout[-3000:]}{done.stderr[-3000:]}")
    return done.stdout


def prove(kind: str, root: Path, harness: Path) -> str:
    """One kind, from nothing to a benchmark session; says what was found."""
    name, place = f"made_{kind}", root / kind
    place.mkdir()
    call(
        Path(sys.executable).with_name("foresight-bench"), "new-plugin", name, "--kind", kind, "--out", place, cwd=place
    )
    call(UV, "build", "--quiet", "--wheel", "--out-dir", place / "dist", place / name, cwd=place)
    (wheel,) = (place / "dist").glob("*.whl")
    call(UV, "venv", "--quiet", "--python", sys.executable, place / "fresh", cwd=place)
    python = place / "fresh" / "bin" / "python"
    pins = ROOT / "constraints" / "workspace.txt"
    call(UV, "pip", "install", "--quiet", "--python", python, "--constraint", pins, harness, wheel, cwd=place)
    said = call(python, "-m", "pytest", "-q", "-p", "no:cacheprovider", place / name / "tests", cwd=place)
    passed = said.strip().splitlines()[-1].split(" passed")[0].split()[-1]
    shutil.copytree(ROOT / "benchmarks", place / "benchmarks", ignore=shutil.ignore_patterns("__pycache__"))
    (place / "pytest.ini").write_text("[pytest]\nmarkers = suite(name): the suite\naddopts = --import-mode=importlib\n")
    asked = shlex.split(KINDS[kind].try_it.format(name=name))
    session = [python, "-m", "pytest", "benchmarks", "--collect-only", "-q", "-p", "no:cacheprovider"]
    shown = call(*session, *asked, cwd=place)
    collected = sum("::test_" in line for line in shown.splitlines())
    if not collected or f"[{name}]" not in call(*session, "-k", name, cwd=place):
        raise RuntimeError(f"{name} does not appear in pytest benchmarks/")
    return (
        f"{kind}: {wheel.name} installed, {passed} of its tests passed, {collected} benchmark(s) collected with no edit"
    )


def main() -> int:
    """Every kind."""
    root = Path(tempfile.mkdtemp(prefix="foresight-new-plugin-"))
    failed = 0
    try:
        call(UV, "build", "--quiet", "--wheel", "--out-dir", root / "harness", ROOT / "harness", cwd=root)
        (harness,) = (root / "harness").glob("*.whl")
        for kind in KINDS:
            began = time.monotonic()
            try:
                print(f"{prove(kind, root, harness)} ({time.monotonic() - began:.0f} s)", flush=True)
            except RuntimeError as error:
                failed += 1
                print(f"{kind}: {error}", flush=True)
            shutil.rmtree(root / kind, ignore_errors=True)
    finally:
        shutil.rmtree(root, ignore_errors=True)
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
