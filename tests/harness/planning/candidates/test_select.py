from __future__ import annotations

from pathlib import Path

import pytest
from foresight_harness.contracts.errors import CandidateError, UsageError
from foresight_harness.parts import builtin
from foresight_harness.planning.candidates import select_candidates
from foresight_harness.planning.registry import PluginInfo, Registry, registry_from

MATRIX = """
[[group]]
streams = ["pixels@patch", "oracle@mask"]
enhancers = ["identity", "bilinear"]

[[group]]
streams = ["absent_encoder@last"]
"""


@pytest.fixture(scope="module")
def registry() -> Registry:
    """The harness's own offers alone."""
    return registry_from([(PluginInfo("builtin", "foresight-harness", "0", "0"), builtin)])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the matrix ``smoke``."""
    (tmp_path / "smoke.toml").write_text(MATRIX)
    return tmp_path


def test_matrix_is_the_product_of_its_groups_and_says_what_it_left_out(registry: Registry, folder: Path) -> None:
    found = select_candidates(registry, [], None, [folder])
    assert [str(candidate) for candidate in found.candidates] == [
        "pixels@patch/identity/single/linear",
        "pixels@patch/bilinear/single/linear",
        "oracle@mask/identity/single/linear",
        "oracle@mask/bilinear/single/linear",
    ]
    assert len(found.left_out) == 1
    assert "absent_encoder" in found.left_out[0]


def test_glob_narrows_the_matrix(registry: Registry, folder: Path) -> None:
    found = select_candidates(registry, ["oracle*bilinear*"], None, [folder])
    assert [str(candidate) for candidate in found.candidates] == ["oracle@mask/bilinear/single/linear"]


def test_whole_candidate_need_not_stand_in_the_matrix(registry: Registry, folder: Path) -> None:
    found = select_candidates(registry, ["constant@patch/nearest/single/conv"], None, [folder])
    assert [str(candidate) for candidate in found.candidates] == ["constant@patch/nearest/single/conv"]


def test_unknown_part_that_was_written_out_is_an_error(registry: Registry, folder: Path) -> None:
    with pytest.raises(CandidateError, match="unknown encoder 'dinov9'"):
        select_candidates(registry, ["dinov9@last/identity/single/linear"], None, [folder])


def test_glob_that_fits_nothing_is_an_error_with_the_nearest_name(registry: Registry, folder: Path) -> None:
    with pytest.raises(UsageError, match=r"'pixls\*' fits nothing in matrix 'smoke'.*did you mean pixels"):
        select_candidates(registry, ["pixls*"], None, [folder])


def test_unknown_matrix_names_those_there_are(registry: Registry, folder: Path) -> None:
    with pytest.raises(UsageError, match=r"no matrix 'smok'.*smoke"):
        select_candidates(registry, [], "smok", [folder])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[[group]\n", "not valid TOML"),
        ("[[group]]\nstream = ['a']\n", "unknown key 'stream'"),
        ("[[group]]\nstreams = 'a'\n", "streams must be a list"),
        ("name = 'x'\n", "holds no candidate"),
    ],
)
def test_bad_matrix_is_one_line_that_names_the_file(
    registry: Registry, tmp_path: Path, content: str, message: str
) -> None:
    path = tmp_path / "bad.toml"
    path.write_text(content)
    with pytest.raises(UsageError) as error:
        select_candidates(registry, [], str(path), [])
    assert message in str(error.value)
    assert "bad.toml" in str(error.value)
