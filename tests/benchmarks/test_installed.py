"""The distributions as wheels, in an environment with nothing else of ours and a folder with nothing in it."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MEMBERS = ("harness", "reports", "benchmarks", "plugins/dinov2")
UV = str(Path(sys.executable).with_name("uv"))
OF_OURS = re.compile(r"(_editable_impl_|__editable__)?_*foresight", re.IGNORECASE)
ASKED = ("run", "--candidate", "pixels@patch", "--dataset", "shapes", "-k", "spatial")
SMALL = ("--train-size", "24", "--picture-px", "64")
pytestmark = pytest.mark.slow


def call(*command: str | Path, cwd: Path, expected: int = 0) -> subprocess.CompletedProcess[str]:
    """Carry out a command that sees no source of this checkout."""
    kept = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
    done = subprocess.run([*map(str, command)], cwd=cwd, env=kept, capture_output=True, text=True, check=False)
    assert done.returncode == expected, done.stdout[-3000:] + done.stderr[-3000:]
    return done


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel of each, built from copies, so that no build folder lies in the checkout."""
    place = tmp_path_factory.mktemp("wheels")
    for member in MEMBERS:
        unwanted = shutil.ignore_patterns("__pycache__", "build", "*.egg-info", "tests")
        source = shutil.copytree(ROOT / member, place / "sources" / member, ignore=unwanted)
        quick = ("--quiet", "--wheel", "--offline", "--no-build-isolation", "--python", sys.executable)
        call(UV, "build", *quick, "--out-dir", place / "dist", source, cwd=place)
    return place / "dist"


@pytest.fixture(scope="module")
def environment(wheels: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of an environment that holds these wheels, and of the packages here all that are not ours."""
    place = tmp_path_factory.mktemp("environment")
    others = place / "others" / "site-packages"  # by this name they are known as installed, and not read for a digest
    others.mkdir(parents=True)
    for found in Path(sysconfig.get_path("purelib")).iterdir():
        if not OF_OURS.match(found.name) and found.suffix != ".pth":
            (others / found.name).symlink_to(found)
    call(sys.executable, "-m", "venv", "--without-pip", place / "venv", cwd=place)
    programs = place / "venv" / "bin"
    install = (UV, "pip", "install", "--quiet", "--offline", "--no-deps", "--python", programs / "python")
    call(*install, *sorted(wheels.glob("*.whl")), cwd=place)
    site = call(programs / "python", "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=place)
    (Path(site.stdout.strip()) / "others.pth").write_text(f"{others}\n")
    return programs


def test_the_wheel_of_benchmarks_holds_what_is_scored_and_no_measurement_of_the_harness(wheels: Path) -> None:
    (wheel,) = wheels.glob("foresight_benchmarks-*.whl")
    names = {name for name in zipfile.ZipFile(wheel).namelist() if name.startswith("foresight_benchmarks/")}
    folder = ROOT / "benchmarks"
    kept = [*folder.glob("*.py"), *folder.glob("*/*.toml"), folder / "sentinels.toml"]
    assert names == {f"foresight_benchmarks/{path.relative_to(folder)}" for path in kept}


def test_run_scores_judges_and_reports_in_an_empty_folder(environment: Path, tmp_path: Path) -> None:
    said = call(environment / "foresight-bench", *ASKED, *SMALL, cwd=tmp_path).stdout
    assert re.search(r"^iou \(\w+\) of spatial on shapes$", said, re.MULTILINE)
    assert re.search(r"^[1-9]\d* cells scored, 0 failed", said, re.MULTILINE)
    assert (tmp_path / "runs" / "latest" / "report.html").stat().st_size > 10_000
    manifest = json.loads((tmp_path / "runs" / "latest" / "run.json").read_text())
    assert manifest["command"].startswith("foresight-bench run --candidate")
    bench = environment / "foresight-bench"
    judged = call(bench, "gate", "latest", "premerge_phase1", "--json", cwd=tmp_path, expected=3)
    assert json.loads(judged.stdout)["kind"] == "gates"
    names = [row["name"] for row in json.loads(call(bench, "plugins", "--json", cwd=tmp_path).stdout)]
    assert "dinov2" in names


def test_pyargs_and_run_collect_what_a_checkout_collects(environment: Path, tmp_path: Path) -> None:
    checkout, empty = tmp_path / "checkout", tmp_path / "empty"
    shutil.copytree(ROOT / "benchmarks", checkout / "benchmarks", ignore=shutil.ignore_patterns("perf", "studies"))
    empty.mkdir()

    def cells(cwd: Path, *command: str) -> list[str]:
        listed = ("--collect-only", "-q", "-p", "no:cacheprovider", "-k", "spatial or plugin")
        said = call(environment / command[0], *command[1:], *listed, cwd=cwd).stdout
        return [line[line.index("test_") :] for line in said.splitlines() if "::" in line]

    there = cells(checkout, "python", "-m", "pytest", "benchmarks")
    assert len(there) > 5
    assert cells(empty, "python", "-m", "pytest", "--pyargs", "foresight_benchmarks") == there
    assert cells(empty, "foresight-bench", "run") == there


def test_a_matrix_of_ones_own_stands_beside_what_is_installed(environment: Path, tmp_path: Path) -> None:
    (tmp_path / "matrices").mkdir()
    (tmp_path / "matrices" / "ours.toml").write_text('candidates = ["constant@patch/identity/single/linear"]')
    bench = environment / "foresight-bench"
    found = json.loads(call(bench, "candidates", "--matrix", "ours", "--json", cwd=tmp_path).stdout)
    assert [row["candidate"] for row in found] == ["constant@patch/identity/single/linear"]
    assert len(json.loads(call(bench, "candidates", "--matrix", "audit", "--json", cwd=tmp_path).stdout)) > 1
