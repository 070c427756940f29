from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from foresight_harness.contracts.errors import UsageError
from foresight_harness.planning.candidates import (
    Matrix,
    candidates_of,
    read_matrix,
    select,
    select_candidates,
    suites_of,
)
from foresight_harness.planning.options import DatasetChoice, datasets_or
from foresight_harness.planning.registry import Registry

GROUPS = """
[[group]]
streams = ["pixels@patch"]
scale = ["smoke"]

[[group]]
streams = ["constant@patch"]
scale = ["small", "full"]

[[group]]
streams = ["oracle@mask"]
"""


@pytest.fixture
def written(tmp_path: Path, builtins: Registry):
    """Writes a matrix and reads it."""

    def write(text: str, scale: str | None = None) -> Matrix:
        path = tmp_path / "mine.toml"
        path.write_text(text)
        return read_matrix(path, builtins, scale)

    return write


def encoders(matrix: Matrix) -> list[str]:
    return [candidate.encoders[0] for candidate in matrix.candidates]


@pytest.mark.parametrize(
    ("scale", "own", "expected"),
    [
        (None, "", ["pixels", "oracle"]),
        ("full", "", ["constant", "oracle"]),
        (None, 'scale = "small"\n', ["constant", "oracle"]),
        ("smoke", 'scale = "small"\n', ["pixels", "oracle"]),
    ],
)
def test_group_counts_at_its_scales_and_the_command_overrides_the_matrix(
    written, scale: str | None, own: str, expected: list[str]
) -> None:
    assert encoders(written(own + GROUPS, scale)) == expected


def test_matrix_says_suites_data_sets_and_scale(written) -> None:
    matrix = written('suites = ["spatial"]\ndatasets = ["shapes", "coco:some/folder"]\nscale = "full"\n' + GROUPS)
    assert matrix.suites == ("spatial",)
    assert matrix.datasets == (DatasetChoice("shapes"), DatasetChoice("coco", "some/folder"))
    assert matrix.scale == "full"


def test_matrix_that_says_nothing_leaves_the_defaults(written) -> None:
    matrix = written(GROUPS)
    assert (matrix.suites, matrix.datasets, matrix.scale) == (None, (), "smoke")


@pytest.mark.parametrize(
    ("head", "message"),
    [
        ('suites = ["spatail"]', "unknown suite 'spatail'; did you mean spatial?"),
        ('datasets = ["shaeps"]', "unknown data set 'shaeps'; did you mean shapes"),
        ('scale = "huge"', "unknown scale 'huge'; there are smoke, small, full"),
        ("scale = 3", "scale must be a text"),
        ('suites = "spatial"', "suites must be a list of names"),
        ("suites = []", "suites must be a list of names"),
        ('suite = ["spatial"]', "unknown key 'suite'"),
        ('probes = ["pooled_mlp"]', "probe pooled_mlp: for the audit alone"),
    ],
)
def test_slip_in_a_matrix_is_one_line_that_names_the_file(written, head: str, message: str) -> None:
    with pytest.raises(UsageError) as error:
        written(head + "\n" + GROUPS)
    assert message in str(error.value)
    assert str(error.value).startswith("matrix ")
    assert "mine.toml" in str(error.value)
    assert "\n" not in str(error.value)


def test_unknown_scale_of_a_group_is_an_error_at_every_scale(written) -> None:
    with pytest.raises(UsageError, match=r"mine.toml, group 1: unknown scale 'huge'"):
        written('[[group]]\nstreams = ["pixels@patch"]\nscale = ["huge"]\n', "small")


def test_scale_at_which_no_group_counts_is_an_error(written) -> None:
    with pytest.raises(UsageError, match="holds no candidate at scale full"):
        written('[[group]]\nstreams = ["pixels@patch"]\nscale = ["smoke"]\n', "full")


def test_suites_that_are_not_default_run_only_where_the_matrix_names_them(tmp_path: Path, builtins: Registry) -> None:
    audited = replace(builtins.suite("spatial"), name="audited", default=False)
    builtins = replace(builtins, suites={**builtins.suites, "audited": audited})
    path = tmp_path / "mine.toml"
    path.write_text(GROUPS)
    assert "audited" not in suites_of(select_candidates(builtins, [], str(path), []), builtins)
    path.write_text('suites = ["audited"]\n' + GROUPS)
    assert suites_of(select_candidates(builtins, [], str(path), []), builtins) == ("audited",)


def test_command_overrides_the_data_sets_of_the_matrix() -> None:
    named = (DatasetChoice("coins"),)
    assert datasets_or(["photos"], named) == (DatasetChoice("photos"),)
    assert datasets_or([], named) == named
    assert datasets_or([], ()) == (DatasetChoice("shapes"), DatasetChoice("kinds"))


def test_a_matrix_keeps_a_costly_suite_to_the_candidates_that_it_names(written, builtins, tmp_path) -> None:
    text = '[only]\ntemporal = ["oracle@*"]\n[[group]]\nstreams = ["oracle@mask", "pixels@patch"]\n'
    assert written(text).only == {"temporal": ("oracle@*",)}
    path = tmp_path / "few.toml"
    path.write_text(text, encoding="utf-8")
    chosen = select_candidates(builtins, [], str(path), [])
    (only,) = candidates_of(chosen, builtins.suite("temporal"))
    assert str(only) == "oracle@mask/identity/single/linear"
    assert len(candidates_of(chosen, builtins.suite("spatial"))) == 2
    path.write_text(text.replace('["oracle@*"]', '["*@*", "!oracle@*"]'), encoding="utf-8")
    (other,) = candidates_of(select_candidates(builtins, [], str(path), []), builtins.suite("temporal"))
    assert str(other) == "pixels@patch/identity/single/linear"
    named = select_candidates(builtins, ["pixels@*"], str(path), [])
    assert len(candidates_of(named, builtins.suite("temporal"))) == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[only]\ntempral = ["oracle@*"]\n', "unknown suite 'tempral'; did you mean temporal"),
        ("[only]\ntemporal = []\n", "temporal must be a list of names"),
        ('only = ["temporal"]\n', "only must be a table"),
    ],
)
def test_a_mistake_in_what_a_suite_is_kept_to_is_said_in_one_line(written, text: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        written(text + '[[group]]\nstreams = ["pixels@patch"]\n')


def test_matrix_names_probes_that_are_scored_beside_the_primary_one(tmp_path: Path, builtins: Registry) -> None:
    path = tmp_path / "mine.toml"
    path.write_text('probes = ["knn", "detr"]\n' + GROUPS)
    assert select_candidates(builtins, [], str(path), []).probes == ("knn", "detr")


@pytest.mark.parametrize("absent", [None, "pixels@patch: its weights are not here"])
def test_a_group_for_where_weights_are_is_left_out_and_said_where_they_are_not(
    builtins: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, absent: str | None
) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(
        '[[group]]\nstreams = ["oracle@mask"]\n[[group]]\nstreams = ["pixels@patch"]\nwhere_weights_are = true\n'
    )
    asked: list[str] = []
    monkeypatch.setattr(select, "absent_weights", lambda found, supplied: asked.append(str(found)) or absent)
    chosen = select_candidates(builtins, [], str(path), [])
    assert asked == ["pixels@patch/identity/single/linear"]
    assert len(chosen.candidates) == (2 if absent is None else 1)
    assert chosen.left_out == (() if absent is None else (absent,))


def test_a_candidate_that_a_plain_group_holds_too_needs_no_weights(written) -> None:
    plain = '[[group]]\nstreams = ["pixels@patch"]\n'
    conditional = plain + "where_weights_are = true\n"
    assert written(conditional).where_weights_are == {"pixels@patch/identity/single/linear"}
    assert written(conditional + plain).where_weights_are == frozenset()
    assert written(plain + conditional).where_weights_are == frozenset()


def test_a_flag_of_a_group_that_is_no_flag_is_refused(written) -> None:
    with pytest.raises(UsageError, match="where_weights_are must be true or false"):
        written('[[group]]\nstreams = ["pixels@patch"]\nwhere_weights_are = "yes"\n')
