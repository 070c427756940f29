"""The distributions as wheels, in an environment with nothing else of ours and a folder with nothing in it.

What is not ours is taken from the environment that runs the test, so that CI can afford it. ``tox run -e wheels`` sets
``FORESIGHT_INSTALL=resolved``: then the environment is empty, and what the wheels need comes from an index.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tomllib
import zipfile
from collections.abc import Callable
from email import message_from_bytes
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
WORKSPACE = ("meta", "harness", "reports", "benchmarks", "kits", "plugins")
DROPIN = ROOT / "tests" / "dropin"
RESOLVED = os.environ.get("FORESIGHT_INSTALL") == "resolved"
UV = str(Path(sys.executable).with_name("uv"))
OF_OURS = re.compile(r"(_editable_impl_|__editable__)?_*foresight", re.IGNORECASE)
ASKED = ("run", "--candidate", "pixels@patch", "--dataset", "shapes", "-k", "spatial")
SMALL = ("--train-size", "24", "--picture-px", "64")
pytestmark = pytest.mark.slow


def call(*command: str | Path, cwd: Path, expected: int = 0) -> subprocess.CompletedProcess[str]:
    """Carry out a command that sees no source of this checkout."""
    unwanted = ("PYTHONPATH", "VIRTUAL_ENV", "PYTHONDONTWRITEBYTECODE")  # the last makes every start seconds longer
    kept = {name: value for name, value in os.environ.items() if name not in unwanted}
    done = subprocess.run([*map(str, command)], cwd=cwd, env=kept, capture_output=True, text=True, check=False)
    assert done.returncode == expected, done.stdout[-3000:] + done.stderr[-3000:]
    return done


def declared(path: Path) -> dict[str, object]:
    """The project table of a ``pyproject.toml``."""
    return dict(tomllib.loads(path.read_text(encoding="utf-8"))["project"])


def names_of_members() -> set[str]:
    """Every distribution of the workspace."""
    found = {str(declared(path)["name"]) for path in (ROOT / name / "pyproject.toml" for name in WORKSPACE[:4])}
    return found | {
        str(declared(path)["name"]) for name in WORKSPACE[4:] for path in ROOT.glob(f"{name}/*/pyproject.toml")
    }


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel of each as ``make wheels`` builds it, and of a plugin from outside; from copies of the sources."""
    place = tmp_path_factory.mktemp("wheels")
    unwanted = shutil.ignore_patterns("__pycache__", "build", "*.egg-info", "tests", "perf", "studies")
    for member in WORKSPACE:
        shutil.copytree(ROOT / member, place / "sources" / member, ignore=unwanted)
    shutil.copy(ROOT / "pyproject.toml", place / "sources")
    (asked,) = re.findall(r"^\t\$\(BIN\)/uv (build .*--all-packages.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    quick = ("--quiet", "--offline", "--no-build-isolation", "--python", sys.executable)
    call(UV, *asked.split(), *quick, cwd=place / "sources")
    call(UV, "build", "--wheel", *quick, "--out-dir", place / "outside", DROPIN, cwd=place)
    return place / "sources" / "dist"


@pytest.fixture(scope="module")
def environment(wheels: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of an environment that holds these wheels, and of the packages here all that are not ours."""
    place = tmp_path_factory.mktemp("environment")
    call(sys.executable, "-m", "venv", "--without-pip", place / "venv", cwd=place)
    programs = place / "venv" / "bin"
    install = (UV, "pip", "install", "--quiet", "--python", programs / "python")
    if RESOLVED:
        call(*install, *sorted(wheels.glob("*.whl")), cwd=place)
        return programs
    others = place / "others" / "site-packages"  # by this name they are known as installed, and not read for a digest
    others.mkdir(parents=True)
    for found in Path(sysconfig.get_path("purelib")).iterdir():
        if not OF_OURS.match(found.name) and found.suffix != ".pth":
            (others / found.name).symlink_to(found)
    call(*install, "--offline", "--no-deps", *sorted(wheels.glob("*.whl")), cwd=place)
    site = call(programs / "python", "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=place)
    (Path(site.stdout.strip()) / "others.pth").write_text(f"{others}\n")
    return programs


def test_every_distribution_builds_and_the_meta_package_brings_all(wheels: Path) -> None:
    built = {wheel.name.partition("-")[0].replace("_", "-") for wheel in wheels.glob("*.whl")}
    assert built == names_of_members()
    (meta,) = wheels.glob("foresight-*.whl")
    with zipfile.ZipFile(meta) as archive:
        assert {Path(name).parts[0].partition("-")[2] for name in archive.namelist()} == {"0.2.0.dist-info"}
        (metadata,) = (name for name in archive.namelist() if name.endswith("METADATA"))
        asked = message_from_bytes(archive.read(metadata)).get_all("Requires-Dist") or []
    brought = {re.split(r"[<>= ]", one)[0] for one in asked}
    kits = {str(declared(path)["name"]) for path in ROOT.glob("kits/*/pyproject.toml")}
    assert brought == built - {"foresight"} - kits, "kits are brought by the plugins that share them"


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


OUR_MATRIX = 'candidates = ["gradients_tiny@normed/identity/single/linear", "pixels@patch/identity/single/linear"]\n'
OUR_GATE = """schema = 1
title = "Things are found"
document = "a page"
section = "1"
decides = ["found"]

[[rule]]
id = "found"
quote = "any overlap at all"
line = 1
suite = "spatial"
probe = "dense_ridge"
metric = "iou"
unit = "ratio"
direction = "higher"
bound = 0.0
"""
OUR_SUITE = """import pytest


@pytest.mark.suite("counting")
def test_counting(foresight_cell) -> None:
    assert foresight_cell.score()
"""


def ours(environment: Path, wheels: Path, folder: Path, write_photographs: Callable[[Path], Path]) -> None:
    """A repository of somebody else: pictures, a matrix, a gate and a file of suites, and a plugin beside ours."""
    outside = (wheels.parents[1] / "outside").glob("*.whl")
    quick = ("--quiet", "--offline", "--no-deps", "--python", environment / "python")
    call(UV, "pip", "install", *quick, *outside, cwd=folder)
    write_photographs(folder / "photographs")
    for name, text in (
        ("matrices/ours.toml", OUR_MATRIX),
        ("gates/ours.toml", OUR_GATE),
        ("sentinels.toml", '[[sentinel]]\ncandidate = "*"\nsuite = "counting"\nmetric = "count_error"\n'),
        ("our_suites/test_counting_of_ours.py", OUR_SUITE),
    ):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)


def test_a_repository_of_ones_own_is_scored_judged_and_compared(
    environment: Path, wheels: Path, tmp_path: Path, write_photographs: Callable[[Path], Path]
) -> None:
    """Pictures, plugin, matrix, gate, sentinels and suite of somebody else, by every verb that concludes."""
    ours(environment, wheels, tmp_path, write_photographs)
    bench = environment / "foresight-bench"
    own = ("our_suites/", "--matrix", "ours", "--dataset", "coco:photographs", "--gate", "ours", "--picture-px", "64")
    asked = (bench, "run", *own, "--no-twins", "-k", "test_spatial or of_ours", "-q")
    said = call(*asked, cwd=tmp_path).stdout
    assert re.search(r"^gate ours: ", said, re.MULTILINE), said[-2000:]
    run = tmp_path / "runs" / "latest"
    records = [json.loads(line) for line in (run / "records.jsonl").read_text().splitlines()]
    scored = {
        (record["candidate"].partition("/")[0], record["suite"]) for record in records if record["status"] == "ok"
    }
    assert {
        ("gradients_tiny@normed", "counting"),
        ("gradients_tiny@normed", "spatial"),
        ("pixels@patch", "spatial"),
    } <= scored
    assert {record["dataset"] for record in records} == {"coco"}
    call(bench, "baseline", "promote", "latest", "--name", "first", "--reason", "a test", cwd=tmp_path)
    call(*asked, "--admission", "strict", cwd=tmp_path)
    compared = json.loads(call(bench, "compare", "latest", "first", "--json", cwd=tmp_path).stdout)
    assert {row["verdict"] for row in compared["rows"] if row["sentinel"]} == {"identical"}
    assert "CANNOT SAY" in call(bench, "decide", "latest", cwd=tmp_path, expected=3).stdout
    judged = json.loads(call(bench, "gate", "latest", "ours", "--json", cwd=tmp_path, expected=3).stdout)
    assert [row["rule"] for row in judged["rows"]] == ["found"]
    page = run / "report.html"
    page.unlink()
    call(bench, "report", "latest", cwd=tmp_path)
    assert "gradients_tiny" in page.read_text()
