"""The harness's first result, on few pictures: a blind probe scores the floor on a perfect mask, ours does not."""

from __future__ import annotations

import json

import pytest
from foresight_harness.judging.analyses import conclude, read_analysis
from foresight_harness.judging.analyses.audit import analyse
from foresight_harness.measuring.suites import audit
from foresight_harness.planning.options import SCALES, DatasetChoice
from foresight_harness.running.run_folder.run_data import RunData

PROBES = ("dense_ridge", "pooled_mlp", "flattened_ridge")
STREAMS = ("oracle@mask", "pixels@patch", "shuffled@patch", "window_order@patch")


@pytest.fixture(scope="module")
def run(tmp_path_factory, builtins):
    """The audit of the controls by two probes at the smoke scale; the detection heads have tests of their own."""
    from foresight_harness.contracts.progress import silent
    from foresight_harness.planning.candidates import parse_candidate, resolve
    from foresight_harness.planning.options import RunOptions
    from foresight_harness.planning.plan import PlannedCell
    from foresight_harness.running.keeper import RunKeeper

    folder = tmp_path_factory.mktemp("audit")
    choice = DatasetChoice("one_shape")
    options = RunOptions(datasets=(choice,), out=folder / "runs", cache=folder / "cache")
    keeper = RunKeeper(builtins, options, silent(), "pytest benchmarks/ --matrix audit")
    candidates = [resolve(parse_candidate(f"{stream}/identity/single/linear"), builtins) for stream in STREAMS]
    keeper.plan([PlannedCell(candidate, builtins.suite("audit"), choice) for candidate in candidates])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(audit, "probes_of", lambda offers, scale: [spec for spec in offers if spec.name in PROBES])
        for cell in keeper.planned:
            keeper.run_cell(cell)
    keeper.close("complete")
    return keeper.folder.path


def rows_of(run) -> dict[tuple[str, str], dict]:
    found = read_analysis(run, "audit")
    return {(row["probe"], row["stream"]): row for row in found["rows"]}


@pytest.fixture(scope="module")
def concluded(run):
    done = conclude(run)
    assert done.failures == {}
    return run


@pytest.mark.slow
def test_pooled_mlp_is_within_0_05_of_the_floor_for_a_perfect_mask_and_for_pixels(concluded) -> None:
    for stream in ("oracle@mask", "pixels@patch"):
        above = rows_of(concluded)["pooled_mlp", stream]["above_floor"]
        assert above["value"] < 0.05
        assert above["low"] < above["value"] < above["high"]
        assert not rows_of(concluded)["pooled_mlp", stream]["sees_position"]


def test_a_flattened_linear_probe_is_weak_and_not_blind(concluded) -> None:
    rows = rows_of(concluded)
    mask = rows["flattened_ridge", "oracle@mask"]
    assert mask["sees_position"]
    assert mask["score"]["value"] < 0.5 < rows["dense_ridge", "oracle@mask"]["score"]["value"]
    assert not rows["flattened_ridge", "shuffled@patch"]["sees_position"]


def test_dense_ridge_sets_a_perfect_mask_far_apart_from_pixels(concluded) -> None:
    rows = rows_of(concluded)
    assert rows["dense_ridge", "oracle@mask"]["score"]["low"] > 0.8
    assert rows["dense_ridge", "pixels@patch"]["score"]["high"] < 0.5
    assert rows["dense_ridge", "pixels@patch"]["sees_position"]
    assert not rows["dense_ridge", "shuffled@patch"]["sees_position"]


def test_a_scrambled_grid_loses_place_and_picture_and_only_a_seeing_probe_notices(concluded) -> None:
    rows = rows_of(concluded)
    assert not rows["dense_ridge", "window_order@patch"]["sees_position"]
    blind = (
        rows["pooled_mlp", "window_order@patch"]["score"]["value"]
        - rows["pooled_mlp", "pixels@patch"]["score"]["value"]
    )
    assert abs(blind) < 0.05
    said = {(row["stream"], row["metric"]): row for row in read_analysis(concluded, "audit")["reconstruction"]}
    assert said["pixels@patch", "r2"]["score"]["value"] > 0.99
    assert said["window_order@patch", "r2"]["score"]["value"] < 0.2
    lpips = next(metric for _, metric in said if metric.startswith("lpips"))
    assert said["window_order@patch", lpips]["score"]["value"] > said["pixels@patch", lpips]["score"]["value"] + 0.05


def test_the_finding_names_the_blind_probe_and_every_number_has_an_interval(concluded) -> None:
    found = read_analysis(concluded, "audit")
    assert {entry["name"]: entry["tells_oracle_from_shuffled"] for entry in found["probes"]} == {
        "dense_ridge": True,
        "pooled_mlp": False,
        "flattened_ridge": True,
    }
    assert "dense_ridge (0.8" in found["finding"]
    assert "pooled_mlp (0.0" in found["finding"]
    assert "says nothing about the encoder" in found["finding"]
    measured = [entry for row in found["rows"] for entry in row.values() if isinstance(entry, dict)]
    assert len(measured) == 3 * len(PROBES) * len(STREAMS)
    assert all(entry["low"] is not None and entry["low"] <= entry["high"] for entry in measured)


def test_each_probe_has_a_protocol_of_its_own_and_nothing_is_gated(run) -> None:
    records = RunData.load(run).all_records
    digests = {(line.probe, line.protocol) for line in records}
    assert len(digests) == len({probe for probe, _ in digests}) == len({digest for _, digest in digests}) == 5
    assert not any(line.gateable for line in records)


def test_a_run_without_the_audit_has_no_conclusion(scored_run_without_audit) -> None:
    assert analyse(RunData.load(scored_run_without_audit)) is None


@pytest.fixture
def scored_run_without_audit(tmp_path):
    (tmp_path / "run.json").write_text(json.dumps({"schema": 1, "run": "x", "protocols": {}}))
    (tmp_path / "records.jsonl").write_text("")
    return tmp_path


@pytest.mark.parametrize(("scale", "expected"), [("smoke", 200), ("small", 400)])
def test_detection_heads_are_trained_alike_and_longer_beyond_smoke(scale: str, expected: int, builtins) -> None:
    sizes = SCALES[scale]
    read_by = {spec.name: audit.probe_of(spec, sizes) for spec in audit.probes_of(builtins.probes.values(), sizes)}
    both = [read_by[name].choices() for name in ("detr", "detr_no_position")]
    assert [choices["fit_steps"] for choices in both] == [expected] * 2
    assert ("soft_argmax" in read_by) is (scale == "small")
    assert {"dense_ridge", "detr", "pooled_mlp", "flattened_ridge", "detr_no_position"} <= set(read_by)
    assert "linear_pixels" not in read_by


def test_undecided_gaps_are_said_to_need_more_pictures() -> None:
    from foresight_harness.judging.analyses.audit import Gap, _finding
    from foresight_harness.judging.analyses.envelope import Measured

    gap = Measured(0.06, 0.01, 0.11, 10, "bootstrap-percentile-95")
    (sentence,) = _finding([Gap("knn", "one_shape", 0.12, 0.06, gap, None)])
    assert sentence == "On one_shape, more pictures are needed to say so of knn (0.12 against 0.06)."


@pytest.mark.parametrize(
    ("above", "said"),
    [
        (None, ""),
        (("vit_small@last", 0.134), " pooled_mlp scores 0.13 on vit_small@last, more than on a perfect mask"),
    ],
)
def test_a_blind_probe_that_scores_more_on_an_encoder_than_on_a_mask_is_not_said_to_score_alike(above, said) -> None:
    from foresight_harness.judging.analyses.audit import Gap, _finding
    from foresight_harness.judging.analyses.envelope import Measured

    gap = Measured(0.01, -0.01, 0.03, 90, "bootstrap-percentile-95")
    found = " ".join(_finding([Gap("pooled_mlp", "one_shape", 0.064, 0.052, gap, False, True, above)]))
    assert found.startswith(
        "On one_shape, pooled_mlp (0.06 against 0.05) does not, so a low IoU or AP of such a probe says nothing"
    )
    assert said in found
    assert ("more than on a perfect mask" in found) is (above is not None)
    assert "it scores on a perfect mask too" not in found
