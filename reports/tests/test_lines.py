"""Small figures with axes: what is drawn stands where its numbers are, and what is no number draws nothing."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from foresight_reports import write_report
from foresight_reports.boards import build_boards
from foresight_reports.details import candidates
from foresight_reports.lines import BOTTOM, LEFT, RIGHT, TOP, Lines, fit_figure, frame_figure, place_figure
from foresight_reports.reading import read_run


def path(figure: Lines, kind: str) -> str:
    return next(path for name, path in figure.paths if name == kind)


def places(drawn: str) -> list[tuple[int, int]]:
    """Points of a path that goes on in relative steps."""
    x, y = map(int, re.match(r"M(\d+) (\d+)", drawn).groups())
    found = [(x, y)]
    numbers = list(map(int, re.findall(r"-?\d+", drawn.partition("l")[2])))
    for across, down in zip(numbers[::2], numbers[1::2], strict=True):
        found.append((found[-1][0] + across, found[-1][1] + down))
    return found


def test_a_fit_is_drawn_over_its_steps_with_held_out_pictures_and_the_constant_answer() -> None:
    fit = {"loss": [1.0, 0.5, 0.25, 0.2], "steps": 400, "held_out": [[200, 0.6], [400, 0.4]], "loss_constant": 0.8}
    figure = fit_figure("fit", fit)
    drawn = places(path(figure, "main"))
    # A point is the mean of 100 steps and stands in their middle: an eighth of the width from the axis.
    assert drawn[0][0] == round(LEFT + (RIGHT - LEFT) / 8)
    assert [y for _, y in drawn] == sorted(y for _, y in drawn)
    held = places(path(figure, "second"))
    assert (held[0][0], held[-1][0]) == (round((LEFT + RIGHT) / 2), RIGHT)
    assert [words for _, words in figure.key] == [
        "loss of the fitted pictures",
        "of held-out pictures",
        "best constant answer",
    ]
    assert [word for _, word in figure.ticks_x] == ["0", "100", "200", "300", "400"]
    level = {word: place for place, word in figure.ticks_y}
    assert TOP <= level["1"] < level["0"] <= BOTTOM


def test_frames_show_every_clip_their_mean_and_the_round_trip() -> None:
    figure = frame_figure("lpips", [[0.2, 0.4, 0.6], [0.4, 0.4, 0.8]], [[0.1, 0.1, 0.1]])
    mean, best = places(path(figure, "main")), places(path(figure, "second"))
    assert [x for x, _ in mean] == [LEFT, round((LEFT + RIGHT) / 2), RIGHT]
    assert path(figure, "faint").count("M") == 2
    assert all(above < below for (_, above), (_, below) in zip(mean, best, strict=True))
    assert mean[0][1] > mean[1][1] > mean[2][1]
    assert [word for _, word in figure.ticks_x] == ["0", "1", "2"]
    assert "from 0.300 to 0.700" in figure.sentence


def test_what_is_found_where_it_is_lies_on_the_rule() -> None:
    figure = place_figure("places", [[0.0, 1.0, 0.0, 0.5], [0.5, 0.5, 0.5, 0.5], [1.0, 0.0, 1.0, 0.5]])
    rule = places(path(figure, "rule"))
    across = [tuple(map(int, pair)) for pair in re.findall(r"M(\d+) (\d+)h0", path(figure, "dots"))]
    down = re.findall(r"M(\d+) (\d+)h0", path(figure, "dots second"))
    assert rule == [(LEFT, BOTTOM), (RIGHT, TOP)]
    assert across == [(LEFT, BOTTOM), (round((LEFT + RIGHT) / 2), (TOP + BOTTOM) // 2), (RIGHT, TOP)]
    assert {y for _, y in down} == {str((TOP + BOTTOM) // 2)}


@pytest.mark.parametrize(
    "made",
    [
        lambda: fit_figure("x", {"loss": [1.0, 0.5]}),
        lambda: fit_figure("x", {"loss": [1.0, None, 0.5, 0.2]}),
        lambda: fit_figure("x", {"loss": "evil"}),
        lambda: frame_figure("x", [[0.1]], None),
        lambda: frame_figure("x", [[None, None], ["a", "b"]], []),
        lambda: frame_figure("x", {"a": 1}, 3),
        lambda: place_figure("x", [[0.1, 0.2, 0.3]] * 5),
        lambda: place_figure("x", [[0.1, 0.2, 0.3, None]] * 5),
        lambda: place_figure("x", 5),
    ],
)
def test_too_little_or_what_is_no_number_draws_nothing(made: Callable[[], Lines | None]) -> None:
    assert made() is None


def test_equal_and_odd_numbers_are_drawn_all_the_same() -> None:
    assert fit_figure("x", {"loss": [0.0] * 5, "held_out": 7, "steps": -1}) is not None
    assert fit_figure("x", {"loss": [-3.0, -3.0, -3.0]}) is not None
    assert frame_figure("x", [[0.1, None, 0.3, 0.2]], [[0.1] * 3]) is not None
    assert len(place_figure("x", [[0.1, 0.2, 0.3, 9.0]] * 500).paths[1][1]) < 2000


def drawn_page(run: Path) -> str:
    lines = [json.loads(line) for line in (run / "records.jsonl").read_text().splitlines()]
    for line in lines:
        line["details"] = {"threshold": 0.5, "fit": {"loss": [3.0, 2.0, 1.0], "steps": 30, "plateau": True}}
        line["details"]["centres"] = [[0.1, 0.2, 0.1, 0.3]] * 4
    (run / "records.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return write_report([run]).read_text()


def test_figures_stand_in_the_details_and_their_numbers_are_not_written_out(make: Callable[..., Path]) -> None:
    run = make(suites=("spatial",))
    page = drawn_page(run)
    assert "<figcaption>fit of the candidate: spatial on shapes</figcaption>" in page
    assert "<figcaption>places found by dense_ridge: spatial on shapes</figcaption>" in page
    assert "0.1, 0.2, 0.1, 0.3" not in page
    read = read_run(run)
    found = candidates([read], build_boards([read]))[0]
    assert [name for name, _ in found.facts if "fit" in name] == ["fit.steps", "fit.plateau"]
    assert found.curves == []
