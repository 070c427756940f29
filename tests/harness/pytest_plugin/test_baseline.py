"""``pytest benchmarks/ --baseline NAME`` as CI runs it: the exit codes."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

ROOT = Path(__file__).resolve().parents[3]
pytestmark = pytest.mark.usefixtures("few_pictures")


@pytest.fixture
def spatial(pytester: pytest.Pytester, dropin: Path) -> Callable[..., pytest.RunResult]:
    """Scores one encoder in suite ``spatial``, in this process."""
    shutil.copytree(ROOT / "benchmarks", pytester.path / "benchmarks", ignore=shutil.ignore_patterns("__pycache__"))
    pytester.makeini("[pytest]\nmarkers = suite(name): the suite\naddopts = --import-mode=importlib")
    asked = ("--dataset", "shapes", "-p", "no:cacheprovider", "-q", "--candidate", "gradients_tiny*", "-k", "spatial")
    return lambda *more: pytester.runpytest_inprocess("benchmarks", *asked, *more)


def better_by(runs: Path, gain: float) -> None:
    """A baseline that scored higher: what the same code would look like if this run had lost that much."""
    path = shutil.copytree((runs / "latest").resolve(), runs / "before")
    for file in (path / "samples").glob("*.parquet"):
        table = pq.read_table(file)
        values = pc.if_else(pc.equal(table["metric"], "iou"), pc.add(table["value"], gain), table["value"])
        place = table.schema.get_field_index("value")
        changed = table.set_column(place, "value", pa.chunked_array(values).cast(pa.float64()))
        pq.write_table(changed.replace_schema_metadata(table.schema.metadata), file)


@pytest.mark.slow
def test_exit_codes_of_unchanged_code_a_regression_and_a_newer_schema(
    spatial: Callable[..., pytest.RunResult], pytester: pytest.Pytester
) -> None:
    assert spatial().ret == 0
    runs = pytester.path / "runs"
    first = (runs / "latest").resolve().name
    better_by(runs, 0.1)
    same = spatial("--baseline", first)
    assert same.ret == 0
    same.stdout.fnmatch_lines([f"No sentinel regressed against {first}: 1 identical, 0 within noise*"])
    worse = spatial("--baseline", "before")
    assert worse.ret == 10
    worse.stdout.fnmatch_lines(["1 of 1 sentinels regressed against before, first iou of gradients_tiny@*"])
    assert (runs / "latest" / "analysis" / "regressions.json").is_file()
    manifest = json.loads((runs / "before" / "run.json").read_text())
    (runs / "before" / "run.json").write_text(json.dumps({**manifest, "schema": 99}))
    count = len(list(runs.iterdir()))
    newer = spatial("--baseline", "before")
    assert newer.ret == 4
    newer.stderr.fnmatch_lines(["*run.json has schema 99; this version reads up to 1*"])
    assert len(list(runs.iterdir())) == count, "said before any work"
