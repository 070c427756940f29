"""Names without what most share: short, unmistakable, whole where it counts, and never a way into the page."""

from __future__ import annotations

from foresight_reports.brief.naming import Names

FULL = [f"encoder_{i}@last/identity/single/linear" for i in range(4)]


def test_what_most_candidates_share_is_left_out_and_the_rest_kept() -> None:
    names = Names([*FULL, "encoder_0@last/sem/single/conv"])
    assert names.short(FULL[1]) == "encoder_1@last"
    assert names.short("encoder_0@last/sem/single/conv") == "encoder_0@last/sem/conv"
    assert names.left_out == "identity/single/linear"


def test_two_candidates_never_have_one_short_name() -> None:
    both = ["a@x/linear/single/sem", "a@x/sem/single/linear", "a@x/linear/single/linear"]
    names = Names([*both, "a@x"])
    assert len({names.short(name) for name in (*both, "a@x")}) == 4
    assert names.short("a@x/linear/single/linear") == "a@x/linear/single/linear"


def test_one_candidate_alone_keeps_its_name() -> None:
    assert Names(FULL[:1]).short(FULL[0]) == FULL[0]
    assert Names().left_out == ""


def test_a_sentence_names_candidates_shortly_and_keeps_its_full_stop() -> None:
    names = Names(FULL)
    said = f"{FULL[0]} is better than {FULL[1]}; of the rest {FULL[2]}."
    assert names.plain(said) == "encoder_0@last is better than encoder_1@last; of the rest encoder_2@last."
    written = str(names.sentence(said))
    assert f'<bdi title="{FULL[2]}">encoder_2<wbr>@last</bdi>' in written
    assert written.endswith("<bdi>.</bdi>")


def test_other_texts_are_written_as_they_are() -> None:
    names = Names(FULL)
    assert str(names.breakable("no/such/candidate/here")) == "<bdi>no/<wbr>such/<wbr>candidate/<wbr>here</bdi>"


def test_a_hostile_name_stays_a_text_in_its_hint_too() -> None:
    bad = '"><img src=x onerror=alert(1)>@last/identity/single/linear'
    written = str(Names([*FULL, bad]).breakable(bad))
    assert "<img" not in written
    assert 'title="&#34;&gt;&lt;img src=x onerror=alert(1)&gt;@last/identity/single/linear"' in written
