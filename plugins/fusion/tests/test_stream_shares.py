"""How much each stream is attended to: planted cases, and the same by loops from the modules' own weights."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache
from itertools import pairwise

import pytest
import torch
from foresight_fusion.anchors import anchors
from foresight_fusion.asdrawn import QFormerAsDrawn
from foresight_fusion.attention import Attention
from foresight_fusion.perceiver import PerceiverFusion
from foresight_fusion.presets import LATENTS, QUERIES
from foresight_fusion.qformer import QFormerFusion
from foresight_harness import GridError
from foresight_harness.grids import cell_centres
from torch import Tensor, nn

torch.set_num_threads(1)

BUILDS: dict[str, Callable[[], nn.Module]] = {
    "perceiver": lambda: PerceiverFusion([8, 16], 32),
    "qformer": lambda: QFormerFusion([8, 16], 32),
    "qformer_asdrawn": lambda: QFormerAsDrawn(8, 16),
}
RASTERS = {"perceiver": (8, 16), "qformer": (8, 8), "qformer_asdrawn": (1, 64)}


@cache
def built(name: str) -> nn.Module:
    """Built once and never changed: the drawn one has 57 million parameters. Away from where it starts."""
    torch.manual_seed(0)
    module = BUILDS[name]().eval()
    if not isinstance(module, QFormerAsDrawn):
        generator = torch.Generator().manual_seed(1)
        with torch.no_grad():
            for parameter in module.parameters():
                parameter.add_(torch.randn(parameter.shape, generator=generator) * 0.02)
    return module


def streams(seed: int = 2) -> list[Tensor]:
    """Two streams of two frames; the second has a grid of other sides."""
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(2, 2, 3, 5, 8, generator=generator), torch.randn(2, 2, 2, 4, 16, generator=generator)]


@pytest.mark.parametrize("name", list(BUILDS))
def test_shares_stand_on_the_queries_raster_and_sum_to_one(name: str) -> None:
    with torch.inference_mode():
        shares = built(name).stream_shares(streams())
    assert shares.shape == (2, 2, *RASTERS[name], 2)
    assert (shares > 0).all()
    assert torch.allclose(shares.sum(-1), torch.ones(shares.shape[:-1]), atol=1e-6)


@pytest.mark.parametrize("name", list(BUILDS))
def test_one_stream_has_all_and_three_share_where_the_fusion_takes_them(name: str) -> None:
    if name == "qformer_asdrawn":
        with pytest.raises(GridError, match="built for 2 streams, got 1"):
            built(name).stream_shares(streams()[:1])
        return
    kind = type(built(name))
    torch.manual_seed(0)
    with torch.inference_mode():
        alone = kind([8], 32).stream_shares(streams()[:1])
        three = kind([8, 16, 8], 32).stream_shares([*streams(), streams(3)[0]])
    assert torch.allclose(alone, torch.ones_like(alone), atol=1e-6)
    assert three.shape[-1] == 3
    assert torch.allclose(three.sum(-1), torch.ones(three.shape[:-1]), atol=1e-6)


@pytest.mark.parametrize(
    ("name", "dominant"),
    [("perceiver", 0), ("perceiver", 1), ("qformer", 0), ("qformer", 1), ("qformer_asdrawn", 0)],
)
def test_the_stream_whose_keys_are_made_dominant_has_the_share(name: str, dominant: int) -> None:
    """One direction of the tokens says which stream they are of; queries ask for it, and keys answer by it alone."""
    torch.manual_seed(0)
    module = BUILDS[name]()
    with torch.no_grad():
        for place, projection in enumerate(_projections(module)):
            projection.weight[0] = 0
            projection.bias[0] = 30.0 if place == dominant else -30.0
        for attention in _readers(module):
            nn.init.zeros_(attention.query.weight)
            nn.init.zeros_(attention.key.weight)
            attention.query.bias.fill_(10.0)
            attention.key.weight[:, 0] = 10.0
        shares = module.stream_shares(streams())
    assert shares[..., dominant].min() > 0.999


@pytest.mark.parametrize("name", list(BUILDS))
def test_shares_equal_those_by_loops_from_the_modules_own_weights(name: str) -> None:
    module, grids = built(name), streams()
    with torch.inference_mode():
        found = module.stream_shares(grids)
        expected = by_loop(module, name, grids)
    assert (found - expected).abs().max() < 1e-5


@pytest.mark.parametrize("name", list(BUILDS))
def test_asking_for_shares_changes_nothing_of_what_the_fusion_gives(name: str) -> None:
    module, grids = built(name), streams()
    with torch.inference_mode():
        before = module(grids)
        module.stream_shares(grids)
        assert torch.equal(module(grids), before)


def _projections(module: nn.Module) -> list[nn.Module]:
    """The last layer of each stream on its way to the common width that has a bias of its own."""
    if isinstance(module, QFormerAsDrawn):
        return [module.semantic, module.spatial]
    return [projection.norm for projection in module.context.projections]


def _readers(module: nn.Module) -> list[Attention]:
    """Attention that reads the streams, shallow to deep."""
    if isinstance(module, QFormerAsDrawn):
        return [layer.attention for layer in module.layers]
    blocks = module.readers if isinstance(module, PerceiverFusion) else [layer.across for layer in module.layers]
    return [block.attention for block in blocks]


def by_loop(module: nn.Module, name: str, grids: list[Tensor]) -> Tensor:
    """Queries and keys are caught on their way into the readers; scores, windows and sums are computed here."""
    asked: list[tuple[Tensor, Tensor]] = []
    hooks = []
    for attention in _readers(module):
        caught: list[Tensor] = []
        hooks += [each.register_forward_hook(_catch(caught, asked)) for each in (attention.query, attention.key)]
    module(grids)
    for hook in hooks:
        hook.remove()
    count = {"perceiver": LATENTS, "qformer": QUERIES, "qformer_asdrawn": QUERIES}[name]
    sizes = [(int(grid.shape[2]), int(grid.shape[3])) for grid in grids]
    places = torch.cat([cell_centres(*size).flatten(0, 1) for size in sizes])
    edges = [0, sizes[0][0] * sizes[0][1], len(places)]
    total = torch.zeros(4, count, 2)
    for attention, (query, key) in zip(_readers(module), asked, strict=True):
        width = query.shape[-1] // attention.heads
        for head in range(attention.heads):
            part = slice(head * width, (head + 1) * width)
            scores = torch.einsum("bnc,bmc->bnm", query[..., part], key[..., part]) / math.sqrt(width)
            if attention.windows is not None:
                spread = float(attention.windows.log_spread[head].exp())
                scores = scores - torch.cdist(anchors(count), places).square() / (2 * spread**2)
            weights = scores.softmax(-1)
            for stream, (start, end) in enumerate(pairwise(edges)):
                total[..., stream] += weights[..., start:end].sum(-1) / attention.heads / len(asked)
    return total.reshape(2, 2, *RASTERS[name], 2)


def _catch(caught: list[Tensor], asked: list[tuple[Tensor, Tensor]]) -> Callable[..., None]:
    def hook(_module: nn.Module, _inputs: object, output: Tensor) -> None:
        caught.append(output)
        if len(caught) == 2:
            asked.append((caught[0], caught[1]))
            caught.clear()

    return hook
