"""Faulty encoders through ``pytest benchmarks/`` itself: shown with the reason, ranked nowhere, red under strict."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[4]
PLANTED = ROOT / "tests" / "harness" / "measuring" / "admission" / "faulty_encoders.py"
FAULTS = ("axes_swapped", "every_10th_zero", "params_0", "masks")

Bench = Callable[..., tuple[pytest.RunResult, list[dict[str, Any]], Path]]


@pytest.fixture
def bench(
    plugin_module: Callable[..., Path],
    pytester: pytest.Pytester,
    monkeypatch: pytest.MonkeyPatch,
    few_pictures: None,
) -> Bench:
    """``pytest benchmarks/`` with the planted encoders installed: its result, its records, its run folder."""
    plugin_module("planted", PLANTED.read_text(encoding="utf-8"))
    (pytester.path / "benchmarks").mkdir()
    shutil.copy(ROOT / "benchmarks" / "test_spatial.py", pytester.path / "benchmarks")
    pytester.makeini("[pytest]\nmarkers = suite(name): the suite\naddopts = --import-mode=importlib")

    def run(*names: str, options: tuple[str, ...] = ()) -> Any:
        monkeypatch.setenv("PLANTED", ",".join(names))
        asked = [f"--candidate={name}_tiny@last/identity/single/linear" for name in ("planted", *names)]
        done = pytester.runpytest_inprocess(
            "benchmarks", "--dataset", "shapes", *asked, "-p", "no:cacheprovider", "-q", *options
        )
        folder = (pytester.path / "runs" / "latest").resolve()
        return done, [json.loads(line) for line in (folder / "records.jsonl").open()], folder

    return run


def test_refused_encoders_are_shown_with_the_reason_and_ranked_nowhere(
    bench: Bench, page_text: Callable[[Path], str]
) -> None:
    done, records, folder = bench(*FAULTS)
    said_here = done.stdout.str()
    assert done.ret == 0, said_here
    iou = {line["candidate"].partition("_tiny@")[0]: line for line in records if line["metric"] == "iou"}
    assert {name: iou[name]["admission"] for name in ("planted", *FAULTS)} == {
        "planted": "admitted",
        **dict.fromkeys(FAULTS, "refused"),
    }
    for name in FAULTS:
        assert f"encoder {name}_tiny of plugin 'planted'" in iou[name]["admission_reason"]
        assert f"{name}_tiny@last/identity/single/linear is refused and not ranked" in said_here
        assert iou[name]["gateable"] is False
    assert {model["kind"] for model in iou["params_0"]["provenance"]} == {"random"}
    ranked = json.loads((folder / "analysis" / "rankings.json").read_text())["rows"]
    assert {row["candidate"].partition("_tiny@")[0] for row in ranked} & {"planted", *FAULTS} == {"planted"}
    masks = next(
        line for line in said_here.splitlines() if line.startswith("masks_tiny@last/identity/single/linear is")
    )
    assert "reads the true masks" in masks
    said_there = page_text(folder / "report.html")
    assert "axes_swapped_tiny@last/identity/single/linear is refused and not ranked" in said_there
    manifest = json.loads((folder / "run.json").read_text())
    said = {row["encoder"]: row["status"] for row in manifest["admission"]}
    assert said["axes_swapped_tiny"] == "refused"
    assert said["planted_tiny"] == "admitted"

    done, _, folder = bench(*FAULTS)
    again = json.loads((folder / "run.json").read_text())
    assert sum(row["encoded"] for row in again["admission"]) == 0, "verdicts are kept"
    # The spot check may rebuild the one encoder whose answer depends on a picture's place; no other is run again.
    assert set(again["extraction"]["pictures_forwarded"]) <= {"every_10th_zero_tiny"}


def test_strict_fails_the_cells_of_a_refused_encoder_and_no_others(bench: Bench) -> None:
    done, records, _ = bench("batch_norm_training", options=("--admission", "strict"))
    assert done.ret == 1
    assert "call eval()" in done.stdout.str()
    status = {line["candidate"].partition("_tiny@")[0]: line["status"] for line in records}
    assert (status["planted"], status["batch_norm_training"]) == ("ok", "failed")


def test_off_says_on_every_record_that_nothing_was_checked(bench: Bench) -> None:
    done, records, _ = bench("axes_swapped", options=("--admission", "off"))
    assert done.ret == 0
    said = {line["admission"] for line in records if "_tiny@last" in line["candidate"]}
    assert said == {"not checked"}
    assert "not checked before ranking" in done.stdout.str()
