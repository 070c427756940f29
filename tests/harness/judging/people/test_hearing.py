"""Raters' files: refused in one line where they are malformed or of another page; heard where checks were passed."""

from __future__ import annotations

from pathlib import Path

import pytest
from foresight_harness.contracts.errors import UsageError
from foresight_harness.judging.people.drawing import Wanted, draw
from foresight_harness.judging.people.hearing import read_raters
from raters import answered, saved


def yes(question) -> str:
    return "yes" if question.ask == "same" else "left"


def test_files_are_read_as_they_were_saved(asking, tmp_path: Path) -> None:
    raters = [answered(asking, name, yes) for name in ("A", "B")]
    files = [saved(rater, asking.page, tmp_path / f"{rater.name}.json") for rater in raters]
    assert read_raters(files, asking) == raters


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"page": "0" * 16}, "are to page '0000000000000000', and the key is of page"),
        ({"kind": "people-key"}, "is something else; name a file that a page"),
        ({"schema": 99}, "schema 99"),
        ({"rater": " "}, "a name or initials are wanted"),
        ({"when": "yesterday"}, "a day is wanted"),
        ({"answers": {}}, "no answer stands in it"),
        ({"answers": [1]}, "no answer stands in it"),
        ({"answers": {"ffff": "yes"}}, "question 'ffff' is none of page"),
    ],
)
def test_a_slip_is_one_line_that_names_the_file(asking, tmp_path: Path, changes, said: str) -> None:
    path = saved(answered(asking, "A", yes), asking.page, tmp_path / "A.json", **changes)
    with pytest.raises(UsageError, match=said) as caught:
        read_raters([path], asking)
    assert "A.json" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_answer_of_another_kind_of_question_is_refused(asking, tmp_path: Path) -> None:
    same = asking.of("same")[0]
    path = saved(answered(asking, "A", yes), asking.page, tmp_path / "A.json", answers={same.id: "left"})
    with pytest.raises(UsageError, match=f"'left' to question {same.id}: one of yes, no is wanted"):
        read_raters([path], asking)


def test_answers_to_the_page_of_another_run_are_refused(kept_run, asking, tmp_path: Path) -> None:
    other = draw(kept_run(name="another"), Wanted())
    path = saved(answered(other, "A", yes), other.page, tmp_path / "A.json")
    with pytest.raises(UsageError, match="of run asked; name the key that lies beside the page"):
        read_raters([path], asking)


def test_one_rater_is_not_counted_twice(asking, tmp_path: Path) -> None:
    files = [saved(answered(asking, "A", yes), asking.page, tmp_path / name) for name in ("1.json", "2.json")]
    with pytest.raises(UsageError, match=r"A answered in .*1\.json too"):
        read_raters(files, asking)


def test_a_name_is_one_harmless_line(asking, tmp_path: Path) -> None:
    path = saved(answered(asking, "A\n::error::x\u202e" + "b" * 90, yes), asking.page, tmp_path / "A.json")
    (rater,) = read_raters([path], asking)
    assert rater.name.startswith("A ::error::x")
    assert len(rater.name) <= 60
    assert "\u202e" not in rater.name


def test_who_gets_more_than_a_quarter_of_the_checks_wrong_or_skips_half_is_not_heard(asking) -> None:
    assert answered(asking, "A", yes).passed(asking)
    assert not answered(asking, "A", yes, honest=False).passed(asking)
    lazy = {each.id: yes(each) for each in asking.questions if not each.check}
    from foresight_harness.judging.people.hearing import Rater

    assert not Rater("A", "2026-03-01", lazy).passed(asking)
