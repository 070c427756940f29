"""Probes by name."""

from __future__ import annotations

import json

import pytest
from foresight_harness.contracts.errors import UsageError
from foresight_harness.parts.probes import PROBES, Probe, probe
from foresight_harness.parts.training.recipe import Recipe


@pytest.mark.parametrize("name", PROBES)
def test_every_probe_keeps_the_protocol_and_its_own_name(name: str) -> None:
    one = probe(name)
    assert isinstance(one, Probe)
    assert one.name == name
    assert one is not probe(name)


@pytest.mark.parametrize("name", PROBES)
def test_choices_of_a_probe_name_it_and_survive_json(name: str) -> None:
    choices = dict(probe(name).choices())
    assert str(choices["probe"]).startswith(name + "/")
    assert json.loads(json.dumps(choices)) == choices


def test_an_unknown_probe_lists_the_nearest_names() -> None:
    with pytest.raises(UsageError, match=r"no probe 'dense_rigde'; did you mean dense_ridge"):
        probe("dense_rigde")
    with pytest.raises(UsageError, match="dense_ridge"):
        probe("zzz")


def test_a_recipe_stands_in_the_choices_and_is_refused_where_nothing_is_trained() -> None:
    brief = Recipe(steps=7, batch=8, losses=("l1", "giou"))
    for name in ("detr", "detr_no_position", "conv", "pooled_mlp"):
        assert probe(name, brief).choices()["fit_steps"] == 7
    with pytest.raises(UsageError, match="knn is not trained and takes no recipe"):
        probe("knn", brief)
