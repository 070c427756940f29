"""Keys of pages: read back as they were, refused where they are not what the page was made with."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from foresight_harness.contracts.errors import UsageError
from foresight_harness.judging.people.drawing import Wanted, draw
from foresight_harness.judging.people.key_file import key_of, read_key, refuse_another, write_key


def test_a_key_is_read_back_as_it_was_written_and_lies_beside_its_page(asking, tmp_path: Path) -> None:
    path = key_of(tmp_path / "page.html")
    assert path.name == "page.key.json"
    write_key(path, asking)
    assert read_key(path) == asking


def test_the_key_of_another_page_is_not_written_over(asking, kept_run, tmp_path: Path) -> None:
    path = tmp_path / "page.key.json"
    refuse_another(path, asking)
    write_key(path, asking)
    refuse_another(path, asking)
    with pytest.raises(UsageError, match=f"is of page {asking.page}, whose answers could no longer be read"):
        refuse_another(path, draw(kept_run(), Wanted(seed=1)))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda key: key | {"kind": "decision"}, "is something else; name the .key.json file"),
        (lambda key: key | {"schema": 99}, "schema 99"),
        (lambda key: key | {"seed": 7}, "was changed after its page was made"),
        (lambda key: key | {"run": "other"}, "was changed after its page was made"),
        (lambda key: key | {"questions": key["questions"][1:]}, "was changed after its page was made"),
        (lambda key: key | {"questions": [{}]}, "question 1 is none of this version's"),
        (lambda key: key | {"questions": [key["questions"][0] | {"left": 3}]}, "question 1 holds what is no text"),
        (lambda key: key | {"seed": None}, "seed None is no whole number"),
        (lambda key: {"kind": key["kind"], "schema": 1}, "no 'run' or no list"),
    ],
)
def test_a_key_that_is_none_is_one_line(asking, tmp_path: Path, change, said: str) -> None:
    path = tmp_path / "page.key.json"
    write_key(path, asking)
    path.write_text(json.dumps(change(json.loads(path.read_text()))))
    with pytest.raises(UsageError, match=said) as caught:
        read_key(path)
    assert "\n" not in str(caught.value)


def test_no_file_and_no_json_are_one_line(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        read_key(tmp_path / "none.json")
    (tmp_path / "page.html").write_text("<html>")
    with pytest.raises(UsageError, match=r"is not JSON .*name the \.key\.json file"):
        read_key(tmp_path / "page.html")
