"""What cannot be compared is said with its reason, and is a code of its own: where it is all, or under ``--strict``."""

from __future__ import annotations

import json
import multiprocessing
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from foresight_harness.contracts.records import SCHEMA
from foresight_harness.judging.comparison import baselines
from foresight_harness.surface.command import main

SENTINELS = '[[sentinel]]\ncandidate = "encoder_0@*"\nmetric = "iou"\n'


def _manifest(path: Path, **fields: Any) -> None:
    file = path / "run.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), **fields}))


def _machine(run_with) -> None:
    run_with("base")
    _manifest(run_with("head"), hardware={"cpu": "another", "fingerprint": "0"})


def _changed(**change: Any) -> Callable[..., None]:
    def write(run_with) -> None:
        run_with("base")
        run_with("head", moved={0: -0.3}, **change)

    return write


def _probe(run_with) -> None:
    for name, probe in (("base", "dense_ridge"), ("head", "detr")):
        path = run_with(name, protocol=f"p_{probe}")
        _manifest(path, protocols={f"p_{probe}": {"probe_name": probe}})


def _missing(run_with) -> None:
    run_with("base")
    run_with("head", only=range(1, 4))


WEIGHTS = [{"part": "encoder", "name": "x", "kind": "pretrained", "sha256": "ab" * 8}]
CASES = {
    "machine": (_machine, "other machine: cpu is absent and another"),
    "data": (_changed(fingerprint="0" * 12), "other data: fingerprint ffffffff and 00000000"),
    "probe": (_probe, "other protocol: probe_name is 'dense_ridge' and 'detr'"),
    "weights": (_changed(provenance=WEIGHTS), "other weights: encoder x is absent and pretrained abababab"),
    "cell": (_missing, "this run has no such cell"),
}


@pytest.mark.parametrize("case", CASES)
def test_unlike_runs_are_exit_3_with_the_reason(case: str, run_with, tmp_path: Path, capsys) -> None:
    write, reason = CASES[case]
    write(run_with)
    (tmp_path / "sentinels.toml").write_text(SENTINELS)
    asked = ["compare", "head", "base", "--out", str(tmp_path), "--sentinels", str(tmp_path / "sentinels.toml")]
    assert main([*asked, "--github"]) == 3
    said = capsys.readouterr().out
    assert reason in " ".join(said.split())
    assert "::notice title=not compared::" in said
    assert main([*asked, "--json"]) == 3
    rows = json.loads(capsys.readouterr().out)["rows"]
    (row,) = [row for row in rows if row["sentinel"]]
    assert (row["verdict"], row["reason"]) == ("not compared", reason)


def test_a_slide_of_small_steps_passes_against_main_and_is_seen_against_a_pinned_release(
    run_with, tmp_path: Path, monkeypatch
) -> None:
    """Each step is below the tolerance, so ``main`` moves along; the release does not."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sentinels.toml").write_text(SENTINELS + "[tolerance]\niou = 0.01\n")
    how = ["--out", str(tmp_path), "--sentinels", "sentinels.toml"]
    run_with("v0", noise=0.001)
    for name, more in (("release", ["--pin"]), ("main", [])):
        assert main(["baseline", "promote", "v0", "--name", name, "--reason", "1.0", *how, *more]) == 0
    codes = []
    for step in range(1, 5):
        run_with(f"v{step}", moved={0: -0.006 * step}, noise=0.001, seed=step)
        codes.append(tuple(main(["compare", f"v{step}", name, *how]) for name in ("main", "release")))
        assert main(["baseline", "promote", f"v{step}", "--name", "main", "--reason", "merged", *how]) == 0
    assert codes == [(0, 0), (0, 1), (0, 1), (0, 1)]


def _promote(runs: Path, count: int) -> None:
    for number in range(count):
        baselines.promote(runs, runs / "one", "main", f"{multiprocessing.current_process().name} {number}")


def test_processes_that_promote_at_once_lose_nothing(run_with, tmp_path: Path) -> None:
    run_with("one")
    context = multiprocessing.get_context("fork")
    jobs = [context.Process(target=_promote, args=(tmp_path, 5)) for _ in range(4)]
    for job in jobs:
        job.start()
    for job in jobs:
        job.join(600)
    assert [job.exitcode for job in jobs] == [0] * 4
    kept = sorted((tmp_path / "baselines" / "main").glob("*.json"))
    assert [path.stem for path in kept] == [f"{number:04d}" for number in range(1, 21)]
    assert len({baselines.read_baseline(path).reason for path in kept}) == 20


@pytest.mark.parametrize("side", ["base", "head"])
def test_a_newer_schema_on_either_side_is_one_line_and_exit_2(side: str, run_with, tmp_path: Path, capsys) -> None:
    for name in ("base", "head"):
        run_with(name)
    _manifest(tmp_path / side, schema=99)
    assert main(["compare", "head", "base", "--out", str(tmp_path)]) == 2
    said = capsys.readouterr().err
    assert f"{side}/run.json has schema 99; this version reads up to {SCHEMA}" in said
    assert said.count("\n") == 1
