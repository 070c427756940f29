"""Scoring from Python: options as the command's, the same folder, errors before any work."""

from __future__ import annotations

import json
import signal
from dataclasses import replace
from pathlib import Path

import pytest
from foresight_harness import ForesightError, UsageError, open_run, score
from foresight_harness.planning.options import SCALES
from foresight_harness.running.run_folder.digests import run_digests
from foresight_harness.surface.python_calls import opened

FEW = replace(SCALES["smoke"], name="few", train=24, test=16, pictures=2, steps=8, batch=8, resamples=200)


@pytest.fixture
def outside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_run_from_python_is_a_run_folder_like_any_other(outside: Path, builtins) -> None:
    run = score("pixels@patch", suite="spatial", dataset="shapes", sizes=FEW, registry=builtins)
    assert run.path.parent == outside / "runs"
    assert run.manifest["status"] == "complete"
    assert run.manifest["counts"]["failed"] == 0
    assert run.manifest["command"].startswith("foresight_harness.score(candidates='pixels@patch', suite=")
    table = run.frame()
    assert table.n.max() == 16
    iou = table[(table.metric == "iou") & (table.candidate == "pixels@patch/identity/single/linear")]
    values = run.samples(metric="iou", candidate="pixels@patch/identity/single/linear")
    assert len(values) == 16
    assert iou.value.item() == pytest.approx(values.value.mean())
    assert open_run("latest").id == open_run(run.path).id == run.id


def test_the_same_call_gives_the_same_numbers(outside: Path, builtins) -> None:
    runs = [
        score("pixels@patch", suite="spatial", dataset="shapes", sizes=FEW, registry=builtins, out=f"runs{repeat}")
        for repeat in range(2)
    ]
    first, second = (run_digests(run.records) for run in runs)
    assert first == second != {}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"trainsize": 5}, "unknown option 'trainsize'.*train_size"),
        ({"suite": "spatail"}, "spatail.*spatial"),
        ({"dataset": "shape"}, "shape.*shapes"),
        ({"candidates": "pixel@patch"}, "pixel.*pixels"),
        ({"dataset": "moving_shapes", "suite": "audit", "matrix": "nowhere"}, "nowhere"),
        ({"dtype": "float8"}, "float8.*float32"),
        ({"export": "nowhere"}, "nowhere.*mlflow"),
        ({"dataset": 3}, "expected a text or a list of texts, got 3"),
        ({"dataset": "coco:nowhere"}, "nowhere does not exist"),
        ({"search": True}, "use foresight-bench search"),
    ],
)
def test_a_slip_is_one_line_before_any_work(outside: Path, builtins, options: dict[str, object], said: str) -> None:
    call = {"candidates": "pixels@patch", "suite": "spatial", "dataset": "shapes", **options}
    with pytest.raises(UsageError, match=said) as caught:
        score(**call, registry=builtins)  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)
    assert not list(outside.iterdir())


def test_a_data_set_that_cannot_feed_the_suite_is_refused(outside: Path, builtins) -> None:
    with pytest.raises(UsageError, match=r"no data set of photos has what temporal needs \(motion\)"):
        score("pixels@patch", suite="temporal", dataset="photos", registry=builtins)


def test_a_cell_that_fails_is_a_failure_and_not_an_exception(outside: Path, builtins, monkeypatch) -> None:
    def broken(cell: object) -> None:
        raise RuntimeError("planted")

    monkeypatch.setattr("foresight_harness.measuring.suites.spatial.score", broken)
    run = score("pixels@patch", suite="spatial", dataset="shapes", sizes=FEW, registry=builtins)
    assert [record.error for record in run.failures] == ["RuntimeError: planted"]
    assert list(run.frame().status) == ["failed"]


def test_an_interrupt_closes_the_run_and_goes_on_upwards(outside: Path, builtins, monkeypatch) -> None:
    def interrupted(cell: object) -> None:
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr("foresight_harness.measuring.suites.spatial.score", interrupted)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            score("pixels@patch", suite="spatial", dataset="shapes", sizes=FEW, registry=builtins)
    finally:
        signal.signal(signal.SIGINT, before)
    assert json.loads((outside / "runs" / "latest" / "run.json").read_text())["status"] == "interrupted"


def test_sizes_are_handed_in_and_change_no_scale(outside: Path, builtins) -> None:
    keeper = opened("pixels@patch", "spatial", "shapes", sizes=FEW, registry=builtins)
    assert keeper.options.sizes == FEW
    assert "few" not in SCALES


def test_a_folder_that_is_no_run_is_said_in_one_line(outside: Path) -> None:
    with pytest.raises(ForesightError, match="nowhere"):
        open_run("nowhere")
