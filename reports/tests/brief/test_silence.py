"""What cannot say anything is left out, and one line says so."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from foresight_reports import render
from foresight_reports.boards import build_boards
from foresight_reports.brief.silence import silence
from foresight_reports.reading import read_run

Make = Callable[..., Path]


def test_of_random_weights_alone_nothing_about_encoders_is_shown_and_one_line_says_so(make: Make) -> None:
    html = render([make(analyses=True)]).html
    for gone in ("twins", "proxies", "attribution", "layers", "embeddings", "similarity", "categories", "tradeoff"):
        assert f'<section id="{gone}"' not in html
    assert html.count("Left out, because every candidate has random weights") == 1
    # What does not speak about encoders stays.
    for kept in ("audit", "gates", "regressions", "leaderboard"):
        assert f'<section id="{kept}"' in html
    assert 'class="plot"' in html, "the audit is of probes, and is drawn"


def test_with_weights_that_mean_something_all_stand(make: Make) -> None:
    html = render([make(analyses=True, weights="pretrained")]).html
    assert "Left out, because" not in html
    for kept in ("proxies", "attribution", "embeddings", "similarity", "categories", "audit"):
        assert f'<section id="{kept}"' in html


def test_an_analysis_without_rows_is_left_out_by_its_name(make: Make) -> None:
    run = read_run(make(analyses=True, weights="pretrained"))
    found = {**run.analyses, "proxies": replace(run.analyses["proxies"], rows=[])}
    heard = silence(found, build_boards([run]))
    assert "proxies" not in heard.analyses
    assert heard.sentence == "Left out, because there was nothing to compare: cheap proxies."
    assert heard.pictures
