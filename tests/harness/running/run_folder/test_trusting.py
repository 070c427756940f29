"""``--trust-weights``: a team's own weights pass gates because a person says so, and the record says whose."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from foresight_harness.contracts.errors import UsageError
from foresight_harness.planning.options.options import RunOptions, WeightsSource, options_from_json
from foresight_harness.planning.plan import check_sources
from foresight_harness.planning.registry import Registry
from foresight_harness.running.keeper import RunKeeper
from foresight_harness.running.run_folder.recording import failure_record
from safetensors.torch import save_file

OWN = "own_base@patch/identity/single/linear"


@pytest.fixture
def own(builtins: Registry, tmp_path: Path) -> tuple[Registry, dict[str, Any]]:
    """An encoder whose weights came from a folder that nobody knows, and the options that name it."""
    folder = tmp_path / "own"
    folder.mkdir()
    save_file({"weight": torch.arange(4.0)}, folder / "model.safetensors")
    (folder / "config.json").write_text("{}")
    offer = {"name": "own_base", "role": "candidate", "params": 4, "repo": "someone/own"}
    spec = replace(builtins.encoders["pixels"], weights=("random", "pretrained"), **offer)  # type: ignore[arg-type]
    registry = replace(
        builtins,
        encoders={**builtins.encoders, "own_base": spec},
        owners={**builtins.owners, ("encoder", "own_base"): builtins.owner("encoder", "pixels")},
    )
    return registry, {"weights_sources": (WeightsSource("own_base", str(folder)),)}


@pytest.mark.parametrize("trusted", [(), ("own_base",)])
def test_only_vouched_for_weights_of_unknown_origin_are_gateable(
    trusted: tuple[str, ...], own: Any, make_keeper: Any, planned: Any, few_pictures: None
) -> None:
    registry, options = own
    keeper: RunKeeper = make_keeper(registry, trusted_weights=trusted, admission="off", **options)
    keeper.plan([planned(registry, OWN, "spatial")])
    keeper.run_cell(keeper.planned[0])
    lines = map(json.loads, (keeper.folder.path / "records.jsonl").read_text().splitlines())
    found = [line for line in lines if line["candidate"] == OWN and line["metric"] == "iou"]
    assert {line["gateable"] for line in found} == {bool(trusted)}
    (entry,) = found[0]["provenance"]
    assert (entry["kind"], entry.get("trusted")) == ("pretrained", True if trusted else None)
    assert [file["name"] for file in entry["files"]] == ["config.json", "model.safetensors"]


def test_trust_makes_nothing_of_random_weights(own: Any, make_keeper: Any, make_cell: Any) -> None:
    registry, _ = own
    keeper = make_keeper(registry, weights="random", trusted_weights=("own_base",))
    (model,) = failure_record(make_cell(keeper, OWN, "spatial"), "failed", "", "", 0.0).provenance
    assert (model.kind, model.trusted) == ("random", False)


def test_trust_in_what_no_candidate_has_is_refused(own: Any, planned: Any) -> None:
    registry, _ = own
    candidate = planned(registry, OWN, "spatial").candidate
    check_sources([candidate], RunOptions(trusted_weights=("own_base",)))
    with pytest.raises(
        UsageError, match=r"--trust-weights own_bas: no candidate of this run has it; did you mean own_base"
    ):
        check_sources([candidate], RunOptions(trusted_weights=("own_bas",)))


def test_trust_stands_in_the_options_of_a_run() -> None:
    options = RunOptions(trusted_weights=("own_base",))
    assert options.as_json()["trusted_weights"] == ["own_base"]
    assert options_from_json(options.as_json()) == options
