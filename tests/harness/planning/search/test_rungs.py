"""Rungs as a matrix names them, and those that hold where it names none."""

from __future__ import annotations

import pytest
from foresight_harness.contracts.errors import UsageError
from foresight_harness.planning.search.rungs import Keep, Rung, default_rungs, read_table, rung_of


def test_the_default_rungs_are_streams_then_short_fits_then_the_race() -> None:
    rungs = default_rungs(200, 512)
    assert [rung.kind for rung in rungs] == ["closed_form", "steps", "steps", "steps", "race", "race"]
    assert [rung.steps for rung in rungs[1:4]] == [25, 50, 100]
    assert [rung.pictures for rung in rungs[4:]] == [0.25, 1.0]


def test_a_look_at_too_few_pictures_is_no_default() -> None:
    assert [rung.kind for rung in default_rungs(25, 96)][-2:] == ["steps", "race"]


def test_named_rungs_are_read_and_the_run_itself_is_their_end() -> None:
    table = read_table(
        {
            "metric": "iou",
            "rung": [{"kind": "closed_form", "keep": 8}, {"kind": "steps", "steps": 25, "keep": "40%"}],
        },
        "matrix m.toml",
    )
    assert table.metric == "iou"
    assert table.rungs == (
        Rung("closed_form", Keep(count=8)),
        Rung("steps", Keep(share=0.4), steps=25),
        Rung("race"),
    )
    assert tuple(rung_of(rung.as_json()) for rung in table.rungs) == table.rungs


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"rung": [{"kind": "halving"}]}, r"search rung 1: unknown kind 'halving'; there are closed_form, steps"),
        ({"rung": [{"kind": "steps", "keep": 3}]}, r"steps is None; write a whole number"),
        ({"rung": [{"kind": "steps", "steps": 5, "keep": 1}]}, r"keep is 1; write a whole number of at least 2"),
        ({"rung": [{"kind": "steps", "steps": 5, "keep": "140%"}]}, r"keep is '140%'; write a share"),
        ({"rung": [{"kind": "race", "keep": 3}]}, r"unknown key 'keep'; it has kind, pictures"),
        ({"rung": [{"kind": "race"}, {"kind": "steps", "steps": 5, "keep": 3}]}, r"rungs stand in the order"),
        (
            {"rung": [{"kind": "race", "pictures": "50%"}, {"kind": "race", "pictures": "50%"}]},
            r"each look of the race has more pictures",
        ),
        ({"rungs": []}, r"unknown key 'rungs'; it has dataset, metric, rung, suite"),
        ([], r"search must be a table"),
    ],
)
def test_a_slip_is_said_in_one_line(table: object, said: str) -> None:
    with pytest.raises(UsageError, match=said) as caught:
        read_table(table, "matrix m.toml")
    assert str(caught.value).startswith("matrix m.toml")
    assert "\n" not in str(caught.value)


def test_a_rung_never_keeps_fewer_than_two() -> None:
    assert Keep(share=0.01).of(50) == 2
    assert Keep(count=8).of(5) == 5
    assert Keep(share=0.5).of(9) == 5
