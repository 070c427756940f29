"""Layers, proxies, attribution, token maps, matrices and plain tables: what their views make of rows."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from foresight_reports import render
from foresight_reports.analysis import grid, layers, similarity, strips, tokens
from foresight_reports.analysis.files import Analysis, Head, Measured
from foresight_reports.analysis.links import Index
from foresight_reports.analysis.sections import conclude
from foresight_reports.boards import build_boards
from foresight_reports.reading import Run, read_run


def analysis(rows: list[dict[str, Any]], **extra: Any) -> Analysis:
    return Analysis("kind", "Title", "", [], {}, [Head("a", "a")], rows, extra)


def run_of(make: Callable[..., Path]) -> Run:
    return read_run(make(analyses=True))


def test_best_taps_are_reported_with_the_half_that_chose_them(make: Callable[..., Path]) -> None:
    (depth,) = layers.depths(run_of(make).analyses["layers"])
    assert depth.sentence.startswith(
        "Best taps, each chosen on one half of the samples and scored on the other: dinov2_tiny at"
    )
    drawn = layers.chart(depth, Index(run_of(make)))
    assert sum(point[7] for point in drawn["points"]) == 2
    depths_of_first = [point[1] for point in drawn["points"] if point[0] == 0]
    assert depths_of_first == sorted(depths_of_first)


def test_an_encoder_with_one_tap_is_no_line() -> None:
    rows = [{"encoder": "a", "tap": "last", "depth": 1.0, "metric": "iou", "measured": Measured(0.3)}]
    assert layers.depths(analysis(rows)) == []


def test_objectives_stand_with_the_profile_of_their_own_metric() -> None:
    row = {"encoder": "a", "metric": "iou", "dataset": "shapes"}
    rows: list[dict[str, Any]] = [
        {**row, "tap": name, "depth": depth, "measured": Measured(0.3)}
        for name, depth in (("early", 0.0), ("deep", 1.0))
    ]
    difference = {"value": 0.2, "low": 0.1, "high": 0.3, "n": 9, "method": "m"}
    pair = {"tap": "deep", "objective": "say where", "over": "say what", "dataset": "shapes", "difference": difference}
    asked = [{**pair, "metric": "iou", "separated": True}, {**pair, "metric": "other", "separated": False}]
    (depth,) = layers.depths(analysis(rows, objectives=asked))
    assert [(each.tap, each.objective, each.over, each.verdict) for each in depth.asked] == [
        ("deep", "say where", "say what", "better")
    ]
    assert (depth.asked[0].measured.value, depth.asked[0].measured.high) == (0.2, 0.3)


def test_what_training_asked_for_reaches_the_page_only_escaped(make: Callable[..., Path]) -> None:
    folder = make(analyses=True, weights="pretrained")
    path = folder / "analysis" / "layers.json"
    content = json.loads(path.read_text())
    first = content["rows"][0]
    pair = {key: first[key] for key in ("tap", "suite", "dataset", "metric")}
    difference = {"value": 0.2, "low": 0.1, "high": 0.3, "n": 9, "method": "m"}
    content["objectives"] = [
        {**pair, "objective": "say <b>where</b>", "over": "say what", "difference": difference, "separated": True}
    ]
    path.write_text(json.dumps(content))
    page = render([folder]).html
    assert "What training asked for" in page
    assert "<b>where" not in page
    assert "say &lt;b&gt;where" in page


def test_proxies_are_ordered_by_strength_and_name_what_may_be_gated_on(make: Callable[..., Path]) -> None:
    (strip,) = strips.proxies(run_of(make).analyses["proxies"])
    assert strip.sentence == "1 of 5 cheap metrics may stand in for LPIPS (random trunk): IoU."
    assert [name for name, _ in strip.chart["rows"]][:2] == ["IoU", "Mutual k-NN"]
    assert len(strip.chart["points"]) == 10


def test_an_effect_within_its_interval_of_zero_is_not_counted_as_one() -> None:
    row = {"metric": "iou", "axis": "encoder", "level": "a"}
    rows = [{**row, "effect": Measured(0.1, 0.05, 0.15)}, {**row, "level": "b", "effect": Measured(0.1, -0.05, 0.15)}]
    (strip,) = strips.attribution(analysis(rows, shares=[{"metric": "iou", "axis": "encoder", "share": 0.6}]))
    assert strip.sentence.startswith("1 of 2 effects on IoU have an interval without 0.")
    assert "encoder 60%" in strip.sentence
    assert strip.chart["tones"] == ["", "mute"]


def test_a_token_map_is_thinned_evenly_and_says_so(make: Callable[..., Path]) -> None:
    points = [[float(i), 0.0, "a", i, 0, None] for i in range(1500)]
    found, total = tokens.token_maps(
        analysis([], maps=[{"candidate": "c", "method": "tsne", "points": points}]), Index(run_of(make))
    )
    assert total == 1
    assert len(found[0].points) == 500
    assert found[0].points[-1][0] == tokens.SIZE
    assert "500 of 1,500 tokens are drawn." in found[0].sentence
    assert "distances between clusters carry no meaning" in found[0].sentence


def test_points_that_are_no_numbers_are_left_out(make: Callable[..., Path]) -> None:
    points = [[0, 1], [None, 1], "x", [float("nan"), 2], [1, 2, "a", "b", None, 3]]
    found, _ = tokens.token_maps(analysis([], maps=[{"candidate": "c", "points": points}]), Index(run_of(make)))
    assert found[0].total == 2
    assert found[0].points[1][2:] == [0, None, None, 3]


def test_a_pair_within_its_null_is_never_called_alike() -> None:
    row = {"dataset": "d", "estimator": "cka"}
    rows = [
        {**row, "a": "x", "b": "y", "measured": Measured(0.3, 0.05, 0.5), "null_p95": 0.1},
        {**row, "a": "x", "b": "z", "measured": Measured(0.3, 0.2, 0.5), "null_p95": 0.1},
    ]
    (matrix,) = similarity.matrices(analysis(rows))
    assert [pair.clear for pair in matrix.cells[0] if pair] == [False, True]
    assert matrix.sentence.startswith("1 of 2 pairs stand clear")


def test_a_square_matrix_is_filled_on_both_sides(make: Callable[..., Path]) -> None:
    (matrix,) = similarity.matrices(run_of(make).analyses["similarity"])
    assert matrix.rows == matrix.columns
    assert matrix.cells[0][1] is matrix.cells[1][0]


def test_an_unknown_kind_is_a_plain_table_with_its_finding(make: Callable[..., Path]) -> None:
    html = render([make(analyses=True)]).html
    section = html[html.index('<section id="analysis-convergence"') :].split("</section>")[0]
    assert "Two thirds of the fits reached a plateau." in section
    assert section.count("<tr>") > 5
    assert 'data-sort="text"' in section


def test_a_number_of_a_conclusion_leads_to_the_one_record_that_has_it(make: Callable[..., Path]) -> None:
    run = run_of(make)
    record = next(r for r in run.records if r.metric == "iou")
    index = Index(run)
    line = {
        "candidate": record.candidate,
        "suite": "spatial",
        "dataset": "shapes",
        "metric": "iou",
        "head": record.value,
    }
    assert index.anchor(line, "head") == record.anchor
    assert index.record({**line, "metric": "map50"}, record.value) == ""
    assert index.anchor({**line, "metric": "other"}, "head") == index.candidate(record.candidate)
    stream = record.axes.streams[0]
    assert index.record({"stream": stream, "dataset": "shapes", "metric": "iou"}, record.value) == record.anchor


def test_long_tables_keep_their_first_rows_and_pack_the_others(make: Callable[..., Path]) -> None:
    rows: list[dict[str, Any]] = [{"a": f"name {i}", "n": float(i)} for i in range(grid.SHOWN + 7)]
    built = grid.build(Analysis("x", "", "", [], {}, [Head("a", "a"), Head("n", "n")], rows), Index(run_of(make)))
    assert (len(built.shown), len(built.rest), built.total) == (grid.SHOWN, 7, grid.SHOWN + 7)
    assert "name 3" in built.shown[3]


def test_each_pair_of_a_square_counts_once(make: Callable[..., Path]) -> None:
    conclusion = run_of(make).analyses["similarity"]
    (matrix,) = similarity.matrices(conclusion)
    pairs = len({frozenset((line["a"], line["b"])) for line in conclusion.rows if line["a"] != line["b"]})
    assert f" of {pairs} pairs stand clear" in matrix.sentence


def test_profiles_mark_random_weights_and_say_which_side_is_better(make: Callable[..., Path]) -> None:
    run = run_of(make)
    index = Index(run)
    record = next(r for r in run.records if r.metric == "centre_error" and r.role == "candidate")
    (stream,) = record.axes.streams
    encoder, _, tap = stream.partition("@")
    row = {"encoder": encoder, "suite": record.suite, "dataset": record.dataset, "probe": record.probe}
    lines = [
        {**row, "metric": metric, "tap": name, "depth": depth, "measured": Measured(value)}
        for metric in ("centre_error", "iou")
        for name, depth, value in (("other", 0.0, 0.5), (tap, 1.0, record.value))
    ]
    first, second = layers.depths(analysis(lines), index)
    assert (first.metric, second.metric) == ("iou", "centre_error")
    assert second.direction == "lower"
    assert second.sentence.startswith("Best taps, chosen and scored on the same samples")
    assert f"{encoder} at {tap if record.value < 0.5 else 'other'} (" in second.sentence
    drawn = layers.chart(second, index)
    assert drawn["y"]["direction"] == "lower"
    assert [point[8] for point in drawn["points"]] == ["", "random"]


def test_effects_of_rounding_are_not_drawn() -> None:
    row = {"metric": "iou", "axis": "encoder"}
    rows = [
        {**row, "level": name, "effect": Measured(value, -2e-17, 2e-17)} for name, value in (("a", 0.0), ("b", 1e-17))
    ]
    assert strips.attribution(analysis(rows)) == []


def test_numbers_over_many_candidates_lead_to_the_table_they_come_from(make: Callable[..., Path]) -> None:
    run = run_of(make)
    boards = build_boards([run])
    index = Index(run, boards)
    board = next(each for each in boards if each.group.suite == "spatial")
    effect = {"metric": "iou", "suite": "spatial", "dataset": "shapes", "axis": "encoder", "effect": Measured(0.1)}
    (row,) = grid.build(Analysis("attribution", "", "", [], {}, [Head("effect", "effect")], [effect]), index).shown
    assert f'<a href="#{board.anchor}">0.100</a>' in row
    assert index.board({**effect, "dataset": "elsewhere"}) == ""
    outcome = {"proxy": "iou", "probe": "dense_ridge", "suite": "spatial", "outcome": "psnr", "dataset": "shapes"}
    assert index.board(outcome) == next(each.anchor for each in boards if each.group.suite == "reconstruction")


def test_a_representation_leads_to_a_candidate_that_has_it_alone(make: Callable[..., Path]) -> None:
    run = run_of(make)
    index = Index(run)
    name = next(str(stream) for record in run.records for stream in record.axes.streams)
    assert index.stream(name).startswith("c-")
    assert index.stream("latents of nothing") == ""


def test_regressions_stand_before_what_is_as_it_was(make: Callable[..., Path]) -> None:
    run = run_of(make)
    rows = [line["verdict"] for line in run.analyses["regressions"].rows]
    assert rows != sorted(rows, key=lambda word: word != "regressed")
    shown = conclude(run).grids["regressions"]
    words = [word for row in (*shown.shown, *shown.rest) for word in set(rows) if f">{word}</span>" in row]
    assert len(words) == len(rows)
    assert words[: rows.count("regressed")] == ["regressed"] * rows.count("regressed")
