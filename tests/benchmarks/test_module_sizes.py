"""What a record says of the size of real modules, against modules that are built with memory."""

from __future__ import annotations

import pytest
import torch
from foresight_harness.measuring.conditioning import build_modules
from foresight_harness.planning.candidates import parse_candidate, resolve
from foresight_harness.planning.registry import Registry, load_registry
from foresight_harness.running.run_folder.sizes import count_without_memory, module_sizes
from torch import nn

REGISTRY: Registry = load_registry()
TWO = "oracle@mask+dinov2_tiny@last/sem/dual_stream/linear"


def test_sizes_are_those_of_the_modules_that_are_fitted() -> None:
    candidate = resolve(parse_candidate(TWO), REGISTRY)
    built = build_modules(candidate, [[stream.shape()] for stream in candidate.streams], seed=0).counts()
    found = module_sizes(candidate)
    assert [entry["part"] for entry in found] == ["enhancer", "enhancer", "fusion"]
    assert sum(entry["params"] for entry in found[:2]) == built["enhancer"]
    assert found[2]["params"] == built["fusion"]


@pytest.mark.parametrize(
    ("candidate", "low", "high"),
    [
        ("dinov2_tiny@last/sem/single/linear", 0.9, 1.1),
        ("dinov2_tiny@last/sem_asdrawn/single/linear", 3.0, 3.6),
        (TWO.replace("/sem/", "/identity/"), 0.9, 1.1),
        ("dinov2_tiny@last+oracle@mask/identity/qformer_asdrawn/linear", 2.7, 3.0),
    ],
)
def test_counts_at_the_documents_width_stand_beside_its_claim(candidate: str, low: float, high: float) -> None:
    entry = module_sizes(resolve(parse_candidate(candidate), REGISTRY))[-1]
    assert low < entry["claimed_width_params"] / entry["claimed"] < high
    assert entry["params"] < entry["claimed_width_params"]


def test_parts_without_parameters_are_not_listed() -> None:
    assert module_sizes(resolve(parse_candidate("dinov2_tiny@last/bilinear/single/linear"), REGISTRY)) == []


@pytest.mark.parametrize("claiming", [*REGISTRY.enhancers.values(), *REGISTRY.fusions.values()], ids=lambda s: s.name)
def test_every_claim_says_at_which_streams_it_is_made(claiming) -> None:
    assert (claiming.claimed_params is None) == (not claiming.claimed_at)


def test_a_module_that_must_read_values_has_no_count_rather_than_a_wrong_one() -> None:
    assert count_without_memory(lambda: nn.Linear(int(torch.ones(1).item()), 2)) is None
    assert count_without_memory(lambda: nn.Linear(3, 2)) == 8
