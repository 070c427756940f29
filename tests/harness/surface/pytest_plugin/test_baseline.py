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

ROOT = Path(__file__).resolve().parents[4]
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


def beside(runs: Path, name: str, **hardware: str) -> Path:
    """A copy of the last run, of a machine that differs in this."""
    path = shutil.copytree((runs / "latest").resolve(), runs / name)
    manifest = json.loads((path / "run.json").read_text())
    manifest["hardware"] |= hardware
    (path / "run.json").write_text(json.dumps(manifest))
    return path


@pytest.mark.slow
def test_a_comparison_that_is_demanded_and_impossible_is_exit_11(
    spatial: Callable[..., pytest.RunResult], pytester: pytest.Pytester
) -> None:
    assert spatial().ret == 0
    runs = pytester.path / "runs"
    beside(runs, "elsewhere", cpu="another", fingerprint="0")
    more = beside(runs, "more") / "records.jsonl"
    lines = [json.loads(line) for line in more.read_text().splitlines()]
    gone = [{**line, "candidate": "gone_tiny@last/identity/single/linear"} for line in lines if line["metric"] == "iou"]
    more.write_text("".join(json.dumps(line) + "\n" for line in [*lines, *gone]))

    assert spatial("--baseline", "elsewhere").ret == 0, "a notice, where nothing is demanded"
    machine = spatial("--baseline", "elsewhere", "--strict")
    assert machine.ret == 11
    machine.stdout.fnmatch_lines(
        ["None of 1 sentinels could be compared with elsewhere: other machine: cpu is another *"]
    )
    cell = spatial("--baseline", "more", "--strict")
    assert cell.ret == 11
    cell.stdout.fnmatch_lines(["No sentinel regressed against more: 1 identical, * 1 not compared."])
    (runs / "elsewhere" / "records.jsonl").write_text("{cut")
    damaged = spatial("--baseline", "elsewhere", "--strict")
    assert damaged.ret == 11, "a baseline whose records were lost is never green"
