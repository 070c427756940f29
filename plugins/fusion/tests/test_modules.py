"""What single fusions compute, by hand."""

from __future__ import annotations

import pytest
import torch
from foresight_fusion.anchors import anchors
from foresight_fusion.attention import Attention, NearAttentionBlock, SelfAttentionBlock
from foresight_fusion.film import FilmFusion
from foresight_fusion.gated import GatedFusion
from foresight_fusion.perceiver import PerceiverFusion
from foresight_fusion.qformer import QFormerFusion
from foresight_fusion.streams import placed, position_codes, query_start
from torch import nn

torch.set_num_threads(1)

NARROW = 16
"""Channels of the heads whose windows start narrow, of 32."""


def test_attention_equals_torchs_own() -> None:
    torch.manual_seed(0)
    ours, theirs = Attention(16, heads=4), nn.MultiheadAttention(16, 4, batch_first=True)
    with torch.no_grad():
        theirs.in_proj_weight.copy_(torch.cat([ours.query.weight, ours.key.weight, ours.value.weight]))
        theirs.in_proj_bias.copy_(torch.cat([ours.query.bias, torch.zeros(16), ours.value.bias]))
        theirs.out_proj.weight.copy_(ours.output.weight)
        theirs.out_proj.bias.copy_(ours.output.bias)
        queries, context = torch.randn(2, 3, 16), torch.randn(2, 5, 16)
        assert torch.allclose(ours(queries, context), theirs(queries, context, context)[0], atol=1e-6)


def test_film_scales_and_shifts() -> None:
    module = FilmFusion([2, 3])
    with torch.no_grad():
        module.modulation.bias.copy_(torch.tensor([0.5, -1.0, 10.0, 20.0]))
    first = torch.tensor([2.0, 4.0]).reshape(1, 1, 1, 1, 2)
    made = module([first, torch.randn(1, 1, 1, 1, 3)])
    assert torch.allclose(made.flatten(), torch.tensor([2.0 * 1.5 + 10, 0.0 + 20]))


def test_a_closed_gate_lets_nothing_through_and_an_open_one_all() -> None:
    module = GatedFusion([2, 3])
    first, second = torch.zeros(1, 1, 1, 1, 2), torch.randn(1, 1, 1, 1, 3)
    parameters = dict(module.named_parameters())
    with torch.no_grad():
        parameters["values.0.bias"].copy_(torch.tensor([3.0, 5.0]))
        parameters["gates.0.weight"].zero_()
        parameters["gates.0.bias"].copy_(torch.tensor([-99.0, 99.0]))
    assert torch.allclose(module([first, second]).flatten(), torch.tensor([0.0, 5.0]))


@pytest.mark.parametrize("fusion", [PerceiverFusion, QFormerFusion])
def test_order_of_streams_has_no_effect_when_their_projections_move_along(
    fusion: type[PerceiverFusion] | type[QFormerFusion],
) -> None:
    torch.manual_seed(0)
    one, other = fusion([8, 16, 8], 32), fusion([16, 8, 8], 32)
    order = [1, 2, 0]
    weights = {}
    for key, value in one.state_dict().items():
        parts = key.split(".")
        if parts[:2] == ["context", "projections"]:
            parts[2] = str(order.index(int(parts[2])))
        weights[".".join(parts)] = value
    other.load_state_dict(weights)
    grids = [torch.randn(2, 1, 3, 4, 8), torch.randn(2, 1, 5, 2, 16), torch.randn(2, 1, 4, 3, 8)]
    assert torch.allclose(
        one(grids), other([grids[index] for index in order]), atol=1e-4
    )  # scores of narrow windows are large


@pytest.mark.parametrize("fusion", [PerceiverFusion, QFormerFusion])
def test_place_matters(fusion: type[PerceiverFusion] | type[QFormerFusion]) -> None:
    torch.manual_seed(0)
    module, grid = fusion([8], 32), torch.randn(1, 1, 4, 4, 8)
    assert not torch.allclose(module([grid]), module([grid.flip(2)]), atol=1e-4)


def test_position_codes_of_one_place_agree_between_grids() -> None:
    like = torch.zeros(1)
    assert torch.allclose(position_codes(1, 1, 32, like)[0, 0], position_codes(3, 3, 32, like)[1, 1], atol=1e-4)


def test_before_training_a_query_reads_the_mean_of_the_four_cells_around_its_place() -> None:
    torch.manual_seed(0)
    block, cells = NearAttentionBlock(32), torch.randn(4, 1, 16, 16, 32)
    with torch.no_grad():
        for carried in (block.attention.value, block.attention.output):
            carried.weight.copy_(torch.eye(32))
        queries = block.query_norm(query_start(64, 32)[None])
        read = block.attention.near(queries, anchors(64), placed(cells))[..., :NARROW]
    means = cells.reshape(4, 8, 2, 8, 2, 32).mean((2, 4)).flatten(1, 2)[..., :NARROW]
    assert float((read - means).square().mean() / means.square().mean()) < 0.1


def test_before_training_tokens_do_not_read_each_other() -> None:
    torch.manual_seed(0)
    tokens = torch.randn(2, 5, 32)
    assert torch.equal(SelfAttentionBlock(32, think=False)(tokens), tokens)
