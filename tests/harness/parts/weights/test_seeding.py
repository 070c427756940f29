from __future__ import annotations

import math

import torch
from foresight_harness.parts.weights.seeding import EMBEDDING_STD, fill_parameters, seeded_model
from torch import nn


class Part(nn.Module):
    """One of each kind of parameter."""

    def __init__(self, depth: int = 2) -> None:
        super().__init__()
        self.table = nn.Embedding(200, 64)
        self.maps = nn.ModuleList(nn.Linear(64, 64) for _ in range(depth))
        self.norm = nn.LayerNorm(64)
        self.mark = nn.Parameter(torch.empty(64))


def test_a_parameter_depends_on_seed_part_and_name_alone() -> None:
    torch.manual_seed(1)
    shallow = seeded_model(lambda: Part(1), 3, "tower").state_dict()
    torch.manual_seed(2)
    deep = seeded_model(lambda: Part(4), 3, "tower").state_dict()
    assert all(torch.equal(value, deep[name]) for name, value in shallow.items())
    for seed, part in ((4, "tower"), (3, "projector")):
        other = seeded_model(Part, seed, part).state_dict()
        assert not torch.equal(other["maps.0.weight"], deep["maps.0.weight"])


def test_the_global_generator_stays_where_it_was() -> None:
    torch.manual_seed(5)
    before = torch.get_rng_state()
    seeded_model(Part, 0, "tower")
    assert torch.equal(torch.get_rng_state(), before)


def test_maps_keep_the_variance_of_their_input_and_norms_start_at_one() -> None:
    part = Part()
    fill_parameters(part, 0, "tower")
    part.requires_grad_(False)
    assert abs(float(part.maps[0].weight.std()) * math.sqrt(64) - 1) < 0.05
    assert abs(float(part.table.weight.std()) / EMBEDDING_STD - 1) < 0.05
    assert float(part.mark.std()) > 0.05
    assert torch.equal(part.norm.weight, torch.ones(64))
    assert not part.norm.bias.any()
    assert not part.maps[0].bias.any()


def test_half_precision_holds_the_same_values_rounded() -> None:
    single, half = Part(), Part().bfloat16()
    for part in (single, half):
        fill_parameters(part, 0, "tower")
    assert torch.equal(single.maps[0].weight.bfloat16(), half.maps[0].weight)
