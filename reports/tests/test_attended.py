"""Attention by stream, as small maps."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import foresight_reports
import pytest
from foresight_reports.attended import shares_figure
from foresight_reports.boards import build_boards
from foresight_reports.details import candidates
from foresight_reports.reading import read_run

KEPT = {
    "streams": ["a@x", "b@y"],
    "even": [0.8, 0.2],
    "mean": [0.625, 0.375],
    "pictures": [{"sample": "s1", "shares": [[[1.0, 0.25]], [[0.0, 0.75]]]}],
}


def test_a_map_has_a_cell_a_query_and_is_the_darker_the_more_is_read() -> None:
    figure = shares_figure("attention", KEPT)
    assert figure is not None
    assert figure.said == "a@x 0.625 (evenly 0.800); b@y 0.375 (evenly 0.200)"
    ((sample, (first, second)),) = figure.lines
    assert sample == "s1"
    assert (first.rows, first.cols) == (1, 2)
    assert list(first.shades) == [(0.2, "M1 0h1v1h-1z"), (1.0, "M0 0h1v1h-1z")]
    assert list(second.shades) == [(0.8, "M1 0h1v1h-1z")]
    assert second.sentence == "b@y 0.375 on average, from 0.000 to 0.750 by query"


@pytest.mark.parametrize(
    "broken",
    [
        None,
        [],
        KEPT | {"streams": ["a@x"]},
        KEPT | {"mean": ["x", 1.0]},
        KEPT | {"pictures": [{"sample": "s", "shares": [[[1.0, 0.5]], [[0.0]], []]}]},
        KEPT | {"pictures": [{"sample": "s", "shares": [[[1.0], [0.5, 0.5]], [[0.0]]]}]},
        KEPT | {"pictures": "many"},
    ],
)
def test_what_no_run_writes_is_no_figure(broken: object) -> None:
    assert shares_figure("attention", broken) is None


def test_the_page_draws_the_maps_and_does_not_write_them_out(make: Callable[..., Path]) -> None:
    run = make(suites=("spatial",))
    lines = [json.loads(line) for line in (run / "records.jsonl").read_text().splitlines()]
    kept = KEPT | {"streams": ["a@<x>", "b@y"]}
    lines[0]["details"] = {"stream_shares": kept}
    (run / "records.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    read = read_run(run)
    found = [each for each in candidates([read], build_boards([read])) if each.shares]
    assert [figure.name for each in found for figure in each.shares] == ["attention by stream: spatial on shapes"]
    assert not any("stream_shares" in name for name, _ in found[0].facts)
    page = foresight_reports.render([run]).html
    assert "attention by stream: spatial on shapes" in page
    assert "M1 0h1v1h-1z" in page
    assert "a@<x>" not in page
