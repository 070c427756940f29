"""Stored objects with names on disk of their own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from foresight_harness.contracts.records.fields import (
    COUNT,
    TEXT,
    WrongTypeError,
    about,
    by_name,
    many,
    optional,
    part,
    read_object,
    refusal,
    stored_fields,
    text_or_empty,
    written_object,
)


@dataclass(frozen=True, kw_only=True)
class Leaf:
    """A count under another name on disk."""

    count: int = field(metadata=about(COUNT, "how many", unit="pieces", key="number_of"))
    further: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Tree:
    """Leaves."""

    name: str = field(metadata=about(TEXT, "of the tree"))
    leaves: tuple[Leaf, ...] = field(default=(), metadata=about(many(part(Leaf)), "each"))
    sizes: Mapping[str, int | None] = field(default_factory=dict, metadata=about(by_name(optional(COUNT)), "by part"))
    note: str = field(default="", metadata=about(text_or_empty(), "what there is to say"))
    further: Mapping[str, Any] = field(default_factory=dict)


STORED = {"name": "oak", "leaves": [{"number_of": 3}], "sizes": {"root": None}, "note": None}


def test_a_name_on_disk_may_differ_from_its_attribute() -> None:
    tree = read_object(Tree, STORED)
    assert tree.leaves == (Leaf(count=3),)
    assert tree.note == ""
    assert written_object(tree) == STORED
    assert [key for _, _, key in stored_fields(Leaf)] == ["number_of"]


def test_chosen_fields_are_written_in_the_order_that_is_asked_for() -> None:
    assert list(written_object(read_object(Tree, STORED), ("sizes", "name"))) == ["sizes", "name"]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"leaves": [{"number_of": 3}, {"number_of": "x"}]}, "leaves[1].number_of is 'x', wanted is int"),
        ({"leaves": [{}]}, "leaves[0].number_of is None, wanted is int, and it is missing"),
        ({"leaves": [4]}, "leaves[0] is 4, wanted is an object"),
        ({"sizes": {"root": "x"}}, "sizes.root is 'x', wanted is int or null"),
        ({"sizes": []}, "sizes is [], wanted is object of int or null"),
        ({"note": 1}, "note is 1, wanted is str or null"),
    ],
)
def test_the_place_of_what_is_wrong_is_named(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(WrongTypeError) as wrong:
        read_object(Tree, {**STORED, **changes})
    assert said in str(refusal("here", wrong.value))
