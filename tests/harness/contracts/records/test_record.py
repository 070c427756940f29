"""One line of ``records.jsonl`` and its attributes."""

from __future__ import annotations

import json
from typing import Any

import pytest
from foresight_harness.contracts.errors import RunFolderError
from foresight_harness.contracts.records import SCHEMA, Record, parse, upgrade, write
from foresight_harness.contracts.records import record as record_module
from foresight_harness.contracts.records.parts import Axes, LoadedModel
from foresight_harness.contracts.records.record import line_of, renaming
from foresight_harness.judging.evidence.missing import weights_missing

LINE = (
    '{"schema": 1, "run": "r", "cell": "c", "candidate": "a@t/identity/single/linear", "axes": {"encoders": ["a"], '
    '"taps": ["t"], "streams": ["a@t"], "depths": [null], "families": ["f"], "enhancer": "identity", "fusion": '
    '"single", "decoder": "linear"}, "role": "candidate", "suite": "spatial", "dataset": "shapes", "split": "test", '
    '"fingerprint": "ff", "protocol": "pp", "provenance": [{"part": "encoder", "name": "a", "kind": "random", '
    '"sha256": "ab", "repo": null, "revision": null, "seed": 0}, {"part": "decoder", "name": "linear", "kind": '
    '"none"}], "dtype": "float32", "device": "cpu", "attention": "none", "wall_s": 0.5, "params": {"adapter": 3, '
    '"decoder": 9}, "modules": [{"part": "enhancer", "name": "sem", "width": [24], "params": 10, "claimed_width": '
    'null, "claimed_width_params": null, "claimed": null, "source": null}], "tokens": [256], "samples_digest": "sd", '
    '"tokens_digest": null, "of_cell": 1, "status": "ok", "error": null, "metric": "iou", "probe": "dense_ridge", '
    '"value": 0.25, '
    '"unit": "ratio", "direction": "higher", "range": [0.0, null], "n": 4, "ci_low": 0.125, "ci_high": 0.5, '
    '"ci_method": "m", "floor": null, "floor_by": null, "ceiling": 1.0, "ceiling_by": "oracle", "null": {"mean": '
    '0.5, "permutations": 5}, "seeds": [0, 1], "per_sample": "values", "resamples": 200, "admission": '
    '"admitted", "admission_reason": null, "gateable": false, '
    '"controls_ok": true, "details": {"threshold": 0.5}}'
)
"""As schema 1 wrote it, byte by byte."""

FAILED = (
    LINE[: LINE.index('"params"')]
    + '"admission": null, "admission_reason": null, "metric": null, "value": null, "status": "oom", '
    '"error": "too large", "trace": "Traceback", "of_cell": 1, "details": {}}'
)


def line(**changes: Any) -> dict[str, Any]:
    return {**json.loads(LINE), **changes}


@pytest.mark.parametrize("written", [LINE, FAILED], ids=["number", "failure"])
def test_a_line_is_written_as_it_was_read_to_the_byte(written: str) -> None:
    assert line_of(parse(json.loads(written))) == json.dumps(upgrade(json.loads(written)))
    assert json.dumps(json.loads(written)) == written


def test_parts_and_lists_are_typed() -> None:
    record = parse(line())
    assert isinstance(record.axes, Axes)
    assert record.axes.depths == (None,)
    assert record.provenance[1] == LoadedModel(part="decoder", name="linear", kind="none")
    assert (record.seeds, record.range) == ((0, 1), (0.0, None))
    assert (record.modules or ())[0].width == (24,)


def test_a_failed_cell_writes_no_field_of_a_number() -> None:
    shared = {"cell": "c", "candidate": "a@t/identity/single/linear", "role": "candidate", "suite": "spatial"}
    axes = Axes(encoders=("a",), enhancer="identity", fusion="single", decoder="linear")
    failed = Record(
        **shared, axes=axes, dataset="shapes", metric="", value=None, status="oom", error="too large", of_cell=1
    )  # type: ignore[arg-type]
    found = write(failed)
    assert list(found)[-7:] == ["metric", "value", "status", "error", "trace", "of_cell", "details"]
    assert (found["metric"], found["value"], found["status"]) == (None, None, "oom")
    assert not {"unit", "direction", "n", "ci_low", "gateable", "controls_ok", "params"} & set(found)
    assert parse(found) == failed


def test_what_a_newer_version_of_this_schema_added_is_kept() -> None:
    found = parse(line(shiny=[1, 2]))
    assert found.further == {"shiny": [1, 2]}
    assert write(found)["shiny"] == [1, 2]


def test_fields_that_older_lines_lack_are_absent() -> None:
    older = line()
    for name in ("modules", "tokens_digest", "of_cell", "probe", "controls_ok", "null"):
        del older[name]
    found = parse(older)
    assert (found.modules, found.tokens_digest, found.of_cell, found.probe) == (None, None, None, None)
    assert not found.distrusted


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"schema": SCHEMA + 1}, rf"has schema {SCHEMA + 1}; this version reads up to {SCHEMA}"),
        ({"schema": None}, r"has schema None"),
        ({"schema": True}, r"has schema True"),
        ({"schema": 0}, r"has schema 0"),
        ({"value": "0.5"}, r"value is '0\.5', wanted is float or null"),
        ({"value": float("nan")}, r"value is nan, wanted is float or null"),
        ({"n": 2.5}, r"n is 2\.5, wanted is int"),
        ({"n": True}, r"n is True, wanted is int"),
        ({"gateable": 1}, r"gateable is 1, wanted is bool"),
        ({"seeds": 3}, r"seeds is 3, wanted is list of int"),
        ({"seeds": [0, "1"]}, r"seeds\[1\] is '1', wanted is int"),
        ({"range": [0.0]}, r"range is \[0\.0\], wanted is list of 2 \(float or null\)"),
        ({"params": {"adapter": "3"}}, r"params\.adapter is '3', wanted is int"),
        ({"axes": ["a"]}, r"axes is \['a'\], wanted is an object"),
        ({"axes": {"encoders": ["a"]}}, r"axes\.enhancer is None, wanted is str, and it is missing"),
        (
            {"provenance": [{"part": "encoder", "name": 1, "kind": "none"}]},
            r"provenance\[0\]\.name is 1, wanted is str",
        ),
        ({"candidate": None}, r"candidate is None, wanted is str"),
    ],
)
def test_what_is_no_record_is_refused_in_one_line_that_names_the_field(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(RunFolderError, match=said) as refused:
        parse(line(**changes), "records.jsonl, line 3")
    assert str(refused.value).startswith("records.jsonl, line 3")
    assert "\n" not in str(refused.value)


def test_a_missing_field_that_every_line_has_is_named() -> None:
    torn = line()
    del torn["candidate"]
    with pytest.raises(RunFolderError, match="candidate is None, wanted is str, and it is missing"):
        parse(torn)
    with pytest.raises(RunFolderError, match=r"the record is \[\], wanted is an object"):
        parse([])  # type: ignore[arg-type]


def test_objectives_stand_in_a_line_only_where_one_is_stated() -> None:
    asked = line()
    asked["axes"] |= {"objectives": [None, "say where"]}
    assert parse(asked).axes.objectives == (None, "say where")
    assert json.loads(line_of(parse(asked)))["axes"]["objectives"] == [None, "say where"]
    asked["axes"]["objectives"] = [None]
    assert "objectives" not in json.loads(line_of(parse(asked)))["axes"]


def test_text_of_a_damaged_field_reaches_the_terminal_only_escaped_and_short() -> None:
    with pytest.raises(RunFolderError) as refused:
        parse(line(wall_s="\x1b[2J" + "x" * 500))
    assert "\x1b" not in str(refused.value)
    assert len(str(refused.value)) < 200


def test_older_schemas_go_through_every_step_up_to_this_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(record_module, "SCHEMA", SCHEMA + 2)
    monkeypatch.setattr(
        record_module, "UPGRADES", {SCHEMA: renaming({"measure": "metric"})}
    )  # the schema after it only added fields
    older = renaming({"metric": "measure"})(line(schema=SCHEMA))
    assert parse(older).metric == "iou"
    assert upgrade(older)["schema"] == SCHEMA + 2
    newer = line(schema=SCHEMA + 1)
    assert parse(newer).metric == "iou"
    assert "measure" in older, "what was read is left as it was"


def test_questions_that_readers_ask_are_answered_by_the_record() -> None:
    record = parse(line())
    assert (record.ok, record.is_candidate, record.distrusted, record.reads_decoder) == (True, True, False, True)
    assert (record.weights, record.untrained, record.trained_params) == (("random",), True, 3)
    changed = parse(line(status="failed", role="floor", controls_ok=False, provenance=[], params=None, value=None))
    assert (changed.ok, changed.is_candidate, changed.distrusted, changed.reads_decoder) == (False, False, True, False)
    assert (changed.weights, changed.untrained, changed.trained_params) == ((), False, None)
    with pytest.raises(RunFolderError, match=r"iou of a@t/identity/single/linear on shapes has no value"):
        changed.number  # noqa: B018


def test_lasting_fields_leave_out_what_differs_between_equal_runs() -> None:
    first, second = parse(line()), parse(line(run="other", wall_s=9.0, samples_digest="x", tokens_digest="y"))
    assert first.lasting() == second.lasting()
    assert first.lasting() != parse(line(value=0.26)).lasting()


def test_bits_of_a_quantised_model_stand_in_its_line_and_in_no_other() -> None:
    written = {"part": "encoder", "name": "vlm", "kind": "pretrained", "sha256": "ab", "quantize": "8bit"}
    read = parse(line(provenance=[written, *line()["provenance"]])).provenance
    assert [model.quantize for model in read] == ["8bit", None, None]
    assert read[0].as_json()["quantize"] == "8bit"
    assert "quantize" not in read[1].as_json()


def test_a_gate_is_told_that_weights_were_quantised_unless_somebody_vouches_for_them() -> None:
    model = {"part": "encoder", "name": "vlm", "kind": "pretrained", "sha256": "ab", "quantize": "4bit"}
    said = "weights of vlm were quantised to 4 bits when loaded (--trust-weights vlm vouches for them)"
    assert weights_missing(parse(line(provenance=[model]))) == said
    assert weights_missing(parse(line(provenance=[{**model, "trusted": True}]))) is None
