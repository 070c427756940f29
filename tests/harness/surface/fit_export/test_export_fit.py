"""A fit of a run as a folder: from what the run kept or fitted again, equal to the harness's own, with a card."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from foresight_harness.contracts.errors import RunFolderError, UsageError
from foresight_harness.contracts.progress import silent
from foresight_harness.measuring.fitting.adapters import decode_latents
from foresight_harness.measuring.workshop.cell import Cell
from foresight_harness.planning.candidates import parse_candidate, resolve
from foresight_harness.planning.options import DatasetChoice, RunOptions, scale
from foresight_harness.planning.plan import PlannedCell
from foresight_harness.running.keeper import RunKeeper
from foresight_harness.running.run_folder.run_data import RunData
from foresight_harness.surface.command import main
from foresight_harness.surface.fit_export.card import card
from foresight_harness.surface.fit_export.writing import Wish, export_fit

CANDIDATE = "pixels@patch/identity/single/conv"
FEW = {"train": 24, "test": 16, "pictures": 2, "steps": 8, "batch": 8, "resamples": 100}


@pytest.fixture(scope="module")
def kept(builtins, tmp_path_factory: pytest.TempPathFactory) -> tuple[RunKeeper, RunData]:
    """A candidate with a trained adapter in two suites, its fits kept; the cache is gone after it."""
    place = tmp_path_factory.mktemp("kept")
    sizes = replace(scale.SCALES["smoke"], name="few", **FEW)
    options = RunOptions(
        custom_scale=sizes,
        scale="few",
        datasets=(DatasetChoice("shapes"),),
        out=place / "runs",
        cache=place / "cache",
        keep_fits=True,
    )
    keeper = RunKeeper(builtins, options, silent(), "pytest benchmarks/")
    candidate = resolve(parse_candidate(CANDIDATE), builtins)
    keeper.plan(
        PlannedCell(candidate, builtins.suite(suite), DatasetChoice("shapes"))
        for suite in ("spatial", "reconstruction")
    )
    for cell in keeper.planned:
        keeper.run_cell(cell)
    keeper.close("complete")
    return keeper, RunData.load(keeper.folder.path)


@pytest.fixture(scope="module")
def exported(kept, builtins, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict]:
    """Both parts of that fit."""
    folder = tmp_path_factory.mktemp("out") / "adapter"
    return folder, export_fit(kept[1], Wish(CANDIDATE), folder, builtins, silent())


def cell_of(kept, suite: str) -> Cell:
    keeper = kept[0]
    planned = next(cell for cell in keeper.planned if cell.suite.name == suite)
    return Cell(keeper.workshop, planned.candidate, planned.suite, planned.dataset)


def test_latents_without_the_harness_are_those_of_the_harness(kept, exported, run_alone) -> None:
    cell = cell_of(kept, "reconstruction")
    streams = cell.streams("test")
    taps, _ = streams.take(range(5), clips=False)
    fitted = cell.fitted_for_latents(0)
    latents = cell.workshop.latents.of(cell.candidate.decoder, cell.split("train")).shape
    with torch.inference_mode():
        own = decode_latents(fitted.adapter, fitted.modules(taps), (latents.frames, latents.rows, latents.cols))
    said = run_alone(exported[0], "latents", [taps[0][0]], own.clone())
    assert said["shape"] == list(own.shape)
    assert said["difference"] <= 1e-6
    assert said["trainable"] >= 8, "the adapter can be trained on"
    assert said["foresight"] == []


def test_the_map_of_the_probe_is_the_probes_own(kept, exported, run_alone) -> None:
    cell = cell_of(kept, "spatial")
    taps, _ = cell.streams("test").take(range(4), clips=False)
    probe = cell.workshop.registry.primary_probe.of_boxes()
    fitted = cell.fitted_for_places(0)
    probe.fit(fitted.conditioning(cell.streams("train"), "x"), cell.split("train").labels, 0)
    own = probe.map_fit.predict(taps[0][0][:, -1])[..., 0]
    said = run_alone(exported[0], "places", [taps[0][0]], own)
    assert said["difference"] <= 1e-6
    assert exported[1]["parts"]["places"]["output"]["threshold"] == probe.threshold


def test_the_loader_runs_its_example_by_itself_and_refuses_a_file_that_was_changed(exported, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(exported[0], tmp_path / "copy"))
    command = [sys.executable, str(folder / "load.py")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("relative difference") == 2
    weights = folder / "latents" / "adapter.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"\x7f")
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "is not the file that was exported" in done.stderr


def test_the_folder_says_what_it_holds(kept, exported) -> None:
    folder, content = exported
    stored = json.loads((folder / "config.json").read_text())
    assert stored == content
    part = stored["parts"]["latents"]
    assert part["inputs"] == [{"stream": "pixels@patch", "shape": [1, 16, 16, 588]}]
    assert part["output"]["decoder"] == "conv"
    assert part["fit"] == "kept by the run"
    for name, stated in part["files"].items():
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == stated
    for file in folder.rglob("*"):
        if file.is_file():
            assert str(Path.cwd()).encode() not in file.read_bytes(), f"{file.name} names a folder of this machine"


def test_the_card_has_front_matter_scores_with_intervals_and_limits(kept, exported) -> None:
    card = (exported[0] / "README.md").read_text()
    head, _, body = card.removeprefix("---\n").partition("\n---\n")
    fields = dict(line.split(": ", 1) for line in head.splitlines())
    assert json.loads(fields["datasets"]) == ["shapes"]
    assert json.loads(fields["foresight"])["candidate"] == CANDIDATE
    iou = next(one for one in kept[1].records if one.metric == "iou" and one.candidate == CANDIDATE)
    assert f"{iou.value:.4g} ratio | {iou.ci_low:.4g} to {iou.ci_high:.4g} | 16 |" in body
    for title in ("## Scores", "## Protocol", "## Where it comes from", "## What it must not be used for"):
        assert title in body
    assert "train\\_size | 24" in body
    assert "Scores were measured on shapes; of other pictures nothing is known." in body


def test_names_from_outside_are_harmless_in_the_card(kept, builtins, tmp_path: Path) -> None:
    data = kept[1]
    bad = "pixels@patch/<img src=x>|[a](http://b)\n::error::/single/conv"
    records = tuple(replace(one, candidate=bad) if one.candidate == CANDIDATE else one for one in data.all_records)
    content = export_fit(data, Wish(CANDIDATE, ("latents",)), tmp_path / "fine", builtins, silent())
    text = card(replace(data, all_records=records), {**content, "candidate": bad}, builtins)
    body = text.split("\n---\n", 1)[1]
    assert "<img" not in body
    assert "[a](http" not in body
    assert not [line for line in text.splitlines() if line.startswith("::error")]


def test_a_fit_that_was_not_kept_is_made_again_and_is_the_same(kept, exported, builtins, tmp_path: Path) -> None:
    run = Path(shutil.copytree(kept[1].path, tmp_path / kept[1].path.name))
    shutil.rmtree(run / "fits")
    content = export_fit(RunData.load(run), Wish(CANDIDATE, ("latents",)), tmp_path / "again", builtins, silent())
    assert content["parts"]["latents"]["fit"] == "made again under the run's protocol"
    weights = [folder / "latents" / "adapter.safetensors" for folder in (exported[0], tmp_path / "again")]
    assert weights[0].read_bytes() == weights[1].read_bytes()


def test_a_fit_that_would_be_another_one_is_refused_with_how_to_get_it(kept, builtins, tmp_path: Path) -> None:
    run = Path(shutil.copytree(kept[1].path, tmp_path / kept[1].path.name))
    shutil.rmtree(run / "fits")
    manifest = json.loads((run / "run.json").read_text())
    manifest["options"]["custom_scale"]["steps"] = 9
    (run / "run.json").write_text(json.dumps(manifest))
    with pytest.raises(UsageError, match=r"would not be the run's: .*8 and is 9; score it with --keep-fits") as caught:
        export_fit(RunData.load(run), Wish(CANDIDATE, ("latents",)), tmp_path / "no", builtins, silent())
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "no").exists()


def test_a_damaged_kept_fit_is_one_line(kept, builtins, tmp_path: Path) -> None:
    run = Path(shutil.copytree(kept[1].path, tmp_path / kept[1].path.name))
    for file in (run / "fits").iterdir():
        file.write_bytes(file.read_bytes()[:100])
    with pytest.raises(RunFolderError, match="is damaged or no kept fit"):
        export_fit(RunData.load(run), Wish(CANDIDATE, ("latents",)), tmp_path / "no", builtins, silent())


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["latest", "pixel@*"], "no candidate 'pixel@*'"),
        (["latest", CANDIDATE, "--seed", "7"], "--seed 7: "),
        (["latest", CANDIDATE, "--dataset", "kinds"], "has no fit in"),
        (["nowhere", CANDIDATE], "no run 'nowhere'"),
    ],
)
def test_a_slip_is_one_line(kept, words: list[str], said: str, tmp_path: Path, capsys) -> None:
    out = ["--out", str(kept[1].path.parent), "-o", str(tmp_path / "x")]
    assert main(["export-fit", *words, *out]) == 2
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1
    assert said in lines[0]
    assert not (tmp_path / "x").exists()


def test_a_folder_in_use_is_not_written_into(kept, tmp_path: Path, capsys) -> None:
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / "mine").write_text("")
    out = ["--out", str(kept[1].path.parent), "-o", str(tmp_path / "x")]
    assert main(["export-fit", "latest", CANDIDATE, *out]) == 2
    assert "is there already and not empty" in capsys.readouterr().err
