"""Plans for a card that is not here: what is counted, what is divided by, and what is refused."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from foresight_harness.contracts.errors import UsageError
from foresight_harness.contracts.specs import EncoderSpec, GridShape
from foresight_harness.contracts.specs.models import TapSpec
from foresight_harness.planning.candidates import parse_candidate, resolve
from foresight_harness.planning.options import DatasetChoice, RunOptions
from foresight_harness.planning.plan import PlannedCell
from foresight_harness.running.card_plans.budgets import read_budgets
from foresight_harness.running.card_plans.calibrating import measured_factor
from foresight_harness.running.card_plans.cards import card_of, is_card
from foresight_harness.running.card_plans.counting import counted, encoder_work, module_work
from foresight_harness.running.card_plans.phases import plan_for
from foresight_harness.running.run_folder.run_data import RunData
from foresight_harness.surface.command import main
from torch import nn

WIDTH, BLOCKS = 64, 6
SHAPES = [[GridShape(16, 16, 588)]]


def tower() -> EncoderSpec:
    """A vision transformer of six blocks, and its parameters."""
    taps = tuple(TapSpec(f"block.{number:02d}", WIDTH, 14) for number in range(BLOCKS))
    layer = nn.TransformerEncoderLayer(WIDTH, 4, 4 * WIDTH, batch_first=True, norm_first=True)
    params = BLOCKS * sum(one.numel() for one in layer.parameters())
    return EncoderSpec(
        "tower", build=lambda request: None, taps=taps, default_tap="block.05", input_px=224, params=params
    )  # type: ignore[arg-type,return-value]


def cells(builtins, *names: str, suite: str = "reconstruction") -> list[PlannedCell]:
    found = (resolve(parse_candidate(name), builtins) for name in names)
    return [PlannedCell(one, builtins.suite(suite), DatasetChoice("shapes")) for one in found]


def test_what_is_counted_of_a_transformer_is_what_torch_counts() -> None:
    layer = nn.TransformerEncoderLayer(WIDTH, 4, 4 * WIDTH, batch_first=True, norm_first=True).to("meta")
    tokens = torch.empty(1, 256, WIDTH, device="meta")
    work, _ = counted(lambda: layer(tokens))
    found = encoder_work(tower(), ["block.05"], 224, 4)
    assert found.work.flops == pytest.approx(BLOCKS * work.flops, rel=0.05)
    assert found.counted
    half = encoder_work(tower(), ["block.02"], 224, 4)
    assert half.work.flops == pytest.approx(found.work.flops / 2)
    assert half.params == pytest.approx(found.params / 2)


def test_a_language_model_behind_the_tower_costs_only_where_it_is_read() -> None:
    plain = tower()
    llm = tuple(TapSpec(f"llm.{number:02d}", 128, 28) for number in range(5))
    both = replace(plain, taps=(*plain.taps, *llm), params=plain.params + 4 * 10**6)
    at_the_tower, at_the_end = (encoder_work(both, [tap], 224, 4) for tap in ("block.05", "llm.04"))
    assert at_the_tower.params < 1.1 * plain.params
    assert at_the_end.params == pytest.approx(both.params)
    assert at_the_end.work.flops - at_the_tower.work.flops == pytest.approx(2 * 64 * 4 * 10**6, rel=0.1)


def test_a_linear_adapter_is_two_operations_a_weight_and_cell(builtins) -> None:
    candidate = resolve(parse_candidate("pixels@patch/identity/single/linear"), builtins)
    found = module_work(candidate, SHAPES, GridShape(16, 16, 192))
    assert found is not None
    assert found.work.flops == 2 * 256 * 588 * 192
    assert (found.width, found.cells) == (588, 256)
    none = module_work(candidate, SHAPES, None)
    assert none is not None
    assert none.work.flops == 0


def test_a_plan_follows_pictures_steps_and_the_cards_figures(builtins) -> None:
    planned = cells(builtins, "pixels@patch/identity/single/conv")
    options = RunOptions(datasets=(DatasetChoice("shapes"),), device="cuda")
    card = card_of("a100-80gb")
    small = plan_for(card, planned, options, 10)
    fit = {phase.name: phase for phase in small.phases}["fit"]
    assert fit.work.flops > 0
    assert small.gpu_hours > 0
    assert small.disk_bytes == 10
    steps = replace(options, scale="small")
    assert plan_for(card, planned, steps, 10).gpu_hours > 4 * small.gpu_hours
    twice = replace(card, float32_tflops=2 * card.float32_tflops, bandwidth_gb_s=2 * card.bandwidth_gb_s)
    assert plan_for(twice, planned, options, 10).seconds <= small.seconds
    tight = replace(card, memory_gb=1e-6)
    assert small.fits
    assert not plan_for(tight, planned, options, 10).fits


def test_candidates_that_share_a_fit_pay_for_it_once(builtins) -> None:
    options = RunOptions(datasets=(DatasetChoice("shapes"),), device="cuda")
    planned = cells(builtins, "pixels@patch/identity/single/conv")
    again = [*planned, *cells(builtins, "pixels@patch/identity/single/conv", suite="alignment")]
    one, two = (plan_for(card_of("h100"), each, options, 0) for each in (planned, again))
    assert one.phases[1].work == two.phases[1].work
    assert one.phases[2].work.flops < two.phases[2].work.flops


def test_cards_come_by_name_or_from_a_file(tmp_path: Path) -> None:
    assert card_of("h200").memory_gb == 141
    assert not is_card("cuda:1")
    assert is_card("h200")
    file = tmp_path / "mine.toml"
    figures = "bfloat16_tflops = 100\nfloat32_tflops = 10\nbandwidth_gb_s = 500\nmemory_gb = 12\n"
    file.write_text(figures)
    assert card_of(f"mine={file}").bandwidth_gb_s == 500
    file.write_text(f"[mine]\n{figures}")
    assert card_of(f"mine={file}").is_one_of(["Some mine card"])
    file.write_text("bfloat16_tflops = 100\n")
    for asked, said in (
        (f"mine={file}", "lacks float32_tflops"),
        ("a1000", "there are a10, a100-40gb, a100-80gb, h100, h200"),
        (f"mine={tmp_path / 'nowhere'}", "cannot be read"),
    ):
        with pytest.raises(UsageError, match=said) as caught:
            card_of(asked)
        assert "\n" not in str(caught.value)


def test_a_run_on_the_card_corrects_the_next_plan_and_one_elsewhere_is_refused(scored_run: Path, builtins) -> None:
    manifest = json.loads((scored_run / "run.json").read_text())
    card = card_of("a100-80gb")
    with pytest.raises(UsageError, match=r"it ran on .*, not on a100-80gb"):
        measured_factor(card, RunData.load(scored_run), builtins)
    manifest["hardware"]["gpus"] = ["NVIDIA A100-SXM4-80GB"]
    manifest["options"]["device"] = "cuda"
    (scored_run / "run.json").write_text(json.dumps(manifest))
    data = RunData.load(scored_run)
    factor, said = measured_factor(card, data, builtins)
    took = next(one.wall_s for one in data.records if one.cell == data.cells[0]["cell"])
    assert factor > 1
    assert f"took {took:.1f} s" in said
    with pytest.raises(UsageError, match="not on h100"):
        measured_factor(card_of("h100"), data, builtins)


def test_the_verb_prints_phases_and_says_what_was_never_measured(tmp_path: Path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    budgets = tmp_path / "benchmarks" / "budgets"
    budgets.mkdir(parents=True)
    text = 'document = "d"\n[[phase]]\nname = "total"\ngpu_hours = [1, 2]\nline = 3\nstorage_gb = 1\n'
    (budgets / "x.toml").write_text(text)
    choice = ["--candidate", "pixels@patch/identity/single/conv", "--dataset", "shapes", "--suite", "reconstruction"]
    assert main(["plan", *choice, "--device", "h100", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)["card"]
    assert [phase["name"] for phase in found["phases"]] == ["extract", "fit", "score"]
    assert found["gpu_hours"] == pytest.approx(sum(phase["gpu_hours"] for phase in found["phases"]))
    assert "rules of thumb" in found["never_measured"][0]
    assert [(one["proposal"], one["budget_gpu_hours"]) for one in found["budgets"]] == [("x", "1 to 2")]
    assert main(["plan", *choice, "--device", "h100"]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "GPU hours" in said
    assert "never measured: work of the processor" in said
    for words, line in ((["--device", "h1000"], "no such card"), (["--calibrate", "latest"], "name the card too")):
        assert main(["plan", *choice, *words]) == 2
        assert line in capsys.readouterr().err
    (budgets / "x.toml").write_text('document = "d"\n[[phase]]\nname = "total"\n')
    with pytest.raises(UsageError, match=r"budget .*KeyError"):
        read_budgets([budgets])
