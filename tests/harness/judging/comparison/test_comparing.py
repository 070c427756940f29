from __future__ import annotations

import json

import numpy as np
import pytest
from foresight_harness.judging.comparison.acknowledging import Acknowledgement, parse_acknowledgement
from foresight_harness.judging.comparison.comparing import compare, impossible, regressed, warned
from foresight_harness.judging.comparison.sentinels import Sentinels
from foresight_harness.judging.comparison.table import as_analysis, finding
from foresight_harness.parts.statistics.evidence import mean_evidence
from foresight_harness.parts.statistics.families import compare_family
from foresight_harness.running.run_folder.run_data import RunData


def verdicts(found) -> dict[str, str]:
    return {one.key[0].partition("@")[0]: one.verdict for one in found}


def compared(run_with, sentinels, base: dict, head: dict, **rest):
    first, second = RunData.load(run_with("base", **base)), RunData.load(run_with("head", **head))
    return compare(first, second, sentinels, **rest)


def test_a_drop_of_a_sentinel_is_a_regression_and_of_another_number_a_warning(run_with, sentinels) -> None:
    found = compared(run_with, sentinels, {}, {"moved": {0: -0.03, 2: -0.03}, "noise": 0.05})
    assert verdicts(found)["encoder_0"] == "regressed"
    assert verdicts(found)["encoder_2"] == "regressed"
    assert [one.key[0][:9] for one in regressed(found)] == ["encoder_0"]
    assert [one.key[0][:9] for one in warned(found)] == ["encoder_2"]
    assert "1 of 2 sentinels regressed against main, first iou of encoder_0" in finding(found, "main")


def test_a_gain_is_an_improvement_and_no_regression(run_with, sentinels) -> None:
    found = compared(run_with, sentinels, {}, {"moved": {0: 0.03}, "noise": 0.01})
    assert verdicts(found)["encoder_0"] == "improved"
    assert regressed(found) == []


def test_lower_is_better_turns_the_sides_round(run_with, sentinels) -> None:
    found = compared(
        run_with, sentinels, {"direction": "lower"}, {"direction": "lower", "moved": {0: 0.05, 1: -0.05}, "noise": 0.01}
    )
    assert (verdicts(found)["encoder_0"], verdicts(found)["encoder_1"]) == ("regressed", "improved")


def test_equal_values_are_identical_not_tested(run_with, sentinels) -> None:
    found = compared(run_with, sentinels, {}, {})
    assert set(verdicts(found).values()) == {"identical"}
    assert all(one.p_adjusted is None for one in found)


def test_noise_alone_is_within_noise(run_with, sentinels) -> None:
    found = compared(run_with, sentinels, {"noise": 0.02, "seed": 1}, {"noise": 0.02, "seed": 2})
    assert set(verdicts(found).values()) == {"within noise"}


def test_unchanged_code_with_new_noise_hardly_ever_raises_an_alarm(run_with, sentinels) -> None:
    """Forty reruns; the level over the family of sentinels is 5 %, so more than six would be a fault."""
    base = RunData.load(run_with("base", noise=0.03, seed=999))
    alarms = 0
    for seed in range(40):
        head = RunData.load(run_with(f"head{seed}", noise=0.03, seed=seed))
        alarms += bool(regressed(compare(base, head, sentinels)))
    assert alarms <= 6


def test_a_difference_below_the_tolerance_is_noise_however_significant(run_with) -> None:
    tolerant = Sentinels(patterns=({"metric": "iou"},), tolerances={"iou": 0.02})
    found = compared(run_with, tolerant, {}, {"moved": {0: -0.01, 1: -0.03}, "noise": 0.001})
    assert (verdicts(found)["encoder_0"], verdicts(found)["encoder_1"]) == ("within noise", "regressed")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"fingerprint": "0" * 12}, "other data: fingerprint ffffffff and 00000000"),
        ({"dtype": "bfloat16"}, "other dtype: float32 and bfloat16"),
        ({"device": "cuda"}, "other device: cpu and cuda"),
        (
            {"provenance": [{"part": "encoder", "name": "x", "kind": "pretrained", "sha256": "ab" * 8}]},
            "other weights: encoder x is absent and pretrained abababab",
        ),
        ({"controls_ok": False}, "a control of the suite left its known range"),
    ],
)
def test_what_means_something_else_is_not_compared_and_says_why(run_with, sentinels, change, reason) -> None:
    found = compared(run_with, sentinels, {}, {"moved": {0: -0.3}, **change})
    assert set(verdicts(found).values()) == {"not compared"}
    assert {one.reason for one in found} == {reason}
    assert len(impossible(found)) == 2


def test_another_protocol_names_the_choice(write_run, record, sentinels) -> None:
    sides = []
    for name, probe in (("base", "dense_ridge"), ("head", "detr")):
        line = record(candidate="encoder_0@last/identity/single/linear", fingerprint="f", dtype="float32", device="cpu")
        line |= {"protocol": f"p_{probe}", "status": "ok"}
        protocols = {f"p_{probe}": {"probe_name": probe, "scale": "smoke"}}
        sides.append(RunData.load(write_run([line], run=name, protocols=protocols)))
    (one,) = compare(*sides, sentinels)
    assert one.reason == "other protocol: probe_name is 'dense_ridge' and 'detr'"


def test_cells_of_one_run_only_are_listed(run_with, sentinels) -> None:
    found = compared(run_with, sentinels, {"only": range(3)}, {"only": range(1, 4)})
    reasons = {one.key[0][:9]: one.reason for one in found}
    assert reasons["encoder_0"] == "this run has no such cell"
    assert reasons["encoder_3"] == "the baseline has no such cell"
    assert [one.key[0][:9] for one in impossible(found)] == ["encoder_0"]


def test_a_sentinel_that_crashes_now_has_regressed(run_with, sentinels, tmp_path) -> None:
    base, head = run_with("base"), run_with("head", only=range(1, 4))
    line = json.loads((base / "records.jsonl").read_text().splitlines()[0])
    line |= {"metric": None, "value": None, "status": "failed", "error": "no memory", "run": "head"}
    with (head / "records.jsonl").open("a") as stream:
        stream.write(json.dumps(line) + "\n")
    found = compare(RunData.load(base), RunData.load(head), sentinels)
    assert [(one.key[0][:9], one.reason) for one in regressed(found)] == [("encoder_0", "failed: no memory")]


def test_time_is_never_compared_across_runs(run_with, sentinels) -> None:
    found = compared(run_with, sentinels, {"suite": "efficiency"}, {"suite": "efficiency", "moved": {0: -0.3}})
    assert {one.reason for one in found} == {"time is compared only side by side, never between runs"}


def test_an_acknowledged_regression_does_not_count_until_it_expires(run_with, sentinels) -> None:
    moved = {"moved": {0: -0.05}, "noise": 0.01}
    future = parse_acknowledgement("encoder_0@*|iou|known trade|2999-01-01")
    past = parse_acknowledgement("encoder_0@*|iou|known trade|2020-01-01")
    small = parse_acknowledgement("encoder_0@*|iou|known trade|2999-01-01|0.01")
    assert regressed(compared(run_with, sentinels, {}, moved, acknowledged=[future])) == []
    assert len(regressed(compared(run_with, sentinels, {}, moved, acknowledged=[past]))) == 1
    assert len(regressed(compared(run_with, sentinels, {}, moved, acknowledged=[small]))) == 1


def test_acknowledgement_covers_one_metric(run_with) -> None:
    known = Acknowledgement("*", "psnr", "r", "2999-01-01")
    assert not known.covers(("a", "spatial", "shapes", "iou", None), -0.1, "higher")


def test_holm_runs_over_sentinels_alone(run_with) -> None:
    """The same drop is decided alike whether or not many other numbers are compared beside it."""
    one = Sentinels(patterns=({"candidate": "encoder_0@*"},))
    every = Sentinels(patterns=({"metric": "iou"},))
    moved = {"moved": {0: -0.006}, "noise": 0.03, "seed": 5}
    alone = {entry.key[0][:9]: entry.p_adjusted for entry in compared(run_with, one, {}, moved)}
    among = {entry.key[0][:9]: entry.p_adjusted for entry in compared(run_with, every, {}, moved)}
    assert among["encoder_0"] == pytest.approx(min(1.0, 4 * alone["encoder_0"]), rel=1e-6) or (
        among["encoder_0"] > alone["encoder_0"]
    )


def test_analysis_holds_every_row_worst_first_and_is_strict_json(run_with, sentinels) -> None:
    found = compared(run_with, sentinels, {"only": range(3)}, {"moved": {1: -0.1}, "noise": 0.01})
    content = as_analysis(found, {"name": "main", "run": "base", "reason": "first"}).as_json()
    json.dumps(content, allow_nan=False)
    assert content["kind"] == "regressions"
    assert content["baseline"]["name"] == "main"
    assert len(content["rows"]) == 4
    assert content["rows"][0]["candidate"].startswith("encoder_1")
    assert content["rows"][0]["delta"]["value"] == pytest.approx(-0.1, abs=0.01)
    low, high = content["rows"][0]["delta"]["low"], content["rows"][0]["delta"]["high"]
    assert low < content["rows"][0]["delta"]["value"] < high < 0


def test_nothing_to_gate_is_said_and_not_passed_off_as_fine(run_with) -> None:
    found = compared(run_with, Sentinels(patterns=({"metric": "psnr"},)), {}, {})
    assert finding(found, "main") == "No sentinel is in this run or in main: nothing was gated."


def test_undefined_values_are_left_out_of_the_pair(write_run, record, sentinels) -> None:
    sides = []
    for name, values in (("base", [0.5, np.nan, 0.5, 0.5]), ("head", [0.4, 0.4, np.nan, 0.45])):
        line = record(candidate="encoder_0@last/identity/single/linear", fingerprint="f", dtype="float32", device="cpu")
        line |= {"status": "ok"}
        sides.append(RunData.load(write_run([line], {"c0": {"iou": {0: values}}}, run=name)))
    (one,) = compare(*sides, sentinels)
    assert one.paired is not None
    assert (one.paired.n, one.paired.difference) == (2, pytest.approx(-0.075))


def test_another_machine_is_not_compared_unless_the_sentinels_say_so(run_with) -> None:
    patterns = ({"metric": "iou"},)
    sides = []
    for name, cpu in (("base", "A"), ("head", "B")):
        path = run_with(name)
        manifest = json.loads((path / "run.json").read_text())
        hardware = {"cpu": cpu, "fingerprint": cpu}
        (path / "run.json").write_text(json.dumps({**manifest, "hardware": hardware}))
        sides.append(RunData.load(path))
    found = compare(*sides, Sentinels(patterns=patterns))
    assert {one.reason for one in found} == {"other machine: cpu is A and B"}
    assert set(verdicts(compare(*sides, Sentinels(patterns=patterns, any_machine=True))).values()) == {"identical"}


def test_controls_are_no_sentinels(run_with, sentinels) -> None:
    """A floor that rises or an oracle that falls says something of the data, not of the code's quality."""
    found = compared(run_with, sentinels, {"role": "floor"}, {"role": "floor", "moved": {0: -0.3}, "noise": 0.01})
    assert verdicts(found)["encoder_0"] == "regressed"
    assert regressed(found) == []


def seeded(write_run, record, name: str, draw: int, drop: float = 0.0, seeds: int = 3) -> RunData:
    """A trained candidate: what a seed does moves all pictures of its fit together."""
    pictures = np.random.default_rng(1).uniform(0.2, 0.8, 100)
    random = np.random.default_rng(draw)
    fits = {s: (pictures + random.normal(0, 0.03) + random.normal(0, 0.03, 100) - drop).tolist() for s in range(seeds)}
    line = record(candidate="encoder_0@last/identity/single/linear", seeds=list(range(seeds)), fingerprint="f")
    return RunData.load(write_run([{**line, "dtype": "float32", "device": "cpu"}], {"c0": {"iou": fits}}, run=name))


def test_seeds_of_trained_cells_count_as_noise(write_run, record, sentinels) -> None:
    """Sign flips over pictures alone call most of these reruns a regression or an improvement."""
    base, verdict = seeded(write_run, record, "base", 0), []
    for draw in range(1, 31):
        (one,) = compare(base, seeded(write_run, record, f"head{draw}", draw), sentinels)
        verdict.append(one.verdict)
    assert verdict.count("within noise") >= 27
    (one,) = compare(base, seeded(write_run, record, "worse", 1, drop=0.3), sentinels)
    assert one.verdict == "regressed"
    assert one.paired.interval.method == "sign-flips-studentised-95"  # type: ignore[union-attr]


def test_two_runs_are_compared_by_the_statistic_of_a_board(write_run, record, sentinels) -> None:
    """What ``versus`` says of two candidates, ``compare`` says of two runs: equal differences, ends and p."""
    sides = [seeded(write_run, record, name, draw) for name, draw in (("base", 0), ("head", 4))]
    (one,) = compare(*sides, sentinels)
    before, after = (side.values(side.records[0]) for side in sides)
    assert before is not None
    assert after is not None
    evidence = mean_evidence([after.values, before.values], after.groups)
    (other,) = compare_family(evidence, [(0, 1)], draws=12_000)
    assert one.paired is not None
    assert one.paired.interval is not None
    assert (one.paired.difference, one.paired.p_value) == (other.difference, other.p_value)
    assert one.paired.interval[:2] == (other.low, other.high)


def test_the_same_fits_again_are_identical_and_other_seeds_are_not_compared(write_run, record, sentinels) -> None:
    base = seeded(write_run, record, "base", 0)
    (same,) = compare(base, seeded(write_run, record, "same", 0), sentinels)
    (fewer,) = compare(base, seeded(write_run, record, "fewer", 0, seeds=2), sentinels)
    assert same.verdict == "identical"
    assert fewer.reason == "other seeds: [0, 1, 2] and [0, 1]"


def test_a_crash_is_not_acknowledged_and_a_whole_split_metric_is_by_its_amount() -> None:
    key = ("a", "spatial", "shapes", "map50", None)
    known = Acknowledgement("*", "map50", "r", "2999-01-01")
    assert known.covers(key, -0.1, "higher")
    assert not known.covers(key, float("nan"), "higher")
