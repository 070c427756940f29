"""Every set of published weights that the installed plugins and the core name."""

from __future__ import annotations

from foresight_harness.contracts.errors import UsageError
from foresight_harness.contracts.specs import DecoderSpec, EncoderSpec
from foresight_harness.contracts.specs.weights import PublishedWeights
from foresight_harness.parts.weights.lpips_trunks import LPIPS_TRUNKS, TORCHVISION_TRUNKS
from foresight_harness.planning.registry.registry import Registry, nearest


def known_weights(registry: Registry) -> dict[str, PublishedWeights]:
    """By the name that ``weights fetch`` takes: the core's own, then those of encoders and decoders in their order."""
    found = {weights.name: weights for table in (LPIPS_TRUNKS, TORCHVISION_TRUNKS) for weights in table.values()}
    specs: list[EncoderSpec | DecoderSpec] = [*registry.encoders.values(), *registry.decoders.values()]
    for spec in specs:
        weights = weights_of(spec)
        if weights is not None:
            found.setdefault(weights.name, weights)
    return found


def weights_of(spec: EncoderSpec | DecoderSpec) -> PublishedWeights | None:
    """The weights that a spec says are published; of a Hub repository without known files, the repository alone."""
    if spec.published is not None or spec.repo is None or spec.derives_from is not None:
        return spec.published
    subfolder = getattr(spec, "subfolder", None) or ()
    folders = (subfolder,) if isinstance(subfolder, str) else tuple(subfolder)
    if "pretrained" not in spec.weights:
        return None
    return PublishedWeights(spec.name, spec.repo, spec.license or "", commit=spec.revision, folders=folders)


def chosen_weights(registry: Registry, names: list[str]) -> list[PublishedWeights]:
    """The weights of those names, members of open families (``torchvision:resnet50``) too.

    Raises:
        UsageError: for a name that nothing is published under.
    """
    known = known_weights(registry)
    found = []
    for name in dict.fromkeys(names):
        weights = known.get(name)
        if weights is None and (name in registry.encoders or ":" in name):
            weights = weights_of(registry.encoder(name))
        if weights is None:
            raise UsageError(f"weights {name!r}: nothing is published under that name{nearest(name, known)}")
        found.append(weights)
    return found
