"""Probes by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from difflib import get_close_matches
from functools import partial

from foresight_harness.contracts.errors import UsageError
from foresight_harness.parts.probes.base import Probe
from foresight_harness.parts.probes.dense_ridge import DenseRidge
from foresight_harness.parts.probes.detr import DetrProbe
from foresight_harness.parts.probes.knn import Knn
from foresight_harness.parts.probes.single_box import CONV_RECIPE, LINEAR_RECIPE, SingleBoxProbe
from foresight_harness.parts.probes.single_heads import Attentive, Convolution, PooledMlp, SoftArgmax, narrowed, pooled
from foresight_harness.parts.training.recipe import Recipe

PROBES: Mapping[str, Callable[[], Probe]] = {
    "dense_ridge": DenseRidge,
    "knn": Knn,
    "detr": DetrProbe,
    "conv": partial(SingleBoxProbe, "conv", Convolution, recipe=CONV_RECIPE),
    "attentive": partial(SingleBoxProbe, "attentive", Attentive),
    "soft_argmax": partial(
        SingleBoxProbe, "soft_argmax", SoftArgmax, recipe=LINEAR_RECIPE, prepare=narrowed, version=2
    ),
    "pooled_mlp": partial(SingleBoxProbe, "pooled_mlp", PooledMlp, prepare=pooled, audit_only=True),
    "detr_no_position": partial(DetrProbe, "detr_no_position", positions=False, audit_only=True),
}
"""A fresh, unfitted probe by name; ``dense_ridge`` is the primary one."""


def probe(name: str, recipe: Recipe | None = None) -> Probe:
    """A fresh probe.

    Args:
        name: As in ``PROBES``.
        recipe: How a trained probe is trained, where its own recipe is not meant.

    Raises:
        UsageError: if there is none of that name; the message lists the nearest ones.
    """
    if name not in PROBES:
        near = get_close_matches(name, PROBES, n=3) or sorted(PROBES)
        raise UsageError(f"there is no probe {name!r}; did you mean {', '.join(near)}?")
    if recipe is None:
        return PROBES[name]()
    build = PROBES[name]
    if not isinstance(build, partial) and build is not DetrProbe:
        raise UsageError(f"probe {name} is not trained and takes no recipe")
    trained: Probe = build(recipe=recipe)  # type: ignore[call-arg]
    return trained
