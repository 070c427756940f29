"""``foresight.toml``: options under their long names; slips are one line."""

from __future__ import annotations

from pathlib import Path

import pytest
from foresight_harness.contracts.errors import UsageError
from foresight_harness.planning.options.declared import BY_NAME, OPTIONS
from foresight_harness.planning.options.file import merged, read_options
from foresight_harness.planning.options.run_options import DEFAULTS


def read(tmp_path: Path, text: str):
    path = tmp_path / "foresight.toml"
    path.write_text(text)
    return read_options(path)


def test_values_have_the_types_of_their_options_and_either_spelling_of_a_name(tmp_path: Path) -> None:
    found = read(
        tmp_path, 'train-size = 64\npicture_px = 128\ndataset = "shapes"\nprobe = ["a", "b"]\ncell-timeout = 5'
    )
    assert found.values == {
        "train_size": 64,
        "picture_px": 128,
        "dataset": ("shapes",),
        "probe": ("a", "b"),
        "cell_timeout": 5,
    }


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("divice = 'cuda'", "unknown option 'divice'; did you mean device or device-map?"),
        ("seeds = 'three'", "seeds is 'three'; write a whole number"),
        ("seeds = true", "seeds is True; write a whole number"),
        ("resume = 1", "resume is 1; write true or false"),
        ("dataset = [1]", "dataset is [1]; write a text, or a list of them"),
        ("config = 'other.toml'", "unknown option 'config'"),
        ("device =", "is not valid TOML"),
    ],
)
def test_a_slip_is_one_line_that_names_the_file(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        read(tmp_path, text)
    message = str(caught.value)
    assert said in message
    assert "foresight.toml" in message
    assert "\n" not in message


def test_the_file_of_the_working_folder_is_read_and_an_absent_one_says_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert read_options().values == {}
    (tmp_path / "foresight.toml").write_text("device = 'cuda'")
    assert read_options().values == {"device": "cuda"}
    with pytest.raises(UsageError, match=r"other\.toml cannot be read"):
        read_options("other.toml")


def test_what_is_said_wins_as_a_whole_and_silence_leaves_the_file(tmp_path: Path) -> None:
    file = read(tmp_path, 'dataset = ["coins"]\ndevice = "cuda"\nresume = true')
    found = merged(file, {"dataset": ["shapes"], "device": None, "candidate": [], "resume": False})
    assert found == {"dataset": ["shapes"], "device": "cuda", "resume": False}


def test_every_option_of_a_run_has_a_default_and_a_kind_that_it_fits() -> None:
    assert {*DEFAULTS} == {option.name for option in OPTIONS} | {"strict"}
    for option in BY_NAME.values():
        assert option.default in (None, ()) or isinstance(option.default, option.kind), option.name
