"""Sessions of few pictures, and a folder of photographs in COCO's layout."""

from __future__ import annotations

import importlib
import json
import pkgutil
import shutil
import signal
from collections.abc import Callable, Iterator
from contextlib import suppress
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import foresight_harness
import foresight_reports
import pytest
from foresight_harness.contracts.hooks import PROJECT


@pytest.fixture(scope="session", autouse=True)
def imported_once() -> None:
    """What sessions import of ours, and pandas: pytester forgets what was imported inside of one, so each would pay."""
    for point in entry_points(group=PROJECT):
        point.load()
    with suppress(ImportError):  # pyarrow takes it where it is there
        importlib.import_module("pandas")
    for package in (foresight_harness, foresight_reports):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not module.name.endswith("__main__"):
                with suppress(ImportError):  # of an extra that is not installed
                    importlib.import_module(module.name)


@pytest.fixture
def photographs(tmp_path: Path, write_photographs: Callable[[Path], Path]) -> Path:
    """Twelve crops of a real photograph, JPEG and PNG, of unequal sizes, one box each."""
    return write_photographs(tmp_path / "photographs")


ROOT = Path(__file__).resolve().parents[4]
CANDIDATES = ("oracle@mask/identity/single/linear", "constant@patch/identity/single/linear")
Session = Callable[..., pytest.RunResult]


@pytest.fixture
def session(pytester: pytest.Pytester) -> Session:
    """Scores two candidates in suite ``alignment``, in this process; ``chosen`` are others."""
    (pytester.path / "benchmarks").mkdir()
    shutil.copy(ROOT / "benchmarks" / "test_alignment.py", pytester.path / "benchmarks")
    pytester.makeini("[pytest]\naddopts = --import-mode=importlib")

    def run(*arguments: str, chosen: tuple[str, ...] = CANDIDATES, data: str = "shapes") -> pytest.RunResult:
        named = [argument for name in chosen for argument in ("--candidate", name)]
        quick = ("--dataset", data, "-p", "no:cacheprovider", "-q")
        return pytester.runpytest_inprocess("benchmarks", *quick, *named, *arguments, no_reraise_ctrlc=True)

    return run


@pytest.fixture
def latest(pytester: pytest.Pytester) -> Callable[[], dict[str, Any]]:
    """``run.json`` of the newest run."""
    return lambda: json.loads((pytester.path / "runs" / "latest" / "run.json").read_text())


@pytest.fixture
def hearing() -> Iterator[None]:
    """Signals as a program at a terminal finds them, whatever started these tests: some shells ignore SIGINT."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


QUICK = ("--dataset", "shapes", "--benchmark-quiet", "-p", "no:cacheprovider", "-q")


@pytest.fixture
def benchmarks(pytester: pytest.Pytester) -> Callable[..., pytest.RunResult]:
    """Runs ``pytest benchmarks/`` on a copy of the benchmarks, in this process."""
    unwanted = shutil.ignore_patterns("perf", "__pycache__")
    shutil.copytree(ROOT / "benchmarks", pytester.path / "benchmarks", ignore=unwanted)
    pytester.makeini("[pytest]\nmarkers = suite(name): the suite\naddopts = --import-mode=importlib")

    def run(*arguments: str) -> pytest.RunResult:
        return pytester.runpytest_inprocess("benchmarks", *QUICK, *arguments)

    return run
