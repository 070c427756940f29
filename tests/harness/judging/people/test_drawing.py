"""Which pairs a page asks about: the same scenes for all, none chosen for its score, sides and order by a seed."""

from __future__ import annotations

from collections import Counter

import pytest
from foresight_harness.contracts.errors import UsageError
from foresight_harness.judging.people.drawing import Wanted, _elsewhere, draw
from foresight_harness.judging.people.pictures import Scene
from raters import FIRST, SCENES, SECOND


def test_every_candidate_is_asked_about_the_same_scenes_and_never_about_its_worst(kept_run) -> None:
    found = draw(kept_run(), Wanted())
    by_candidate = {name: set() for name in (FIRST, SECOND)}
    for each in found.of("same", checks=False):
        by_candidate[each.candidates[0]].add(each.sample)
    assert by_candidate[FIRST] == by_candidate[SECOND]
    assert len(by_candidate[FIRST]) == 11  # 60 questions, half of each kind, three quarters of them for two candidates
    assert f"s{SCENES}" not in {each.sample for each in found.questions}


def test_the_same_wishes_give_the_same_page_and_another_seed_another(kept_run) -> None:
    run = kept_run()
    assert draw(run, Wanted()) == draw(run, Wanted())
    assert draw(run, Wanted()).page != draw(run, Wanted(seed=1)).page


def test_sides_and_order_are_drawn(kept_run) -> None:
    run = kept_run()
    found = draw(run, Wanted(most=120))
    originals = {path for each in found.of("nearer") for path in [each.middle]}
    at_left = [each.left in originals for each in found.of("same", checks=False)]
    assert 0.2 < sum(at_left) / len(at_left) < 0.8
    first_left = [each.candidates[0] == FIRST for each in found.of("nearer", checks=False)]
    assert 0.1 < sum(first_left) / len(first_left) < 0.9
    assert len({each.ask for each in found.questions[:8]}) == 2


def test_names_go_with_their_pictures_when_sides_are_turned(kept_run) -> None:
    run = kept_run()
    owner = {path: name for (name, _), path in _kept(run).outputs.items()}
    for each in draw(run, Wanted()).of("nearer", checks=False):
        assert (owner[each.left], owner[each.right_side]) == each.candidates


def test_the_answers_of_checks_are_what_their_pictures_say(kept_run) -> None:
    run = kept_run()
    kept = _kept(run)
    scene_of = {path: scene.sample for scene, path in kept.originals.items()}
    scene_of |= {path: scene.sample for (_, scene), path in kept.outputs.items()}
    checks = draw(run, Wanted()).checks
    assert Counter(each.check for each in checks)["other"] >= 2
    for each in checks:
        if each.ask == "nearer":
            original = each.left if each.right == "left" else each.right_side
            assert original == each.middle
        elif each.check == "copy":
            assert (each.left, each.right) == (each.right_side, "yes")
        else:
            assert each.right == "no"
            assert scene_of[each.left] != scene_of[each.right_side]


def test_another_scene_is_of_another_source_and_of_the_same_data_set() -> None:
    """Crops of one photograph may show the same things."""
    first, crop, other = Scene("photos", "a", "cat"), Scene("photos", "b", "cat"), Scene("photos", "c", "dog")
    elsewhere = Scene("shapes", "d", "d")
    assert _elsewhere(first, [first, crop, other, elsewhere]) == [other]
    assert _elsewhere(first, [first, crop, elsewhere]) == [elsewhere]
    assert _elsewhere(first, [first, crop]) == []


def test_no_name_stands_in_what_the_page_is_given(kept_run) -> None:
    """Paths name cells, which are read and never written into the page."""
    for each in draw(kept_run(), Wanted()).questions:
        assert set(each.shown()) == {"id", "ask", "left", "middle", "right"}
        assert not any(FIRST in text or SECOND in text for text in each.shown().values())


def test_a_page_has_no_more_questions_than_allowed(kept_run) -> None:
    run = kept_run()
    assert len(draw(run, Wanted(most=20)).questions) <= 20
    with pytest.raises(UsageError, match="--most 2: 2 candidates need at least 6 questions"):
        draw(run, Wanted(most=2))


def test_one_candidate_is_not_compared(kept_run) -> None:
    run = kept_run()
    assert draw(run, Wanted(candidates=("dinov2*",))).of("nearer") == []
    with pytest.raises(UsageError, match="is the only one"):
        draw(run, Wanted(asks=("nearer",), candidates=("dinov2*",)))


@pytest.mark.parametrize(
    ("scenes", "wanted", "said"),
    [
        (1, Wanted(), "kept 1 scenes of all 2 candidates, 2 are needed.*--keep-pictures"),
        (4, Wanted(candidates=("nobody*",)), "kept no reconstruction that fits.*--keep-pictures"),
        (4, Wanted(dataset="coins"), "kept no reconstruction that fits"),
    ],
)
def test_too_few_pictures_are_one_line_that_says_how_to_keep_more(kept_run, scenes: int, wanted, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        draw(kept_run(scenes), wanted)


def _kept(run):
    from foresight_harness.judging.people.pictures import kept_pictures

    return kept_pictures(run)
